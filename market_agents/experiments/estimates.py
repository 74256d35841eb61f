"""What a sample says about a statistic, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple, TypeVar

T = TypeVar("T")

GROUPS = 20
"""Groups into which a sample falls for the jackknife, if it is large enough."""


class Estimate(NamedTuple):
    """A statistic.

    Attributes:
        value: what was measured; NaN where it is not defined.
        standard_error: of the value; NaN from a sample of fewer than two.
        size: how many independent observations there were.
    """

    value: float
    standard_error: float
    size: int

    def half_width(self, confidence: float = 0.95) -> float:
        """Half the length of the confidence interval, by Student's t; NaN with fewer than two observations."""
        if self.size < 2:
            return math.nan
        return student_quantile((1 + confidence) / 2, self.size - 1) * self.standard_error


def estimate_mean(observations: Sequence[float]) -> Estimate:
    """The mean of independent observations, with its standard error s/√n."""
    count = len(observations)
    if count < 2:
        return Estimate(observations[0] if observations else math.nan, math.nan, count)
    return Estimate(fmean(observations), stdev(observations) / math.sqrt(count), count)


def jackknife(sessions: Sequence[T], statistic: Callable[[Sequence[T]], float]) -> Estimate:
    """Any statistic of independent sessions, with the standard error of the delete-a-group jackknife.

    √((g − 1)/g · Σ(θ_i − θ̄)²), θ_i without the i-th of g groups (Efron & Tibshirani 1993, chapter 11).

    Args:
        sessions: independent of each other.
        statistic: a function of a sample.
    """
    value = statistic(sessions)
    groups = min(GROUPS, len(sessions))
    if groups < 2:
        return Estimate(value, math.nan, len(sessions))
    without = [
        statistic([session for number, session in enumerate(sessions) if number % groups != group])
        for group in range(groups)
    ]
    mean = fmean(without)
    spread = math.fsum((entry - mean) ** 2 for entry in without)
    return Estimate(value, math.sqrt((groups - 1) / groups * spread), groups)


def student_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t, by the expansion of Cornish and Fisher (Abramowitz & Stegun 26.7.5).

    Right to half a percent from five degrees of freedom on; exact for one and two.

    Args:
        probability: between 0 and 1.
        degrees: of freedom, at least 1.
    """
    if degrees == 1:
        return math.tan(math.pi * (probability - 0.5))
    if degrees == 2:
        centred = 2 * probability - 1
        return centred * math.sqrt(2 / (1 - centred**2))
    z = NormalDist().inv_cdf(probability)
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )
