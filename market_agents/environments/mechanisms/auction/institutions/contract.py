"""The contract of a trading institution: orders in, fills out, blind to who trades and with what right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction.institutions.book import BookSide, Level


class Fill(NamedTuple):
    """A match of two orders, both filled already when it is reported.

    Attributes:
        bid: the buyer's order.
        ask: the seller's order.
        price: ticks per unit, between the two limits.
        quantity: units.
        bid_filled: units of the bid that were traded up to and including this fill.
        ask_filled: the same of the ask.
    """

    bid: Order
    ask: Order
    price: int
    quantity: int
    bid_filled: int
    ask_filled: int


def match(bid: Order, ask: Order, price: int) -> Fill:
    """Fill two orders against each other at ``price`` as far as both reach."""
    quantity = min(bid.remaining, ask.remaining)
    bid.fill(quantity)
    ask.fill(quantity)
    return Fill(bid, ask, price, quantity, bid.quantity - bid.remaining, ask.quantity - ask.remaining)


class Institution(ABC):
    """A rule that turns orders into fills.

    It changes the state of the orders given to it and nothing else: cash, goods, rights to trade and the
    number of quotes a trader may have are the mechanism's. Orders come with rising ids, their time priority.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self._bids = BookSide(Side.BID)
        self._asks = BookSide(Side.ASK)

    @abstractmethod
    def submit(self, order: Order) -> list[Fill]:
        """Take in a new open order.

        Returns:
            What traded at once, in order; whatever remains of the order is then open here.
        """

    def clear(self) -> list[Fill]:
        """All who wanted to act have acted: match what the rule matches only now."""
        return []

    def cancel(self, order: Order, status: OrderStatus = OrderStatus.CANCELLED) -> None:
        """Close an order that is open here, as ``status``.

        Raises:
            ValueError: the order is closed already.
        """
        order.close(status)
        self._side(order.side).note_closed()

    def expire(self) -> list[Order]:
        """Close everything that is open here, as expired, and return it in order of arrival."""
        orders = self._bids.drain(OrderStatus.EXPIRED) + self._asks.drain(OrderStatus.EXPIRED)
        return sorted(orders, key=lambda order: order.order_id)

    def best_bid(self) -> int | None:
        """The highest open bid that traders may see, in ticks."""
        best = self._bids.best()
        return None if best is None else best.price

    def best_ask(self) -> int | None:
        """The lowest open ask that traders may see, in ticks."""
        best = self._asks.best()
        return None if best is None else best.price

    def depth(self, side: Side, levels: int = 10) -> list[Level]:
        """Open units at the best prices of one side that traders may see, the best first."""
        return self._side(side).depth(levels)

    def _side(self, side: Side) -> BookSide:
        return self._bids if side is Side.BID else self._asks
