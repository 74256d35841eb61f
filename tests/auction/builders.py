"""Short ways to say what is in a book and who trades in a market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Literal

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction import INSTITUTIONS, DoubleAuction, Fill, Institution
from market_agents.environments.mechanisms.auction.admission import unimproved
from market_agents.environments.mechanisms.auction.institutions import Means

Offer = tuple[int, int]
"""Price and quantity."""

Match = tuple[int, int, int, int]
"""Order id of the bid, order id of the ask, price, quantity."""


class Book:
    """An institution with orders numbered from 1; each belongs to an agent of its own."""

    def __init__(self, name: str) -> None:
        self.institution: Institution = INSTITUTIONS[name]()
        self.orders: list[Order] = []
        self.matches: list[Match] = []

    def bid(self, price: int, quantity: int = 1) -> Order:
        return self.submit(Side.BID, price, quantity)

    def ask(self, price: int, quantity: int = 1) -> Order:
        return self.submit(Side.ASK, price, quantity)

    def admits(self, side: Side, price: int, agent_id: str = "") -> bool:
        """Whether the rule, or what it demands of its mechanism, lets an order in."""
        rule = self.institution
        best = rule.best_bid() if side is Side.BID else rule.best_ask()
        if rule.must_improve and unimproved(side, price, best, TickScale(Decimal(1))) is not None:
            return False
        return rule.refuses(agent_id, side, price) is None

    def submit(self, side: Side, price: int, quantity: int = 1, agent_id: str = "") -> Order:
        number = len(self.orders) + 1
        order = Order(number, agent_id or f"agent_{number}", side, price, quantity)
        self.orders.append(order)
        self._note(self.institution.submit(order))
        return order

    def take(self, side: Side, quantity: int, *, cash: int = 10**9, goods: int = 10**9) -> Order:
        """A market order; what does not trade of it is cancelled, as the mechanism does."""
        number = len(self.orders) + 1
        order = Order(number, f"agent_{number}", side, 1, quantity)
        self.orders.append(order)
        self._note(self.institution.take(order, Means(side is Side.BID, cash, goods)))
        if order.live:
            order.close(OrderStatus.CANCELLED)
        return order

    def clear(self) -> None:
        self._note(self.institution.clear())

    def _note(self, fills: Sequence[Fill]) -> None:
        self.matches += [(fill.bid.order_id, fill.ask.order_id, fill.price, fill.quantity) for fill in fills]

    def depth(self) -> tuple[list[Offer], list[Offer]]:
        return (
            [(level.price, level.quantity) for level in self.institution.depth(Side.BID)],
            [(level.price, level.quantity) for level in self.institution.depth(Side.ASK)],
        )


def book(name: str, *, bids: Sequence[Offer] = (), asks: Sequence[Offer] = ()) -> Book:
    """A book with resting orders, bids first, that were cleared once."""
    made = Book(name)
    for price, quantity in bids:
        made.bid(price, quantity)
    for price, quantity in asks:
        made.ask(price, quantity)
    made.clear()
    return made


@dataclass
class Market:
    """A double auction in ticks of one currency unit, in its first round, with its accounts."""

    auction: DoubleAuction
    accounts: Accounts

    def act(self, agent_id: str, action: str, price: object = None, quantity: object = 1) -> dict[str, Any]:
        return self.say(agent_id, {"action": action, "price": price, "quantity": quantity})

    def say(self, agent_id: str, action: Mapping[Any, object]) -> dict[str, Any]:
        return self.auction.apply(agent_id, self.auction.check(agent_id, action))


def market(
    *,
    buyers: Mapping[str, Sequence[int]],
    sellers: Mapping[str, Sequence[int]],
    institution: str = "lob",
    cash: int = 1000,
    goods: int = 10,
    tick_size: str = "1",
    order_lifetime: Literal["round", "run"] = "round",
    max_price: int | None = None,
    must_improve: bool = False,
    market_orders: bool = False,
    quotes_per_trader: int = 1,
    call_k: float = 0.5,
    information: Iterable[str] = ("last_price", "best_quotes", "trades"),
    keep_events: bool = True,
) -> Market:
    """A market for apples; units in ticks, sellers without cash and buyers without apples."""
    accounts = Accounts(["apple"])
    auction = DoubleAuction(
        good="apple",
        accounts=accounts,
        institution=institution,
        tick_size=Decimal(tick_size),
        order_lifetime=order_lifetime,
        max_price=max_price,
        must_improve=must_improve,
        market_orders=market_orders,
        quotes_per_trader=quotes_per_trader,
        call_k=call_k,
        information=information,
        keep_events=keep_events,
    )
    for role, schedules in (("buyer", buyers), ("seller", sellers)):
        for agent_id, units in schedules.items():
            accounts.open(
                agent_id, cash if role == "buyer" else 0, {"apple": goods if role == "seller" else 0}
            )
            auction.join(agent_id, role)
            auction.open_units(agent_id, units)
    auction.begin_round(1, Random(0))
    return Market(auction, accounts)
