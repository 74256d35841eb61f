"""What a trading strategy sees of a market: whole ticks, nothing copied, nothing built before it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from market_agents.economics.ladders import OwnQuote, unit_to_quote
from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction.institutions import Institution
from market_agents.environments.mechanisms.auction.trader import Trader


class Tape(Protocol):
    """What of a market is public."""

    @property
    def institution(self) -> Institution:
        """The book."""

    @property
    def max_price(self) -> int | None:
        """The highest price admitted."""

    @property
    def last_price(self) -> int | None:
        """The last trade's price."""

    @property
    def quotes_per_trader(self) -> int:
        """How many open orders each trader may have."""


class LiveView:
    """One trader's window on its market; every attribute is the state of the moment.

    Attributes:
        buying: whether the trader buys, or sells.
        max_price: the highest price admitted, in ticks; None for no limit.
        progress: how much of the period is over, 0 to 1; kept by whoever runs the period.
        replacing: the id of the open order that the next quote is to replace, kept by whoever lets the trader act;
            None for the oldest, where one has to give way.
    """

    __slots__ = ("_market", "_trader", "buying", "max_price", "progress", "replacing")

    def __init__(self, trader: Trader, market: Tape) -> None:
        self._trader = trader
        self._market = market
        self.buying = trader.side is Side.BID
        self.max_price = market.max_price
        self.progress = 0.0
        self.replacing: int | None = None

    @property
    def units_left(self) -> int:
        """How many units the trader may still trade."""
        trader = self._trader
        return len(trader.units) - trader.traded

    @property
    def quotes_per_trader(self) -> int:
        """How many open orders each trader may have."""
        return self._market.quotes_per_trader

    @property
    def next_unit(self) -> int:
        """Value or cost of the unit that is traded next, in ticks.

        Raises:
            IndexError: no unit is left.
        """
        trader = self._trader
        return trader.units[trader.traded]

    @property
    def limit(self) -> int:
        """Value or cost of the unit that the next quote is for, in ticks; here the one that is traded next.

        Raises:
            IndexError: no unit is left.
        """
        trader = self._trader
        return trader.units[trader.traded]

    @property
    def own_quotes(self) -> tuple[OwnQuote, ...]:
        """The trader's open orders, the oldest first."""
        return tuple(OwnQuote(o.order_id, o.price, o.remaining) for o in self._trader.orders)

    @property
    def best_bid(self) -> int | None:
        """The highest open bid, in ticks."""
        return self._market.institution.best_bid()

    @property
    def best_ask(self) -> int | None:
        """The lowest open ask, in ticks."""
        return self._market.institution.best_ask()

    @property
    def last_price(self) -> int | None:
        """The last trade's price, in ticks."""
        return self._market.last_price


class ShadedView(LiveView):
    """A window through which best quotes or the last price cannot be seen."""

    __slots__ = ("_last", "_quotes")

    def __init__(self, trader: Trader, market: Tape, information: Collection[str]) -> None:
        super().__init__(trader, market)
        self._quotes = "best_quotes" in information
        self._last = "last_price" in information

    @property
    def best_bid(self) -> int | None:
        """The highest open bid, where it is told."""
        return super().best_bid if self._quotes else None

    @property
    def best_ask(self) -> int | None:
        """The lowest open ask, where it is told."""
        return super().best_ask if self._quotes else None

    @property
    def last_price(self) -> int | None:
        """The last trade's price, where it is told."""
        return super().last_price if self._last else None


class LadderView(ShadedView):
    """The window of a trader that may have several quotes, each for a unit of its own."""

    __slots__ = ()

    @property
    def limit(self) -> int:
        """Value or cost of the best unit for which no quote stands that will outlive the next one, in ticks.

        Raises:
            IndexError: no unit is left.
        """
        trader = self._trader
        return unit_to_quote(
            trader.open_units,
            trader.orders,
            most=self._market.quotes_per_trader,
            buying=self.buying,
            named=self.replacing,
        )
