"""Sessions over processes, and what they came to."""

from __future__ import annotations

import math

import pytest

from market_agents.experiments import MARKETS, MEASURES, Treatment, run_sessions, summarize_sessions, workers


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
    lost = (
        summary["lost: intramarginal units not traded"].value
        + summary["lost: extramarginal units traded"].value
    )
    assert lost == pytest.approx(1 - efficiency.value)


def test_a_summary_of_some_days_looks_at_those_only() -> None:
    sessions = run_sessions(Treatment(MARKETS["A"], trader="zip", periods=4, activations=500), 6)
    first = summarize_sessions(sessions, slice(0, 1))["Smith's alpha, %"]
    last = summarize_sessions(sessions, slice(-1, None))["Smith's alpha, %"]
    assert first.value > last.value


def test_measures_that_are_nowhere_defined_are_unknown() -> None:
    sessions = run_sessions(Treatment(MARKETS["A"], trader="fixed:10", periods=1), 2)
    summary = summarize_sessions(sessions)
    assert summary["trades"].value == 0
    assert math.isnan(summary["mean price"].value)


def test_truthful_call_markets_lose_nothing_and_trade_in_order() -> None:
    treatment = Treatment(MARKETS["A"], trader="truthful", institution="call", periods=1)
    summary = summarize_sessions(run_sessions(treatment, 3))
    assert summary["rank correlation, buyers"].value == pytest.approx(1)
    assert summary["rank correlation, sellers"].value == pytest.approx(1)
    assert summary["profit dispersion"].value == pytest.approx(0)
    assert summary["lost: extramarginal units traded"].value == 0
