"""What a trading strategy is, for a simulation that shows observations and for a laboratory that shows live markets.

A strategy from the literature derives from `QuotingStrategy` and decides in one place, ``quote``; ``act`` reads an
observation and hands it there. A class of a user's own needs only ``act``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, ClassVar, NamedTuple, Protocol

from market_agents.economics.ladders import OwnQuote, unit_to_quote
from market_agents.economics.ticks import TickScale


class Strategy(Protocol):
    """Decides in a double auction in place of a model."""

    def act(self, observation: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        """Choose an act from what the trader sees.

        Args:
            observation: the trader's view of the market, as from ``get_global_state``.
            rng: the trader's own stream for this turn.

        Returns:
            An action of the double auction: ``action``, ``price`` in currency, ``quantity``.
        """


class MarketView(Protocol):
    """What a trader sees, all prices in ticks."""

    @property
    def buying(self) -> bool:
        """Whether the trader buys, or sells."""

    @property
    def units_left(self) -> int:
        """How many units the trader may still trade."""

    @property
    def limit(self) -> int:
        """Value or cost of the unit that the next quote is for; only where one is left."""

    @property
    def best_bid(self) -> int | None:
        """The highest open bid."""

    @property
    def best_ask(self) -> int | None:
        """The lowest open ask."""

    @property
    def last_price(self) -> int | None:
        """The last trade's price."""

    @property
    def max_price(self) -> int | None:
        """The highest price admitted."""

    @property
    def progress(self) -> float:
        """How much of the period is over, 0 to 1."""

    @property
    def own_quotes(self) -> Sequence[OwnQuote]:
        """The trader's open quotes, the oldest first."""


class AmendableView(MarketView, Protocol):
    """A view that knows which open quote the next one is to replace, and so which unit that is for."""

    replacing: int | None

    @property
    def quotes_per_trader(self) -> int:
        """How many open quotes each trader may have."""


class Shout(NamedTuple):
    """A quote as all hear it.

    Attributes:
        bid: whether it was a bid, or an ask.
        price: what was shouted or, where accepted, what was paid, in ticks.
        accepted: whether it traded at once.
    """

    bid: bool
    price: int
    accepted: bool


class Ear(Protocol):
    """What learns from shouts, for one trader or for a crowd that shares what it knows."""

    def hear(self, shout: Shout) -> None:
        """Learn from one shout, a trader's own included."""

    def begin_period(self) -> None:
        """A new period starts with an empty book."""


class QuotingStrategy(ABC):
    """A strategy that quotes one unit at a time, by a price in ticks.

    Attributes:
        constrained: whether it never quotes beyond its limit, so that a period may end when nobody can gain.
        ear: what learns for it; None for those that do not learn.
    """

    constrained: ClassVar[bool] = True

    def __init__(self) -> None:
        self.ear: Ear | None = None
        self._scale: TickScale | None = None
        self._listener = Listener()

    @abstractmethod
    def quote(self, view: MarketView, rng: Random) -> int | None:
        """The price of the next quote for one unit, on the trader's own side; None to stay silent.

        Args:
            view: what the trader sees; it has a unit left.
            rng: the trader's own stream.
        """

    def draw_from(self, rng: Random) -> None:  # noqa: B027  (most draw only when they quote)
        """Take the chance in what is learned from ``rng``, for the turn that begins."""

    def prepare(self, view: MarketView) -> None:  # noqa: B027  (most have nothing to prepare)
        """Take notice of the units left: at the start of a period, and after each trade of the trader's own."""

    def eagerness(self, view: MarketView) -> float | None:  # noqa: ARG002  (most are as eager as everybody)
        """How much the trader wants to be next, relative to others; None if it leaves that to chance."""
        return None

    def cancels(self, view: MarketView) -> int | None:  # noqa: ARG002  (most let their quotes stand)
        """The id of an open quote that the trader withdraws instead of quoting; None to quote.

        Asked, as `replaces` is, only where a trader may have several quotes.
        """
        return None

    def replaces(self, view: MarketView) -> int | None:  # noqa: ARG002  (most leave it to the market)
        """The id of the open quote whose place the next one takes; None for the oldest, where one has to give way."""
        return None

    def accepts(self, view: MarketView) -> bool:
        """Whether the trader takes the best opposite quote where an institution asks; here, if it gains by it."""
        if view.buying:
            return view.best_ask is not None and view.best_ask < view.limit
        return view.best_bid is not None and view.best_bid > view.limit

    def act(self, observation: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        """Decide from an observation; see `Strategy.act`."""
        tick = observation["tick_size"]
        if self._scale is None or float(self._scale.tick_size) != tick:
            self._scale = TickScale(Decimal(str(tick)))
        view = ObservedView(observation, self._scale)
        self.draw_from(rng)
        self.prepare(view)
        if self.ear is not None:
            self._listener.listen(view, self.ear)
        if observation.get("turn") == "deal":
            takes = observation["may_accept"] and view.units_left and self.accepts(view)
            return {"action": "accept" if takes else "hold"}
        return self.choose(view, rng, self._scale)

    def choose(self, view: AmendableView, rng: Random, scale: TickScale) -> dict[str, Any]:
        """The act of a turn in which quotes are made: a bid or an ask for one unit, a cancellation, or nothing."""
        several = view.quotes_per_trader > 1
        cancelled = self.cancels(view) if several else None
        if cancelled is not None:
            return {"action": "cancel", "order_id": cancelled}
        view.replacing = self.replaces(view) if several else None
        price = self.quote(view, rng) if view.units_left else None
        if price is None:
            return {"action": "hold"}
        side = "bid" if view.buying else "ask"
        act: dict[str, Any] = {"action": side, "price": scale.to_currency(price), "quantity": 1}
        return act if view.replacing is None else {**act, "order_id": view.replacing}


class ObservedView:
    """An observation's figures in ticks; a value counts down to the tick and a cost up, so that neither is exceeded."""

    __slots__ = (
        "best_ask",
        "best_bid",
        "buying",
        "last_price",
        "max_price",
        "own_quotes",
        "progress",
        "quotes_per_trader",
        "replacing",
        "round",
        "trade_prices",
        "units",
        "units_left",
    )

    def __init__(self, observation: Mapping[str, Any], scale: TickScale) -> None:
        self.buying: bool = observation["role"] == "buyer"
        self.quotes_per_trader: int = observation.get("quotes_per_trader", 1)
        units: Sequence[float] = observation["values" if self.buying else "costs"]
        self.units_left = len(units)
        nearest = scale.floor if self.buying else scale.ceil
        several = self.quotes_per_trader > 1
        self.units = [nearest(unit) for unit in (units if several else units[:1])]
        self.own_quotes = [_own_quote(order, scale) for order in observation.get("own_orders", ())]
        self.replacing: int | None = None
        self.best_bid = _ticks(observation.get("best_bid"), scale)
        self.best_ask = _ticks(observation.get("best_ask"), scale)
        self.last_price = _ticks(observation.get("last_price"), scale)
        self.max_price = _ticks(observation.get("max_price"), scale)
        self.progress: float = observation.get("progress", 0.0)
        self.round: int = observation.get("round", 0)
        self.trade_prices = [scale.nearest(price) for price in observation.get("trade_prices", ())]

    @property
    def limit(self) -> int:
        """Value or cost of the unit that the next quote is for; 0 where none is left."""
        if not self.units:
            return 0
        if self.quotes_per_trader == 1:
            return self.units[0]
        return unit_to_quote(
            self.units,
            self.own_quotes,
            most=self.quotes_per_trader,
            buying=self.buying,
            named=self.replacing,
        )


def _own_quote(order: Mapping[str, Any], scale: TickScale) -> OwnQuote:
    return OwnQuote(
        order["order_id"], scale.nearest(order["price"]), order["quantity"] - order["filled_quantity"]
    )


class Listener:
    """Reconstructs shouts from one observation to the next: new trades, and best quotes that have moved."""

    def __init__(self) -> None:
        self._round = -1
        self._heard: list[int] = []
        self._best: tuple[int | None, int | None] = (None, None)

    def listen(self, view: ObservedView, ear: Ear) -> None:
        """Let an ear hear what has happened since this was last called."""
        if view.round != self._round:
            self._round, self._heard, self._best = view.round, [], (None, None)
            ear.begin_period()
        for price in _new(self._heard, view.trade_prices):
            # Who brought a trade about is not shown; a price at or above the last best ask took that ask.
            best_ask = self._best[1]
            ear.hear(Shout(bid=best_ask is not None and price >= best_ask, price=price, accepted=True))
        for bid, before, now in (
            (True, self._best[0], view.best_bid),
            (False, self._best[1], view.best_ask),
        ):
            if now is not None and now != before:
                ear.hear(Shout(bid=bid, price=now, accepted=False))
        self._heard, self._best = view.trade_prices, (view.best_bid, view.best_ask)


def _new(before: Sequence[int], now: Sequence[int]) -> Sequence[int]:
    """What a sliding window shows that it did not show before."""
    for overlap in range(min(len(before), len(now)), 0, -1):
        if list(before[-overlap:]) == list(now[:overlap]):
            return now[overlap:]
    return now


def _ticks(amount: float | None, scale: TickScale) -> int | None:
    return None if amount is None else scale.nearest(amount)
