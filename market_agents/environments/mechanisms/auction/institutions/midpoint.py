"""Simultaneous rounds: orders are collected, then best bid and best ask trade at their midpoint."""

from __future__ import annotations

from typing import ClassVar

from market_agents.economics.orders import Order, OrderStatus
from market_agents.environments.mechanisms.auction.institutions.contract import Fill, Institution


def midpoint(bid: int, ask: int) -> int:
    """The tick halfway between two prices; of two such ticks the even one, so as to favour nobody."""
    total = bid + ask
    half = total // 2
    return half + (half & 1) if total & 1 else half


class MidpointClearing(Institution):
    """Nothing trades on arrival; a clearing pairs sorted bids with sorted asks, each at its own midpoint.

    Until they are cleared, nobody sees new orders: quotes and depth show what rests from earlier turns.
    """

    name: ClassVar[str] = "midpoint"

    def __init__(self) -> None:
        super().__init__()
        self._arrived: list[Order] = []

    def submit(self, order: Order) -> list[Fill]:
        """Collect an order; nothing trades before `clear`."""
        self._arrived.append(order)
        return []

    def clear(self) -> list[Fill]:
        """Match best bid and best ask, by price and then time, until prices no longer cross."""
        self._admit_arrivals()
        fills: list[Fill] = []
        while (bid := self._bids.best()) is not None and (ask := self._asks.best()) is not None:
            if bid.price < ask.price:
                break
            fills.append(self._trade_resting(bid, ask, midpoint(bid.price, ask.price)))
        return fills

    def cancel(self, order: Order, status: OrderStatus = OrderStatus.CANCELLED) -> None:
        """As promised by the contract, orders that were never cleared included."""
        # Ids rise, so that whatever is at least as young as the first arrival is one.
        if self._arrived and order.order_id >= self._arrived[0].order_id:
            order.close(status)
        else:
            super().cancel(order, status)

    def expire(self) -> list[Order]:
        """As promised by the contract, orders that were never cleared included."""
        self._admit_arrivals()
        return super().expire()

    def _admit_arrivals(self) -> None:
        for order in self._arrived:
            if order.live:
                self._side(order.side).add(order)
        self._arrived.clear()
