"""One side of an order book: open orders by price, then by time."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

from market_agents.economics.orders import Order, OrderStatus, Side

_SPARE = 64


class Level(NamedTuple):
    """The units that rest at one price."""

    price: int
    quantity: int


class BookSide:
    """Open bids or open asks, the best on top.

    A heap with lazy deletion: closed orders stay until they surface, or until they outnumber the open ones.
    Adding costs amortised O(log n), looking at the best likewise, however many orders were ever closed.

    Attributes:
        units: how many are open here; whoever fills or closes an order that rests here takes its units out.
    """

    __slots__ = ("_heap", "_room", "_sign", "units")

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side is Side.BID else 1
        self._heap: list[tuple[int, int, Order]] = []
        self._room = _SPARE
        self.units = 0

    def add(self, order: Order) -> None:
        """Let an order rest."""
        heap = self._heap
        if len(heap) >= self._room:
            # Only this keeps a book small in which everyone replaces quotes that never reach the top.
            heap = self._heap = [entry for entry in heap if entry[2].live]
            heapify(heap)
            self._room = 2 * len(heap) + _SPARE
        heappush(heap, (self._sign * order.price, order.order_id, order))
        self.units += order.remaining

    def best(self) -> Order | None:
        """The order that trades first; None if there is none."""
        heap = self._heap
        while heap:
            order = heap[0][2]
            if order.live:
                return order
            heappop(heap)
        return None

    def drain(self, status: OrderStatus) -> list[Order]:
        """Close every order and return them, the best first."""
        orders = self.in_order()
        self._heap.clear()
        self.units = 0
        for order in orders:
            order.close(status)
        return orders

    def in_order(self) -> list[Order]:
        """The open orders, the best first; O(n log n)."""
        return [order for _, _, order in sorted(self._heap) if order.live]

    def depth(self, levels: int) -> list[Level]:
        """Units at each of the best ``levels`` prices, the best first; O(n)."""
        units: dict[int, int] = {}
        for _, _, order in self._heap:
            if order.live:
                units[order.price] = units.get(order.price, 0) + order.remaining
        best_first = sorted(units, key=lambda price: self._sign * price)
        return [Level(price, units[price]) for price in best_first[:levels]]
