"""What samples say about statistics."""

from __future__ import annotations

import math
from random import Random
from statistics import fmean

import pytest

from market_agents.experiments.estimates import Estimate, estimate_mean, jackknife, student_quantile


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423), (99, 1.9842)],
)
def test_students_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, rel=0.02 if degrees == 3 else 0.005)
    assert student_quantile(0.025, degrees) == pytest.approx(-quantile, rel=0.02 if degrees == 3 else 0.005)


def test_a_mean_comes_with_its_standard_error() -> None:
    estimate = estimate_mean([2.0, 4.0, 6.0])
    assert estimate == pytest.approx((4.0, 2 / math.sqrt(3), 3))
    assert estimate.half_width() == pytest.approx(4.3027 * 2 / math.sqrt(3), rel=1e-3)


def test_too_few_observations_leave_what_is_unknown_unknown() -> None:
    assert estimate_mean([5.0]).value == 5.0
    assert math.isnan(estimate_mean([5.0]).half_width())
    assert math.isnan(estimate_mean([]).value)
    assert math.isnan(jackknife([1.0], fmean).standard_error)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    rng = Random(1)
    sample = [rng.gauss(0, 1) for _ in range(20)]
    assert jackknife(sample, fmean) == pytest.approx(estimate_mean(sample))


def test_confidence_intervals_cover_what_they_promise() -> None:
    rng = Random(2)
    covered = 0
    for _ in range(2000):
        estimate = estimate_mean([rng.gauss(10, 3) for _ in range(8)])
        covered += abs(estimate.value - 10) <= estimate.half_width()
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_wider_confidence_makes_a_wider_interval() -> None:
    estimate = Estimate(1.0, 0.1, 20)
    assert estimate.half_width(0.99) > estimate.half_width(0.95) > estimate.half_width(0.5)
