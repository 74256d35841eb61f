"""Strategies without chance or memory: truthful, shaver, linear k-double-auction, and fixed quotes."""

from __future__ import annotations

from random import Random

from market_agents.agents.strategies.strategy import MarketView, QuotingStrategy


class Truthful(QuotingStrategy):
    """Quotes its limit, as is best where an institution is strategy-proof; elsewhere known as the giveaway."""

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """The limit, as far as the market admits it."""
        return within_limit(view, view.limit)


class Shaver(QuotingStrategy):
    """Beats its own side's best quote by one tick, as far as its limit; opens at the far end of the prices.

    The shaver of the Bristol Stock Exchange (Cliff 2018): where it cannot beat the best, it quotes its limit. Where the
    market names no highest price, a seller opens at twice its cost.
    """

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """One tick better than the best."""
        if view.buying:
            return within_limit(view, 1 if view.best_bid is None else view.best_bid + 1)
        return within_limit(view, far_ask(view) if view.best_ask is None else view.best_ask - 1)


class LinearDoubleAuction(QuotingStrategy):
    """The linear equilibrium of the bilateral k-double auction with limits U[0, m] on both sides.

    b(v) = v/(1+k) + k(1−k)/(2(1+k))·m and s(c) = c/(2−k) + (1−k)/2·m, where the price is k·b + (1−k)·s
    (Chatterjee & Samuelson 1983, Operations Research 31(5); Satterthwaite & Williams 1989). With k = ½ these are
    ⅔v + m/12 and ⅔c + m/4. Quotes that could only lose money are cut back to the limit; they never trade in
    equilibrium.

    Args:
        k: weight of the bid in the price, 0 to 1.

    m is the highest price admitted or, where there is none, twice the limit.

    Raises:
        ValueError: k out of its range.
    """

    def __init__(self, k: float = 0.5) -> None:
        super().__init__()
        if not 0 <= k <= 1:
            raise ValueError(f"k must be between 0 and 1, not {k}")
        self._k = k

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """The equilibrium quote, rounded to the nearest tick."""
        k, limit = self._k, view.limit
        top = view.max_price if view.max_price is not None else 2 * limit
        if view.buying:
            price = limit / (1 + k) + k * (1 - k) / (2 * (1 + k)) * top
        else:
            price = limit / (2 - k) + (1 - k) / 2 * top
        return within_limit(view, round(price))


class FixedQuote(QuotingStrategy):
    """Always quotes the same price, or the same share inside its limit.

    Args:
        price: ticks; None to follow the limit.
        margin: the share of the limit that it wants to gain, where it follows the limit.

    It stays silent while a fixed price would lose money.
    """

    def __init__(self, price: int | None = None, margin: float = 0.0) -> None:
        super().__init__()
        self._price = price
        self._margin = margin

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """The fixed price."""
        if self._price is not None:
            gains = self._price <= view.limit if view.buying else self._price >= view.limit
            return self._price if gains else None
        sign = -1 if view.buying else 1
        return within_limit(view, round(view.limit * (1 + sign * self._margin)))


def within_limit(view: MarketView, price: int) -> int | None:
    """The price nearest to ``price`` that cannot lose money and is admitted; None where there is none."""
    top = view.max_price
    if view.buying:
        high = view.limit if top is None else min(view.limit, top)
        return min(max(price, 1), high) if high >= 1 else None
    low = max(view.limit, 1)
    if top is not None and low > top:
        return None
    return max(price, low) if top is None else min(max(price, low), top)


def far_ask(view: MarketView) -> int:
    """The highest ask that makes sense: the highest price admitted, else twice the cost."""
    return view.max_price if view.max_price is not None else max(2 * view.limit, 1)
