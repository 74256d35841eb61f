"""Small statistics that reports share, each None where it is not defined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median


def gini(amounts: Sequence[float]) -> float | None:
    """G = Σᵢ (2i − n − 1)·xᵢ / (n·Σx) over amounts sorted up, i from 1: 0 is equal, (n − 1)/n all with one.

    Args:
        amounts: each at least 0, in any order.

    Returns:
        None without amounts, or where all are 0.
    """
    total, count = math.fsum(amounts), len(amounts)
    if total <= 0:
        return None
    weighted = math.fsum((2 * place - count - 1) * amount for place, amount in enumerate(sorted(amounts), 1))
    return weighted / (count * total)


def evenness(amounts: Sequence[float]) -> float | None:
    """Shannon's entropy of the shares over its largest value, −Σ p·ln p / ln n: 1 is equal, 0 all with one.

    Args:
        amounts: each at least 0.

    Returns:
        None for fewer than two amounts, or where all are 0.
    """
    total = math.fsum(amounts)
    if total <= 0 or len(amounts) < 2:
        return None
    shares = [amount / total for amount in amounts if amount > 0]
    return -math.fsum(share * math.log(share) for share in shares) / math.log(len(amounts)) + 0.0


def relative_dispersion(amounts: Sequence[float]) -> float | None:
    """The median absolute deviation from the median, over the median; robust against single wild amounts.

    Returns:
        None without amounts, or where their median is 0.
    """
    if not amounts:
        return None
    middle = median(amounts)
    return median(abs(amount - middle) for amount in amounts) / abs(middle) if middle else None


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's ρ: Pearson's correlation of ranks, ties at their mean rank.

    Returns:
        None for fewer than two pairs, or where one side does not vary.

    Raises:
        ValueError: not the same number of values.
    """
    if len(one) != len(other):
        raise ValueError(f"{len(one)} values cannot be paired with {len(other)}")
    if min(len(set(one)), len(set(other))) < 2:
        return None
    first, second = _centred(_ranks(one)), _centred(_ranks(other))
    shared = math.fsum(a * b for a, b in zip(first, second, strict=True))
    spread = math.sqrt(math.fsum(a * a for a in first) * math.fsum(b * b for b in second))
    return max(-1.0, min(1.0, shared / spread))


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end < len(order) and values[order[end]] == values[order[start]]:
            continue
        for index in order[start:end]:
            ranks[index] = (start + end + 1) / 2
        start = end
    return ranks


def _centred(values: Sequence[float]) -> list[float]:
    middle = fmean(values)
    return [value - middle for value in values]
