"""A fast pass through the reference experiments: few sessions, bands as much wider as that makes them unsure."""

from __future__ import annotations

import math

import pytest

from market_agents.experiments import EXPERIMENTS, MARKETS, Bench, Estimate, Finding, Treatment, verify
from market_agents.experiments.reference import LEAST_SESSIONS
from market_agents.experiments.santa_fe import Tournament
from market_agents.experiments.theory import BilateralTrade, TruthfulCall
from market_agents.rng import RandomStreams

STANDARD_ERRORS = 5
"""With 20 groups the jackknife is off by more than these in less than one of 10,000 statistics."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(scale=0.06, seed=7)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_reference_experiments_hit_their_bands(name: str, bench: Bench) -> None:
    findings = list(EXPERIMENTS[name](bench))
    assert findings
    for finding in findings:
        assert finding.experiment == name
        assert finding.holds_within(STANDARD_ERRORS), finding


def test_experiments_can_be_chosen() -> None:
    assert {finding.experiment for finding in verify(Bench(scale=0.02), ["A1", "A2"])} == {"A1", "A2"}


def test_a_treatment_that_two_experiments_share_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from market_agents.experiments import reference

    ran: list[object] = []

    def count(treatment: object, *_: object, **__: object) -> list[object]:
        ran.append(treatment)
        return []

    monkeypatch.setattr(reference, "run_sessions", count)
    bench = Bench()
    treatment = Treatment(MARKETS["A"])
    bench.sessions(treatment, 10)
    bench.sessions(treatment, 10)
    bench.sessions(treatment, 20)
    assert len(ran) == 2


def test_a_sample_is_never_too_small_for_its_standard_error() -> None:
    assert Bench(scale=0.06).count(100) == Bench(scale=0.06).count(40) == LEAST_SESSIONS
    assert (Bench(scale=0.5).count(100), Bench().count(40)) == (50, 40)


@pytest.mark.parametrize(
    ("value", "error", "holds", "within"),
    [
        (1.5, 0.1, True, True),
        (2.2, 0.1, False, True),
        (2.2, 0.01, False, False),
        (2.2, math.nan, False, False),
    ],
)
def test_a_finding_holds_in_its_band_or_within_standard_errors_of_it(
    value: float, error: float, holds: bool, within: bool
) -> None:
    finding = Finding("A0", "set-up", "statistic", Estimate(value, error, 10), 1, 2, "published")
    assert (finding.holds, finding.holds_within(3)) == (holds, within)


def test_a_statistic_that_is_not_defined_does_not_hold() -> None:
    finding = Finding("A0", "set-up", "statistic", Estimate(math.nan, math.nan, 0), 1, 2, "published")
    assert not finding.holds
    assert not finding.holds_within(5)


def test_santa_fe_tokens_share_what_they_should() -> None:
    tournament = Tournament("6450")
    market = tournament.draw(RandomStreams(3).stream("tokens"))
    assert len(market.values) == len(market.costs) == 4
    # Without own parts, all traders of a side have the same tokens, and sides differ by one premium.
    assert len(set(market.values)) == len(set(market.costs)) == 1
    gaps = {v - c for v, c in zip(market.values[0], reversed(market.costs[0]), strict=True)}
    assert len(gaps) == 1
    assert 0 <= gaps.pop() <= 80


def test_santa_fe_values_fall_and_costs_rise() -> None:
    market = Tournament().draw(RandomStreams(4).stream("tokens"))
    assert all(list(units) == sorted(units, reverse=True) for units in market.values)
    assert all(list(units) == sorted(units) for units in market.costs)
    assert len(set(market.values)) > 1


def test_games_are_decided_by_their_seed() -> None:
    assert Tournament().play(5) == Tournament().play(5) != Tournament().play(6)
    assert BilateralTrade(50).play(5) == BilateralTrade(50).play(5) != BilateralTrade(50).play(6)
    assert TruthfulCall(5, 5).play(5) == TruthfulCall(5, 5).play(5) != TruthfulCall(5, 5).play(6)


def test_more_traders_lose_less_to_the_trade_reduction() -> None:
    lost = []
    for size in (2, 5, 20):
        gains = TruthfulCall(size, 150).play(1)
        lost.append(1 - gains.realised / gains.possible)
    assert lost == sorted(lost, reverse=True)
