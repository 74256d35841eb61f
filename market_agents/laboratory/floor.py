"""The trading floor: who is still there, what all hear, and whether anybody can still gain."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from random import Random

from market_agents.agents.strategies import Ear, QuotingStrategy, Shout
from market_agents.economics.orders import Trade
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.environments.mechanisms.auction.live_view import LiveView


class Seat:
    """One trader: its strategy, its window on the market and its own stream."""

    __slots__ = ("agent_id", "buying", "place", "position", "rng", "strategy", "view")

    def __init__(
        self, agent_id: str, place: int, view: LiveView, strategy: QuotingStrategy, rng: Random
    ) -> None:
        self.agent_id = agent_id
        self.place = place
        self.buying = view.buying
        self.view = view
        self.strategy = strategy
        self.rng = rng
        self.position = 0


class Floor:
    """The traders of a market during its periods.

    Args:
        market: where they trade.
        seats: all of them.

    Attributes:
        heard: whether anybody learns from quotes.
        active: those with units left, in an order that changes as they leave.
        times: the activation of each trade of the period.
    """

    def __init__(self, market: DoubleAuction, seats: Sequence[Seat]) -> None:
        self.market = market
        self.active: list[Seat] = []
        self.times: list[int] = []
        self._seats = {seat.agent_id: seat for seat in seats}
        self._ears: tuple[Ear, ...] = tuple(
            {id(seat.strategy.ear): seat.strategy.ear for seat in seats if seat.strategy.ear}.values()
        )
        self.heard = bool(self._ears)
        self._constrained = all(seat.strategy.constrained for seat in seats)
        self._best_limits: dict[bool, list[tuple[int, int, Seat]]] = {True: [], False: []}
        self._counts = {True: 0, False: 0}

    def open(self) -> None:
        """Let in all who have units, in the order of their seats."""
        self.times = []
        self.active = [seat for seat in self._seats.values() if seat.view.units_left]
        for ear in self._ears:
            ear.begin_period()
        for position, seat in enumerate(self.active):
            seat.position = position
            seat.view.progress = 0.0
        for seat in self._seats.values():
            seat.strategy.prepare(seat.view)
        for buying in (True, False):
            own = [seat for seat in self.active if seat.buying == buying]
            self._counts[buying] = len(own)
            limits = [self._entry(seat) for seat in own]
            heapify(limits)
            self._best_limits[buying] = limits

    def is_over(self) -> bool:
        """Whether the period ends: no profitable pair remains or, if some ignore their limits, one side is gone."""
        if not self._counts[True] or not self._counts[False]:
            return True
        if not self._constrained:
            return False
        return self._best_limit(True) < self._best_limit(False)

    def settle(self, activation: int) -> None:
        """Take notice of the trades since this was last called."""
        trades = self.market.trades
        for trade in trades[len(self.times) :]:
            self.times.append(activation)
            self._note(trade)

    def shout(self, *, bid: bool, price: int, accepted: bool) -> None:
        """Let all hear a quote."""
        shout = Shout(bid, price, accepted)
        for ear in self._ears:
            ear.hear(shout)

    def _note(self, trade: Trade) -> None:
        for seat in (self._seats[trade.buyer_id], self._seats[trade.seller_id]):
            seat.strategy.prepare(seat.view)
            if seat.view.units_left:
                heappush(self._best_limits[seat.buying], self._entry(seat))
            else:
                self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        last = self.active.pop()
        if last is not seat:
            self.active[seat.position] = last
            last.position = seat.position
        self._counts[seat.buying] -= 1

    @staticmethod
    def _entry(seat: Seat) -> tuple[int, int, Seat]:
        limit = seat.view.limit
        # The place, unlike the seat, can be compared; the units left tell an entry that is out of date.
        return (-limit if seat.buying else limit, seat.place * 2**20 + seat.view.units_left, seat)

    def _best_limit(self, buying: bool) -> int:
        heap = self._best_limits[buying]
        while heap[0][1] % 2**20 != heap[0][2].view.units_left:
            heappop(heap)
        return -heap[0][0] if buying else heap[0][0]
