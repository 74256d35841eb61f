"""The double auction of Gode & Sunder (1993, Journal of Political Economy 101(1)): a trade clears the whole book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction.institutions.contract import (
    Fill,
    Institution,
    Means,
    match,
)

_BID = Side.BID  # bound once, as in `orders`


class ClearingBook(Institution):
    """A quote must beat its own side's best; one that crosses trades at the standing price, and all quotes end.

    So at most one fill comes of an order, and what remains of both orders is given up with the rest of the book.
    """

    name: ClassVar[str] = "gs"
    must_improve: ClassVar[bool] = True
    continuous: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._closed: list[Order] = []

    def submit(self, order: Order) -> list[Fill]:
        """Trade against the best opposite quote if it crosses and clear the book; else rest."""
        buying = order.side is _BID
        own, other = (self._bids, self._asks) if buying else (self._asks, self._bids)
        resting = other.best()
        own.add(order)
        if resting is None:
            return []
        price = resting.price
        if price > order.price if buying else price < order.price:
            return []
        fill = match(order, resting, price) if buying else match(resting, order, price)
        self._end_all()
        return [fill]

    def take(self, order: Order, means: Means) -> list[Fill]:
        """Trade with the best opposite quote and clear the book."""
        fill = self._take_best(order, means)
        if fill is None:
            return []
        self._end_all()
        return [fill]

    def take_closed(self) -> Sequence[Order]:
        """The quotes that a trade has ended, in order of arrival."""
        if not self._closed:
            return ()
        closed, self._closed = self._closed, []
        return sorted(closed, key=lambda order: order.order_id)

    def _end_all(self) -> None:
        for side in (self._bids, self._asks):
            self._closed += side.drain(OrderStatus.CANCELLED)
