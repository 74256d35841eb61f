"""The continuous double auction on a limit order book."""

from __future__ import annotations

from typing import ClassVar

from market_agents.economics.orders import Order, Side
from market_agents.environments.mechanisms.auction.institutions.contract import (
    Fill,
    Institution,
    Means,
    match,
)

_BID = Side.BID  # bound once, as in `orders`


class LimitOrderBook(Institution):
    """Price-time priority; an order trades on arrival, at the price of the order that rests."""

    name: ClassVar[str] = "lob"
    continuous: ClassVar[bool] = True

    def submit(self, order: Order) -> list[Fill]:
        """Trade against the best resting orders while prices cross; the rest of the order then rests."""
        buying = order.side is _BID
        own, other = (self._bids, self._asks) if buying else (self._asks, self._bids)
        fills: list[Fill] = []
        limit = order.price
        while order.remaining and (resting := other.best()) is not None:
            price = resting.price
            if price > limit if buying else price < limit:
                break
            fill = match(order, resting, price) if buying else match(resting, order, price)
            other.units -= fill.quantity
            fills.append(fill)
        if order.remaining:
            own.add(order)
        return fills

    def take(self, order: Order, means: Means) -> list[Fill]:
        """Walk the opposite side of the book."""
        fills: list[Fill] = []
        while (fill := self._take_best(order, means)) is not None:
            fills.append(fill)
        return fills
