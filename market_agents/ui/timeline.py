"""A round as a sequence of single happenings, and the order book and the talk as they stood after any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Row = Mapping[str, Any]
What = Literal["topic", "message", "order", "refused", "trade", "closed"]

CONTINUOUS = frozenset({"lob", "gs"})
"""Institutions under which an order trades as it arrives; under the others all trade once orders are in."""

_LATE = 10**18
_BIG = float("inf")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened.

    Attributes:
        what: ``topic`` and ``message`` in a chat; ``order``, ``refused``, ``trade`` and ``closed`` in a market.
        row: the row of topics, messages, orders, trades or order_events that tells it.
    """

    what: What
    environment: str
    sub_round: int
    row: Row


@dataclass(frozen=True)
class RoundRows:
    """What is stored of one environment's part of a round, each in the order of its natural key.

    Attributes:
        standing: orders of earlier rounds that were open when it began, with ``filled_before``.
    """

    environment: str
    is_continuous: bool
    topics: Sequence[Row] = ()
    messages: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    order_events: Sequence[Row] = ()
    trades: Sequence[Row] = ()
    standing: Sequence[Row] = ()


@dataclass
class Resting:
    """An order that waits in the book."""

    order_id: int
    agent_id: str
    good: str
    side: str
    price: Decimal
    quantity: int


@dataclass
class Level:
    """All orders of a side at one price."""

    price: Decimal
    quantity: int = 0
    orders: list[Resting] = field(default_factory=list)


@dataclass(frozen=True)
class Book:
    """The open orders of a market, by price, the best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]

    @property
    def deepest(self) -> int:
        """Units at the price where there are most."""
        return max((level.quantity for level in [*self.bids, *self.asks]), default=0)


def happenings(parts: Iterable[RoundRows]) -> list[Happening]:
    """Everything that happened in a round, in order: environment by environment, sub-round by sub-round."""
    found: list[Happening] = []
    for part in parts:
        keyed = [*_talk(part), *_market(part)]
        keyed.sort(key=lambda pair: pair[0])
        found += [happening for _, happening in keyed]
    return found


Key = tuple[int, int, float, int, int]
"""Sub-round, talk before trade, order, phase, number."""


def _talk(part: RoundRows) -> Iterator[tuple[Key, Happening]]:
    for place, row in enumerate(part.topics):
        yield (0, 0, 0, 0, place), Happening("topic", part.environment, 0, row)
    for row in part.messages:
        number = row["sub_round"]
        yield (number, 0, 1, 0, row["message_id"]), Happening("message", part.environment, number, row)


def _market(part: RoundRows) -> Iterator[tuple[Key, Happening]]:
    """Orders by id; trades after the younger of their orders, or after all orders; what is closed after both."""
    newest = _next_orders(part.orders)
    by_id = {row["order_id"]: row for row in [*part.standing, *part.orders]}
    for row in part.orders:
        what: What = "refused" if row["status"] == "rejected" else "order"
        key = (row["sub_round"], 1, row["order_id"], 0, 0)
        yield key, Happening(what, part.environment, row["sub_round"], row)
    for row in part.trades:
        younger = max(row["bid_order_id"], row["ask_order_id"])
        after = younger if part.is_continuous else _LATE
        yield (
            (row["sub_round"], 1, after, 1, row["trade_id"]),
            Happening("trade", part.environment, row["sub_round"], row),
        )
    for event in part.order_events:
        if event["status"] in {"open", "rejected", "partially_filled", "filled"}:
            continue
        order = by_id.get(event["order_id"])
        told = {**(order or {}), **{name: value for name, value in event.items() if value is not None}}
        if event["status"] == "replaced" and order is not None:
            key = (event["sub_round"], 1, newest(order, event["sub_round"]), -1, event["order_id"])
        elif part.is_continuous and order is not None and _place(order) == _place(event):
            key = (event["sub_round"], 1, event["order_id"], 2, event["order_id"])
        else:
            key = (event["sub_round"], 1, _BIG, 2, event["order_id"])
        yield key, Happening("closed", part.environment, event["sub_round"], told)


def _place(row: Row) -> tuple[int, int]:
    return row["round"], row["sub_round"]


def _next_orders(orders: Sequence[Row]) -> Any:  # noqa: ANN401  (a function of two arguments)
    """Finds the order that took the place of another one: its agent's next, of the same good and sub-round."""
    mine: dict[tuple[str, str, int], list[int]] = {}
    for row in orders:
        if row["status"] == "rejected":
            continue  # what is refused takes nobody's place
        mine.setdefault((row["agent_id"], row["good"], row["sub_round"]), []).append(row["order_id"])

    def find(order: Row, sub_round: int) -> float:
        ids = mine.get((order["agent_id"], order["good"], sub_round), [])
        return next((order_id for order_id in ids if order_id > order["order_id"]), _BIG)

    return find


def book_after(steps: Sequence[Happening], standing: Sequence[Row] = (), good: str | None = None) -> Book:
    """The book after some happenings.

    Args:
        steps: what happened, from the beginning of the round.
        standing: orders of earlier rounds that were open then, with ``filled_before``.
        good: only orders for it; None for all.
    """
    resting = {
        row["order_id"]: _resting(row, row["quantity"] - row["filled_before"])
        for row in standing
        if row["price"] is not None
    }
    for step in steps:
        _follow(resting, step)
    chosen = [order for order in resting.values() if good in {None, order.good} and order.quantity > 0]
    return Book(_levels(chosen, "bid"), _levels(chosen, "ask"))


def _follow(resting: dict[int, Resting], step: Happening) -> None:
    row = step.row
    if step.what == "order" and row["price"] is not None:
        resting[row["order_id"]] = _resting(row, row["quantity"])
    elif step.what == "trade":
        for name in ("bid_order_id", "ask_order_id"):
            order = resting.get(row[name])
            if order is not None:
                order.quantity -= row["quantity"]
    elif step.what == "closed":
        resting.pop(row["order_id"], None)


def _resting(row: Row, quantity: int) -> Resting:
    return Resting(row["order_id"], row["agent_id"], row["good"], row["side"], row["price"], quantity)


def _levels(orders: Iterable[Resting], side: str) -> list[Level]:
    levels: dict[Decimal, Level] = {}
    for order in orders:
        if order.side == side:
            level = levels.setdefault(order.price, Level(order.price))
            level.quantity += order.quantity
            level.orders.append(order)
    return sorted(levels.values(), key=lambda level: level.price, reverse=side == "bid")
