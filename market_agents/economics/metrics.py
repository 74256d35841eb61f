"""Measures of how a market did, each None where it is not defined."""

from __future__ import annotations

import math
from collections.abc import Sequence


def allocative_efficiency(realized_surplus: float, maximum_surplus: float) -> float | None:
    """E = Σ over trades (value − cost) / S*, a share: 1 is all that could be gained (Smith 1962).

    Prices do not enter. At most 1; below 0 only where units were traded at a joint loss.

    Returns:
        None if nothing could be gained (S* = 0).
    """
    if not maximum_surplus:
        return None
    return realized_surplus / maximum_surplus


def smith_alpha(
    prices: Sequence[float], equilibrium_price: float | None, quantities: Sequence[int] | None = None
) -> float | None:
    """α = 100 · √mean((p − P0)²) / P0, in percent: the deviation from P0, not from the mean (Smith 1962).

    Args:
        prices: one per trade, in the unit of ``equilibrium_price``.
        equilibrium_price: P0.
        quantities: units of each trade, 1 where left out; every unit counts once in the mean.

    Returns:
        None without a trade, or without an equilibrium price above 0.
    """
    if not prices or not equilibrium_price:
        return None
    units = quantities if quantities is not None else [1] * len(prices)
    squares = math.fsum(
        unit * (price - equilibrium_price) ** 2 for price, unit in zip(prices, units, strict=True)
    )
    return 100 * math.sqrt(squares / sum(units)) / equilibrium_price


def profit_dispersion(profits: Sequence[float], equilibrium_profits: Sequence[float]) -> float | None:
    """√(1/n · Σ(a_i − π_i)²) over traders, in the unit of the profits (Gode & Sunder 1993).

    Args:
        profits: a_i, what each trader gained.
        equilibrium_profits: π_i, what the same trader gains at the equilibrium price.

    Returns:
        None without traders.
    """
    if not profits:
        return None
    squares = math.fsum((a - pi) ** 2 for a, pi in zip(profits, equilibrium_profits, strict=True))
    return math.sqrt(squares / len(profits))


def gini(amounts: Sequence[float]) -> float | None:
    """Gini's coefficient Σ_i Σ_j |x_i − x_j| / (2 n² mean), 0 where all have the same (Gini 1912).

    With n traders at most (n − 1)/n, where one has everything.

    Args:
        amounts: what each has, for example profits.

    Returns:
        None where it is not defined: with nobody, a negative amount, or nothing to share.
    """
    total = math.fsum(amounts)
    if not amounts or min(amounts) < 0 or not total:
        return None
    count = len(amounts)
    ranked = math.fsum(rank * amount for rank, amount in enumerate(sorted(amounts), 1))
    return 2 * ranked / (count * total) - (count + 1) / count
