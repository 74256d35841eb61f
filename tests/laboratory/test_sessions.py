"""Sessions over processes, and what they came to."""

from __future__ import annotations

import math

import pytest

from market_agents.experiments import (
    MARKETS,
    MEASURES,
    Treatment,
    deviation_slope,
    deviations,
    run_sessions,
    summarize_sessions,
    workers,
)


def test_processes_change_nothing() -> None:
    treatment = Treatment(MARKETS["A"], trader="zip", periods=2, activations=300)
    here = run_sessions(treatment, 5, seed=3)
    with workers(2) as pool:
        assert pool is not None
        there = run_sessions(treatment, 5, seed=3, pool=pool)
    assert here == there


def test_sessions_have_seeds_in_a_row() -> None:
    treatment = Treatment(MARKETS["A"], periods=1)
    assert run_sessions(treatment, 3, seed=4)[1:] == run_sessions(treatment, 2, seed=5)


def test_a_summary_averages_sessions() -> None:
    sessions = run_sessions(Treatment(MARKETS["A"], institution="gs", periods=3), 8)
    summary = summarize_sessions(sessions)
    assert set(summary) == set(MEASURES)
    efficiency = summary["efficiency"]
    by_hand = [sum(period.efficiency or 0 for period in session) / 3 for session in sessions]
    assert efficiency.value == pytest.approx(sum(by_hand) / 8)
    assert efficiency.size == 8
    lost = sum(estimate.value for name, estimate in summary.items() if "marginal_loss" in name)
    assert lost == pytest.approx(1 - efficiency.value)


def test_a_summary_of_some_days_looks_at_those_only() -> None:
    sessions = run_sessions(Treatment(MARKETS["A"], trader="zip", periods=4, activations=500), 6)
    first = summarize_sessions(sessions, slice(0, 1))["smith_alpha"]
    last = summarize_sessions(sessions, slice(-1, None))["smith_alpha"]
    assert first.value > last.value


def test_measures_that_are_nowhere_defined_are_unknown() -> None:
    sessions = run_sessions(Treatment(MARKETS["A"], trader="fixed:10", periods=1), 2)
    summary = summarize_sessions(sessions)
    assert summary["trades"].value == 0
    assert math.isnan(summary["mean_price"].value)


def test_truthful_call_markets_lose_nothing_and_trade_in_order() -> None:
    treatment = Treatment(MARKETS["A"], trader="truthful", institution="call", periods=1)
    summary = summarize_sessions(run_sessions(treatment, 3))
    assert summary["rank_correlation_buyers"].value == pytest.approx(1)
    assert summary["rank_correlation_sellers"].value == pytest.approx(1)
    assert summary["profit_dispersion"].value == pytest.approx(0)
    assert summary["extramarginal_loss_buyers"].value == summary["extramarginal_loss_sellers"].value == 0


def test_deviations_are_from_the_equilibrium_of_each_period() -> None:
    # Truthful traders meet at 200, and at 225 after the shock.
    treatment = Treatment(
        MARKETS["A"], trader="truthful", institution="call", periods=2, shocks=((2, 50, 0),)
    )
    sessions = run_sessions(treatment, 2)
    assert [period.mean_price for period in sessions[0]] == [200, 225]
    assert deviations(sessions) == [0.0] * 7  # the seventh in half of the periods
    assert deviation_slope(sessions).value == 0


def test_deviations_fall_where_prices_converge_within_a_period() -> None:
    sessions = run_sessions(Treatment(MARKETS["GD"], institution="gs", periods=5), 20)
    found = deviations(sessions)
    assert found[0] > found[4]
    assert deviation_slope(sessions).value < 0
    assert math.isnan(deviation_slope([]).value)
