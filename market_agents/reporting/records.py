"""What the analysis of a conversation needs of a run, read from storage into types of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market_agents.storage import Database, fetch, get_run

EVERYBODY = "all"

Place = tuple[str, int, str]
"""Environment, round, cohort."""

_TURN = ("environment", "round", "sub_round")
_OF_A_MESSAGE = (
    *_TURN, "cohort_id", "message_id", "sender_id", "recipient_id", "content", "metadata", "verdict",
)  # fmt: skip
_OF_AN_ORDER = ("environment", "round", "good", "agent_id", "side", "price", "status")


@dataclass(frozen=True, slots=True)
class Member:
    """Who takes part in a conversation."""

    agent_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Message:
    """What was said.

    Attributes:
        recipient_id: ``all`` of the cohort, or one agent.
        sentiment: as the speaker gave it with the message; None where it gave none.
        confidence: 0 to 1, given with the message, else with the speaker's perception before it; None
            where neither is there.
    """

    message_id: int
    sub_round: int
    sender_id: str
    recipient_id: str
    content: str
    sentiment: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A bid or ask that was not refused; the price in currency."""

    agent_id: str
    side: str
    price: float


@dataclass(frozen=True, slots=True)
class Talk:
    """One cohort's conversation in one round, and the market that came after it.

    Attributes:
        members: in the order of joining; whoever spoke is among them.
        proposer_id: who proposed the topic; None where it is the configured one.
        in_turn: whether members spoke one after another, so that each heard all before it; else nobody
            heard what was said in the same sub-round.
        messages: in their order.
        good: what is traded, the first of several; empty where nothing is.
        other_goods: the other goods that are traded.
        equilibrium: lower and upper end of the round's competitive price interval, in currency; None where
            the round has none, or not yet.
        orders: of the members for ``good``, in markets that stand after this conversation in the same round.
    """

    environment: str
    round: int
    cohort_id: str
    members: tuple[Member, ...]
    topic: str | None = None
    proposer_id: str | None = None
    in_turn: bool = False
    messages: tuple[Message, ...] = ()
    good: str = ""
    other_goods: tuple[str, ...] = ()
    equilibrium: tuple[float, float] | None = None
    orders: tuple[Order, ...] = ()


@dataclass
class _Found:
    """Rows of one conversation while they are collected."""

    members: dict[str, None] = field(default_factory=dict)
    topic: str | None = None
    proposer_id: str | None = None
    messages: list[Message] = field(default_factory=list)


def read_talks(database: Database, run_id: str, rounds: Collection[int] | None = None) -> tuple[Talk, ...]:
    """The conversations of a run as far as it has come, by environment in order, round and cohort.

    Args:
        database: where the run is.
        run_id: the run.
        rounds: those whose conversations are wanted; all unless told.

    Raises:
        RunRefused: no such run.
    """
    config = get_run(database, run_id).config
    people = {
        str(row["agent_id"]): Member(str(row["agent_id"]), str(row["name"]), str(row["role"]))
        for row in sorted(fetch(database, "agents", run_id), key=lambda row: _whole(row["agent_index"]))
    }
    only: Mapping[str, object] = {} if rounds is None else {"round": list(rounds)}
    found = _collect(database, run_id, only)
    markets = _Markets(database, run_id, config, only)
    joined = {agent_id: place for place, agent_id in enumerate(people)}
    talks = []
    for (environment, number, cohort_id), rows in found.items():
        ids = sorted(rows.members, key=lambda agent_id: (joined.get(agent_id, len(joined)), agent_id))
        talks.append(
            Talk(
                environment=environment,
                round=number,
                cohort_id=cohort_id,
                members=tuple(people.get(agent_id) or Member(agent_id, agent_id, "") for agent_id in ids),
                topic=rows.topic,
                proposer_id=rows.proposer_id,
                in_turn=_setting(config, environment, "turns") not in {None, "simultaneous"},
                messages=tuple(rows.messages),
                good=markets.good,
                other_goods=markets.other_goods,
                equilibrium=markets.equilibrium.get(number),
                orders=markets.orders_after(environment, number, rows.members),
            )
        )
    place = {name: index for index, name in enumerate(_order(config))}
    talks.sort(key=lambda talk: (place.get(talk.environment, len(place)), talk.environment, talk.round))
    return tuple(talks)


def _collect(database: Database, run_id: str, only: Mapping[str, object]) -> dict[Place, _Found]:
    """Members, topics and messages by place; cohorts in the order of their members' rows."""
    found: dict[Place, _Found] = defaultdict(_Found)
    for row in sorted(fetch(database, "cohorts", run_id, only), key=_natural):
        found[_place(row)].members[str(row["agent_id"])] = None
    for row in fetch(database, "topics", run_id, only):
        there = found[_place(row)]
        there.topic = str(row["topic"])
        there.proposer_id = None if row["proposer_id"] is None else str(row["proposer_id"])
    confidence = {
        (row["environment"], row["round"], row["sub_round"], row["agent_id"]): row["confidence"]
        for row in fetch(database, "perceptions", run_id, only, (*_TURN, "agent_id", "confidence"))
    }
    for row in fetch(database, "messages", run_id, only, _OF_A_MESSAGE):
        if row["verdict"] == "withheld":
            continue  # nobody but its sender has heard it
        there = found[_place(row)]
        there.members[str(row["sender_id"])] = None
        thought = confidence.get((row["environment"], row["round"], row["sub_round"], row["sender_id"]))
        there.messages.append(_message(row, thought))
    return found


def _message(row: Mapping[str, Any], thought: object) -> Message:
    given: Mapping[str, object] = row["metadata"] if isinstance(row["metadata"], Mapping) else {}
    sentiment, confidence = given.get("sentiment"), _share(given.get("confidence"))
    return Message(
        message_id=row["message_id"],
        sub_round=row["sub_round"],
        sender_id=row["sender_id"],
        recipient_id=row["recipient_id"],
        content=row["content"],
        sentiment=sentiment.strip() or None if isinstance(sentiment, str) else None,
        confidence=_share(thought) if confidence is None else confidence,
    )


class _Markets:
    """The run's markets: equilibrium by round, and the orders that came after a conversation."""

    def __init__(
        self, database: Database, run_id: str, config: Mapping[str, object], only: Mapping[str, object]
    ) -> None:
        self._order = _order(config)
        self.equilibrium: dict[int, tuple[float, float]] = {}
        self._orders: dict[tuple[str, int, str], list[Order]] = defaultdict(list)
        rounds = list(fetch(database, "auction_rounds", run_id))
        orders = list(fetch(database, "orders", run_id, only, _OF_AN_ORDER))
        self.good, *others = self._goods([*rounds, *orders]) or [""]
        self.other_goods = tuple(others)
        for row in rounds:
            low, high = row["equilibrium_price_low"], row["equilibrium_price_high"]
            if row["good"] != self.good:
                continue
            if isinstance(low, Decimal) and isinstance(high, Decimal):
                self.equilibrium.setdefault(_whole(row["round"]), (float(low), float(high)))
        for row in orders:
            price, side = row["price"], row["side"]
            if row["good"] != self.good or row["status"] == "rejected":
                continue
            if isinstance(price, Decimal) and isinstance(side, str):
                agent_id = str(row["agent_id"])
                key = (str(row["environment"]), _whole(row["round"]), agent_id)
                self._orders[key].append(Order(agent_id, side, float(price)))

    def _goods(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Every good that was traded, in the order of the run's markets."""
        place = {name: index for index, name in enumerate(self._order)}
        found = sorted(rows, key=lambda row: place.get(str(row["environment"]), len(place)))
        return list(dict.fromkeys(str(row["good"]) for row in found))

    def orders_after(
        self, environment: str, round_number: int, members: Mapping[str, None]
    ) -> tuple[Order, ...]:
        """Orders of the members in markets that stand after the environment, in the same round."""
        after = (
            self._order[self._order.index(environment) + 1 :] if environment in self._order else self._order
        )
        return tuple(
            order
            for market in after
            for agent_id in members
            for order in self._orders.get((market, round_number, agent_id), ())
        )


def _order(config: Mapping[str, object]) -> Sequence[str]:
    order = config.get("environment_order")
    return [str(name) for name in order] if isinstance(order, list | tuple) else []


def _setting(config: Mapping[str, object], environment: str, key: str) -> object:
    entries = config.get("environment_configs")
    entry = entries.get(environment) if isinstance(entries, Mapping) else None
    return entry.get(key) if isinstance(entry, Mapping) else None


def _place(row: Mapping[str, Any]) -> Place:
    return str(row["environment"]), _whole(row["round"]), str(row["cohort_id"])


def _natural(row: Mapping[str, Any]) -> tuple[str, int, int, str]:
    """Cohorts by number: ``cohort_2`` before ``cohort_10``."""
    cohort_id = str(row["cohort_id"])
    return str(row["environment"]), _whole(row["round"]), len(cohort_id), cohort_id


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _share(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if usable and isinstance(value, int | float) else None
