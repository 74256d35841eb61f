"""Kaplan's sniper, the winner of the Santa Fe tournament: wait in the background, then steal the deal.

Rust, Miller & Palmer (1994), *Characterizing effective trading strategies*, Journal of Economic Dynamics and
Control 18(1).
"""

from __future__ import annotations

from random import Random

from market_agents.agents.strategies.fixed import far_ask, within_limit
from market_agents.agents.strategies.strategy import MarketView, QuotingStrategy, Shout

NARROW_SPREAD = 0.10
"""A spread of less than this share of the best ask is narrow."""
LEAST_PROFIT = 0.02
"""The smallest gain, as a share of the limit, for which a narrow spread is worth jumping on."""
LAST_MINUTES = 0.90
"""The share of the period after which time runs out."""


class PriceRange:
    """The lowest and highest price of the last period; an `Ear` that traders may share."""

    def __init__(self) -> None:
        self.low: int | None = None
        self.high: int | None = None
        self._prices: list[int] = []

    def begin_period(self) -> None:
        """What was paid in the period that ends becomes what is known; a period without a trade changes nothing."""
        if self._prices:
            self.low, self.high = min(self._prices), max(self._prices)
            self._prices = []

    def hear(self, shout: Shout) -> None:
        """Note what was paid."""
        if shout.accepted:
            self._prices.append(shout.price)


class Kaplan(QuotingStrategy):
    """A sniper: takes the best opposite quote when that is a bargain, when the spread is narrow, or at the end.

    A bargain is a price better than any of the last period. With a narrow spread it wants a gain of 2 % of its
    limit and a price no worse than the worst of the last period. Where its own side is empty it leaves a quote at
    the far end of the prices, so that a market of snipers has a spread.

    Args:
        memory: last period's prices; shared by a population.
    """

    def __init__(self, memory: PriceRange | None = None) -> None:
        super().__init__()
        self._memory = memory or PriceRange()
        self.ear = self._memory

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """The best opposite price if it is to be taken; else, mostly, None."""
        offered = view.best_ask if view.buying else view.best_bid
        if offered is not None and self._jumps(view, offered):
            return offered
        if view.progress >= LAST_MINUTES:
            return within_limit(view, view.limit)
        own = view.best_bid if view.buying else view.best_ask
        if own is None:
            return within_limit(view, 1 if view.buying else far_ask(view))
        return None

    def _jumps(self, view: MarketView, offered: int) -> bool:
        gain = view.limit - offered if view.buying else offered - view.limit
        if gain <= 0:
            return False
        if view.progress >= LAST_MINUTES:
            return True
        low, high = self._memory.low, self._memory.high
        if low is not None and high is not None:
            if offered < low if view.buying else offered > high:
                return True
            if offered > high if view.buying else offered < low:
                return False
        return _narrow(view) and gain >= LEAST_PROFIT * view.limit


def _narrow(view: MarketView) -> bool:
    bid, ask = view.best_bid, view.best_ask
    return bid is not None and ask is not None and ask - bid < NARROW_SPREAD * ask


def kaplan_population(size: int, seed: int) -> list[QuotingStrategy]:  # noqa: ARG001  (nothing is left to chance)
    """Snipers that share one memory of prices."""
    memory = PriceRange()
    return [Kaplan(memory) for _ in range(size)]
