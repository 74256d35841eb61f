"""Conversations for tests, in a line each."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.reporting import Member, Message, Order, Talk

NAMES = {"agent_1": "Ada B.", "agent_2": "Ben C.", "agent_3": "Cleo D.", "agent_4": "Ben E."}


def talk(*said: tuple[int, str, str] | tuple[int, str, str, str], **changes: object) -> Talk:
    """A conversation of three: each message as sub-round, sender, content and, where private, recipient."""
    messages = tuple(
        Message(
            message_id=number,
            sub_round=line[0],
            sender_id=f"agent_{line[1]}",
            recipient_id=f"agent_{line[3]}" if len(line) > 3 else "all",
            content=line[2],
        )
        for number, line in enumerate(said, 1)
    )
    values: dict[str, object] = {"members": members(3), "messages": messages, "good": "strawberry", **changes}
    return Talk(environment="group_chat", round=1, cohort_id="cohort_1", **values)  # type: ignore[arg-type]


def members(count: int) -> tuple[Member, ...]:
    """The first members, alternately buyers and sellers."""
    return tuple(
        Member(
            f"agent_{number}",
            NAMES.get(f"agent_{number}", f"Zoe {number}"),
            "buyer" if number % 2 else "seller",
        )
        for number in range(1, count + 1)
    )


def orders(*placed: tuple[int, str, float]) -> tuple[Order, ...]:
    """Orders, each as agent, side and price."""
    return tuple(Order(f"agent_{number}", side, price) for number, side, price in placed)


def priced(prices: Sequence[float], **changes: object) -> Talk:
    """A conversation in which members name prices in turn."""
    return talk(*((1, str(index % 3 + 1), f"near {price}") for index, price in enumerate(prices)), **changes)
