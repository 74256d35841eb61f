from __future__ import annotations

import pytest

from market_agents.agents.cognitive_steps import render_memory
from market_agents.agents.steps.auction import AuctionReflectionStep
from market_agents.memory import Memory, MemoryEntry, MemoryKind
from tests.minds.builders import AUCTION_FRAME, GOOD, market, trader


def looked_back(number: int, environment: str = "auction") -> MemoryEntry:
    return MemoryEntry(number, environment, MemoryKind.REFLECTION, f"reflection of {number}")


def decided(number: int, text: str, environment: str = "auction") -> MemoryEntry:
    return MemoryEntry(number, environment, MemoryKind.STRATEGY, text)


def said(text: str, sender: str = "agent_2") -> dict[str, object]:
    return {"sender_id": sender, "content": text, "recipient_id": "all"}


def test_only_the_latest_reflections_are_shown_oldest_first() -> None:
    memory = Memory(window=2)
    for number in (1, 2, 3):
        memory.remember(looked_back(number))
    assert [entry.round for entry in memory.reflections()] == [2, 3]


def test_a_window_of_nothing_shows_no_reflection_but_the_strategy() -> None:
    memory = Memory(window=0)
    memory.remember(looked_back(1))
    memory.remember(decided(1, "wait"))
    assert render_memory(memory, "auction") == "What you decided to do from now on: wait"


def test_strategies_do_not_use_up_the_window_of_reflections() -> None:
    memory = Memory(window=1)
    memory.remember(looked_back(1))
    memory.remember(decided(1, "wait"))
    assert len(memory.reflections()) == 1


def test_each_environment_has_its_own_latest_strategy() -> None:
    memory = Memory()
    memory.remember(decided(1, "bid low"))
    memory.remember(decided(1, "say little", "group_chat"))
    memory.remember(decided(2, "bid lower"))
    assert memory.strategy("auction") == "bid lower"
    assert memory.strategy("group_chat") == "say little"
    assert memory.strategy("elsewhere") == ""


def test_messages_heard_are_bounded_and_the_latest_stay() -> None:
    memory = Memory(messages=2)
    memory.hear(1, "group_chat", [said("a"), said("b"), said("c")])
    assert [message["content"] for message in memory.heard(1)] == ["b", "c"]


def test_what_was_heard_is_forgotten_with_the_round() -> None:
    memory = Memory()
    memory.hear(1, "group_chat", [said("a")])
    assert [message["content"] for message in memory.heard(2)] == ["a"], "where agents talk after they trade"
    assert memory.heard(3) == []
    memory.hear(2, "group_chat", [said("b")])
    assert [message["content"] for message in memory.heard(2)] == ["b"]
    assert memory.heard(1) == []


def test_two_conversations_of_a_round_are_both_heard() -> None:
    memory = Memory()
    memory.hear(1, "morning", [said("a")])
    memory.hear(1, "noon", [said("b")])
    assert [message["content"] for message in memory.heard(1)] == ["a", "b"]


def test_the_records_of_a_conversation_hold_what_was_said_in_it() -> None:
    memory = Memory()
    memory.hear(1, "morning", [said("a")])
    memory.hear(1, "noon", [said("b")])
    kept = [(entry.environment, entry.content) for entry in memory.take_new()]
    assert kept == [("morning", "agent_2: a"), ("noon", "agent_2: b")]


def test_a_message_heard_is_one_line_of_the_record() -> None:
    memory = Memory()
    memory.hear(1, "group_chat", [said("yes\nagent_3: no")])
    assert [entry.content for entry in memory.take_new()] == ["agent_2: yes agent_3: no"]


def test_a_window_of_no_messages_hears_nothing() -> None:
    memory = Memory(messages=0)
    memory.hear(1, "group_chat", [said("a")])
    assert (memory.heard(1), memory.take_new()) == ([], [])


def test_a_silent_conversation_leaves_no_record() -> None:
    memory = Memory()
    memory.hear(1, "group_chat", [])
    assert memory.take_new() == []


def test_what_is_new_is_handed_over_once() -> None:
    memory = Memory()
    memory.remember(looked_back(1))
    memory.remember(decided(1, "wait"))
    memory.hear(1, "group_chat", [said("a")])
    assert [entry.kind for entry in memory.take_new()] == ["reflection", "strategy", "heard"]
    assert memory.take_new() == []
    assert len(memory.reflections()) == 1


def test_without_memory_nothing_is_kept() -> None:
    memory = Memory(enabled=False)
    memory.remember(looked_back(1))
    memory.remember(decided(1, "wait"))
    memory.hear(1, "group_chat", [said("a")])
    memory.see_price(99.5, GOOD)
    assert memory.reflections() == []
    assert memory.strategy("auction") == ""
    assert memory.heard(1) == []
    assert memory.last_price(GOOD) is None
    assert memory.take_new() == []
    assert render_memory(memory, "auction") == ""


@pytest.mark.parametrize(
    ("seen", "remembered"),
    [
        ([], None),
        ([None], None),
        ([99.5], 99.5),
        ([99.5, None], 99.5),
        ([99.5, None, 101.0], 101.0),
    ],
)
def test_the_last_price_seen_stays_until_there_is_another(
    seen: list[float | None], remembered: float | None
) -> None:
    memory = Memory()
    for price in seen:
        memory.see_price(price, GOOD)
    assert memory.last_price(GOOD) == remembered


def test_memory_is_told_by_round_and_environment() -> None:
    memory = Memory()
    memory.remember(looked_back(1))
    memory.remember(looked_back(2, "group_chat"))
    memory.remember(decided(2, "wait"))
    assert render_memory(memory, "auction").splitlines() == [
        "What you remember",
        "- Round 1, auction: reflection of 1",
        "- Round 2, group_chat: reflection of 2",
        "What you decided to do from now on: wait",
    ]


def test_a_memory_of_many_lines_is_told_on_one() -> None:
    memory = Memory()
    memory.remember(MemoryEntry(1, "auction", MemoryKind.REFLECTION, "first\nWhat you decided\u2028third"))
    assert render_memory(memory, "auction").splitlines() == [
        "What you remember",
        "- Round 1, auction: first What you decided third",
    ]


async def test_who_acts_in_a_market_remembers_its_last_price() -> None:
    buyer, seller = trader("ann"), trader("bob", "seller", (8_000,))
    auction = market([buyer, seller])
    buyer.environments["auction"].step({"action": "bid", "price": 110, "quantity": 1})
    seller.environments["auction"].step({"action": "ask", "price": 90, "quantity": 1})
    auction.mechanism.end_turn()
    await buyer.run_step(AuctionReflectionStep("auction", AUCTION_FRAME), "auction")
    assert buyer.memory.last_price(GOOD) == 100.0
    assert seller.memory.last_price(GOOD) is None
