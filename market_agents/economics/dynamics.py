"""Measures of how prices move and who trades when, each None where it is not defined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean


def price_autocorrelation(prices: Sequence[float]) -> float | None:
    """First-order autocorrelation of price changes: Σ d_t·d_{t+1} / Σ d_t², about the changes' mean, no unit.

    Near −½ prices bounce between bids and asks, near 0 they follow a random walk (Cason & Friedman 1996, Journal
    of Economic Dynamics and Control 20(8)).

    Args:
        prices: in the order of trading.

    Returns:
        None with fewer than four prices, or where all changes are equal.
    """
    changes = [later - earlier for earlier, later in pairwise(prices)]
    if len(changes) < 3:
        return None
    mean = fmean(changes)
    deviations = [change - mean for change in changes]
    variance = math.fsum(d * d for d in deviations)
    if math.isclose(variance, 0, abs_tol=1e-12):
        return None
    return math.fsum(one * other for one, other in pairwise(deviations)) / variance


def deviation_by_trade_number(periods: Sequence[Sequence[float]], equilibrium_price: float) -> list[float]:
    """RMSD_k = √mean((p_k − P0)²) over periods, for each number k of a trade in its period, in the prices' unit.

    k runs to the last number that was reached in at least half of the periods (Gode & Sunder 1993).

    Args:
        periods: one sequence of prices for each period of each session.
        equilibrium_price: P0.
    """
    deviations: list[float] = []
    for number in range(max(map(len, periods), default=0)):
        reached = [prices[number] for prices in periods if len(prices) > number]
        if 2 * len(reached) < len(periods):
            break
        deviations.append(math.sqrt(fmean((price - equilibrium_price) ** 2 for price in reached)))
    return deviations


def slope(ordinates: Sequence[float]) -> float | None:
    """The ordinary least squares slope of a sequence on 1, 2, 3, …, in its unit per step.

    Of RMSD_k: how fast prices converge within a period; negative where they do.

    Returns:
        None with fewer than two entries.
    """
    count = len(ordinates)
    if count < 2:
        return None
    middle, mean = (count + 1) / 2, fmean(ordinates)
    products = math.fsum((k - middle) * (y - mean) for k, y in enumerate(ordinates, 1))
    return products / math.fsum((k - middle) ** 2 for k in range(1, count + 1))


def late_share(times: Sequence[float], length: float) -> float | None:
    """The share of trades made after the first half of a period (Rust, Miller & Palmer 1994).

    Args:
        times: when each trade was made, from 0 to ``length``.
        length: how long the period was.

    Returns:
        None without a trade.
    """
    if not times:
        return None
    return sum(time > length / 2 for time in times) / len(times)


def rank_correlation(ordered: Sequence[float]) -> float | None:
    """Spearman's ρ between the order of trading and the order that theory predicts, −1 to 1.

    In a Marshallian market the highest values and the lowest costs trade first: ρ is 1 where the gains given fall
    from trade to trade (Cason & Friedman 1996). Equal gains share their mean rank.

    Args:
        ordered: in the order of trading, each unit's value, or its cost with the sign turned.

    Returns:
        None with fewer than two trades, or where all gains are equal.
    """
    count = len(ordered)
    if count < 2 or min(ordered) == max(ordered):
        return None
    predicted = _ranks([-gain for gain in ordered])
    middle = (count + 1) / 2
    products = math.fsum((k - middle) * (rank - middle) for k, rank in enumerate(predicted, 1))
    own = math.fsum((k - middle) ** 2 for k in range(1, count + 1))
    theirs = math.fsum((rank - middle) ** 2 for rank in predicted)
    return products / math.sqrt(own * theirs)


def _ranks(entries: Sequence[float]) -> list[float]:
    """Ranks from 1, the smallest first; equal entries share the mean of theirs."""
    places: dict[float, list[int]] = {}
    for rank, entry in enumerate(sorted(entries), 1):
        places.setdefault(entry, []).append(rank)
    return [fmean(places[entry]) for entry in entries]
