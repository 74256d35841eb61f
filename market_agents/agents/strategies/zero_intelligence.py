"""Zero-intelligence traders (Gode & Sunder 1993, Journal of Political Economy 101(1)): random quotes, no memory."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from market_agents.agents.strategies.strategy import MarketView, QuotingStrategy


class ConstrainedZeroIntelligence(QuotingStrategy):
    """ZI-C: a buyer bids uniformly up to its value, a seller asks uniformly from its cost up to the highest price.

    Args:
        opening_spread: bounds the offer to this share around the limit; None for the whole range of the literature.

    Where the market names no highest price, a seller asks up to twice its cost.
    """

    def __init__(self, opening_spread: float | None = None) -> None:
        super().__init__()
        self._opening_spread = opening_spread

    def quote(self, view: MarketView, rng: Random) -> int | None:
        """A random price that cannot lose money; None where no such price is admitted."""
        limit, ceiling, spread = view.limit, view.max_price, self._opening_spread
        if view.buying:
            low, high = 1, limit if ceiling is None or limit < ceiling else ceiling
            if spread is not None:
                low = max(low, min(high, -int(-limit * (1 - spread) // 1)))
        else:
            low, high = max(limit, 1), limit * 2 if ceiling is None else ceiling
            if spread is not None:
                high = min(high, max(low, int(limit * (1 + spread))))
        if high < low:
            return None
        return low + int(rng.random() * (high - low + 1))


class UnconstrainedZeroIntelligence(QuotingStrategy):
    """ZI-U: quotes uniformly from one tick up to the highest price, whatever its limit; it may lose money.

    Where the market names no highest price, it quotes up to twice its limit.
    """

    constrained: ClassVar[bool] = False

    def quote(self, view: MarketView, rng: Random) -> int | None:
        """A random price."""
        high = max(view.limit * 2, 1) if view.max_price is None else view.max_price
        return 1 + int(rng.random() * high)
