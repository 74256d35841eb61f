"""The trading floor: who is still there, what all hear, and whether anybody can still gain.

A simulation and the laboratory let their strategies trade on the same floor. In the laboratory the floor's protocols
carry out what strategies quote; in a simulation, which also asks models and keeps records, whoever runs the round does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from heapq import heapify, heappop, heappush
from random import Random

from market_agents.agents.strategies import Ear, QuotingStrategy, Shout
from market_agents.economics.orders import Side, Trade
from market_agents.environments import Event
from market_agents.environments.mechanisms.auction import DoubleAuction, OrderPlaced, TradeMade
from market_agents.environments.mechanisms.auction.live_view import LiveView


class Seat:
    """One trader: its strategy, its window on the market and its own stream.

    Args:
        agent_id: who trades.
        place: counted from 0 on a side, or among all.
        view: what the trader sees.
        strategy: how it quotes; None where a mind decides of which the floor knows nothing.
        seed: of the stream that its draws come from.
        outside: whether its acts are carried out by whoever runs the period, and not by the protocol.

    Attributes:
        inside: the strategy whose acts the protocol carries out.
        rng: the stream; it exists from the first draw on, for it takes more memory than all else that is a seat's.
    """

    __slots__ = ("_seed", "agent_id", "buying", "inside", "place", "position", "rng", "strategy", "view")

    rng: Random

    def __init__(
        self,
        agent_id: str,
        place: int,
        view: LiveView,
        strategy: QuotingStrategy | None,
        seed: int,
        *,
        outside: bool = False,
    ) -> None:
        self.agent_id = agent_id
        self.inside = None if outside else strategy
        self.place = place
        self.buying = view.buying
        self.view = view
        self.strategy = strategy
        self._seed = seed
        self.position = 0

    def __getattr__(self, name: str) -> Random:
        # Python asks here only for what is not there, so that later draws find the stream as fast as any attribute.
        if name != "rng":
            raise AttributeError(name)
        self.rng = Random(self._seed)  # noqa: S311  (simulation, not cryptography)
        return self.rng

    def draw_from(self, seed: int) -> None:
        """Begin another stream."""
        self.rest()
        self._seed = seed

    def rest(self) -> None:
        """Let the stream go; whoever draws again without `draw_from` has the same draws again."""
        with suppress(AttributeError):
            del self.rng


class Floor:
    """The traders of a market during its periods.

    Args:
        market: where they trade.
        seats: all of them.
        house: whether others trade too, who have no seat; then the period goes on while anybody has units.

    Attributes:
        heard: whether anybody learns from quotes.
        active: those with units left, in an order that changes as they leave.
        times: the activation of each trade of the period.
    """

    def __init__(self, market: DoubleAuction, seats: Sequence[Seat], *, house: bool = False) -> None:
        self.market = market
        self._house = house
        self._several = market.quotes_per_trader > 1
        self.active: list[Seat] = []
        self.times: list[int] = []
        self._seats = {seat.agent_id: seat for seat in seats}
        self._ears: tuple[Ear, ...] = tuple(
            {id(ear): ear for seat in seats if seat.strategy and (ear := seat.strategy.ear)}.values()
        )
        self.heard = bool(self._ears)
        self._constrained = all(seat.strategy is not None and seat.strategy.constrained for seat in seats)
        self._best_limits: dict[bool, list[tuple[int, int, Seat]]] = {True: [], False: []}
        self._counts = {True: 0, False: 0}

    def seat(self, agent_id: str) -> Seat:
        """A trader's seat."""
        return self._seats[agent_id]

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
            if seat.strategy is not None:
                seat.strategy.prepare(seat.view)
        for buying in (True, False):
            own = [seat for seat in self.active if seat.buying == buying]
            self._counts[buying] = len(own)
            limits = [self._entry(seat) for seat in own]
            heapify(limits)
            self._best_limits[buying] = limits

    def quote_and_look(self, seat: Seat) -> int | None:
        """As `quote`, in a turn of its own, after which the book is looked at."""
        price = self.quote(seat)
        self.market.look()
        return price

    def quote(self, seat: Seat) -> int | None:
        """Let a strategy act on the market; the price of its quote, where it made one and the market took it."""
        strategy, view, order_id = seat.strategy, seat.view, None
        if strategy is None:
            return None
        if self._several:
            cancelled = strategy.cancels(view)
            if cancelled is not None:
                self.market.withdraw(seat.agent_id, cancelled)
                return None
            order_id = view.replacing = strategy.replaces(view)
        price = strategy.quote(view, seat.rng)
        if price is None or self.market.place(seat.agent_id, price, 1, order_id) is not None:
            return None
        return price

    def is_over(self) -> bool:
        """Whether the period ends: no profitable pair remains or, if some ignore their limits, one side is gone."""
        if self._house:
            return not self.active
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

    def hear(self, events: Iterable[Event], activation: int) -> None:
        """Take notice of what was recorded: of trades, and of the quotes that all could hear."""
        self.settle(activation)
        if not self.heard:
            return
        quoted: OrderPlaced | None = None
        for event in events:
            match event:
                case OrderPlaced():
                    self._shout_in_vain(quoted)
                    quoted = event
                case TradeMade():
                    # What a clearing brings about is heard as taken bids, after the quotes that were made for it.
                    if event.agent_id is None:
                        self._shout_in_vain(quoted)
                    quoted = None
                    if "last_price" not in self.market.information:
                        continue
                    self.shout(bid=event.agent_id != event.seller_id, price=event.price, accepted=True)
        self._shout_in_vain(quoted)

    def _shout_in_vain(self, quoted: OrderPlaced | None) -> None:
        if quoted is not None and "best_quotes" in self.market.information:
            self.shout(bid=quoted.side is Side.BID, price=quoted.price, accepted=False)

    def shout(self, *, bid: bool, price: int, accepted: bool) -> None:
        """Let all hear a quote."""
        shout = Shout(bid, price, accepted)
        for ear in self._ears:
            ear.hear(shout)

    def _note(self, trade: Trade) -> None:
        for agent_id in (trade.buyer_id, trade.seller_id):
            seat = self._seats.get(agent_id)
            if seat is None:
                continue  # the house, which has no seat
            if seat.strategy is not None:
                seat.strategy.prepare(seat.view)
            if seat.view.units_left:
                heappush(self._best_limits[seat.buying], self._entry(seat))
            else:
                self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        if seat.position >= len(self.active) or self.active[seat.position] is not seat:
            return  # it traded its last units in several trades, of which this is not the first
        last = self.active.pop()
        if last is not seat:
            self.active[seat.position] = last
            last.position = seat.position
        self._counts[seat.buying] -= 1

    @staticmethod
    def _entry(seat: Seat) -> tuple[int, int, Seat]:
        limit = seat.view.next_unit
        # The place, unlike the seat, can be compared; the units left tell an entry that is out of date.
        return (-limit if seat.buying else limit, seat.place * 2**20 + seat.view.units_left, seat)

    def _best_limit(self, buying: bool) -> int:
        heap = self._best_limits[buying]
        while heap[0][1] % 2**20 != heap[0][2].view.units_left:
            heappop(heap)
        return -heap[0][0] if buying else heap[0][0]
