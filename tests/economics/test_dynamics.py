"""How prices move and who trades when."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.dynamics import (
    deviation_by_trade_number,
    late_share,
    price_autocorrelation,
    rank_correlation,
    slope,
)


def test_bouncing_prices_are_negatively_correlated() -> None:
    assert price_autocorrelation([100, 110] * 40) == pytest.approx(-1, abs=0.02)


def test_independent_prices_have_changes_correlated_at_minus_a_half() -> None:
    rng = Random(1)
    assert price_autocorrelation([rng.random() for _ in range(20_000)]) == pytest.approx(-0.5, abs=0.02)


def test_a_random_walk_has_none() -> None:
    rng, price, prices = Random(2), 0.0, []
    for _ in range(20_000):
        price += rng.choice((-1, 1))
        prices.append(price)
    assert price_autocorrelation(prices) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("prices", [[], [1, 2], [1, 2, 4], [5, 5, 5, 5], [1, 2, 3, 4]])
def test_without_changes_that_differ_there_is_no_autocorrelation(prices: list[float]) -> None:
    assert price_autocorrelation(prices) is None


def test_deviations_are_taken_trade_by_trade_over_periods() -> None:
    periods = [[203, 200], [197, 204], [200]]
    assert deviation_by_trade_number(periods, 200) == pytest.approx([6**0.5, 8**0.5])


def test_numbers_that_fewer_than_half_of_the_periods_reach_do_not_count() -> None:
    assert len(deviation_by_trade_number([[1, 1, 1], [1], [1, 1], []], 1)) == 2
    assert deviation_by_trade_number([], 1) == []
    assert deviation_by_trade_number([[], []], 1) == []


def test_the_slope_is_that_of_the_straight_line_nearest() -> None:
    assert slope([10, 7, 4, 1]) == pytest.approx(-3)
    assert slope([0, 1, 0, 1]) == pytest.approx(0.2)
    assert slope([5]) is None
    assert slope([]) is None


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20), st.floats(-50, 50))
def test_the_slope_does_not_depend_on_the_level(ordinates: list[float], level: float) -> None:
    assert slope([entry + level for entry in ordinates]) == pytest.approx(slope(ordinates), abs=1e-9)


def test_late_trades_are_those_after_half_of_the_period() -> None:
    assert late_share([1, 37, 38, 75], 75) == 0.5
    assert late_share([50], 100) == 0
    assert late_share([], 100) is None


def test_ranks_agree_where_gains_fall_from_trade_to_trade() -> None:
    assert rank_correlation([90, 70, 30]) == pytest.approx(1)
    assert rank_correlation([30, 70, 90]) == pytest.approx(-1)
    assert rank_correlation([-10, -20, -30, -40]) == pytest.approx(1)


def test_equal_gains_share_their_rank() -> None:
    # Ranks 1.5, 1.5, 3 against 1, 2, 3: Σ = 1.5, √(2 · 1.5).
    assert rank_correlation([80, 80, 10]) == pytest.approx(1.5 / 3**0.5)
    assert rank_correlation([80, 80]) is None
    assert rank_correlation([80]) is None


@given(st.lists(st.integers(1, 30), min_size=2, max_size=15))
def test_rank_correlations_lie_between_minus_one_and_one(gains: list[int]) -> None:
    rho = rank_correlation(gains)
    assert (rho is None) == (len(set(gains)) == 1)
    assert rho is None or -1 - 1e-9 <= rho <= 1 + 1e-9
