"""What the laboratory promises of any market, whoever trades under whatever rule."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.agents.strategies import POPULATION_NAMES
from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.laboratory import PeriodResult, simulate_market
from market_agents.laboratory.protocols import PROTOCOLS
from tests.laboratory.markets import MARKET_A, MARKET_GD, single

TRADERS = [name for name in POPULATION_NAMES if ":" not in name] + ["fixed:200"]


def test_every_institution_has_its_protocol() -> None:
    assert set(PROTOCOLS) == set(INSTITUTIONS)


@pytest.mark.parametrize("institution", sorted(INSTITUTIONS))
@pytest.mark.parametrize("trader", TRADERS)
def test_results_add_up(trader: str, institution: str) -> None:
    periods = simulate_market(
        *MARKET_GD, trader=trader, institution=institution, periods=2, seed=4, activations=200
    )
    assert len(periods) == 2
    for period in periods:
        check(period, constrained=trader != "zi_u")


def check(period: PeriodResult, *, constrained: bool) -> None:
    """Hold a result against its own trades."""
    values, costs = [list(units) for units in period.values], [list(units) for units in period.costs]
    gains = [0] * (len(values) + len(costs))
    surplus = fees = 0
    for price, buyer, seller in zip(period.prices, period.buyers, period.sellers, strict=True):
        value, cost = values[buyer].pop(0), costs[seller].pop(0)
        if constrained:
            assert cost <= price <= value
        surplus += value - cost
        gains[buyer] += value - price
        gains[len(values) + seller] += price - cost
    fees = sum(gains) - sum(period.profits)
    assert fees >= 0
    assert list(period.profits) == gains or fees > 0
    assert period.profits[: len(values)] == tuple(gains[: len(values)])
    assert period.surplus == surplus
    assert period.quantity == len(period.prices) == len(period.times)
    assert list(period.times) == sorted(period.times)
    assert all(1 <= time <= period.activations for time in period.times)
    assert period.equilibrium == competitive_equilibrium(period.values, period.costs)
    assert period.efficiency == pytest.approx(surplus / period.equilibrium.surplus)
    assert period.surplus <= period.equilibrium.surplus
    if period.prices:
        assert period.mean_price == pytest.approx(fmean(period.prices))
        deviations = [(price - 235) ** 2 for price in period.prices]
        assert period.alpha == pytest.approx(100 * math.sqrt(fmean(deviations)) / 235)
    else:
        assert (period.mean_price, period.alpha) == (None, None)


@pytest.mark.parametrize("institution", sorted(INSTITUTIONS))
@pytest.mark.parametrize("trader", ["zi_c", "zip", "gd", "kaplan"])
def test_the_seed_decides_everything(trader: str, institution: str) -> None:
    def run(seed: int) -> list[tuple[int, ...]]:
        periods = simulate_market(
            *MARKET_A, trader=trader, institution=institution, periods=3, seed=seed, activations=300
        )
        return [(*period.prices, *period.buyers, *period.sellers, *period.times) for period in periods]

    assert run(5) == run(5)
    assert trader not in ("zi_c", "zip") or run(5) != run(6)


def test_a_first_period_does_not_depend_on_how_many_follow() -> None:
    short = simulate_market(*MARKET_A, trader="zip", periods=2, seed=3)
    long = simulate_market(*MARKET_A, trader="zip", periods=5, seed=3)
    assert long[:2] == short


def test_truthful_traders_in_a_call_market_trade_at_the_equilibrium() -> None:
    (period,) = simulate_market(*MARKET_A, trader="truthful", institution="call", periods=1)
    assert set(period.prices) == {200}
    assert (period.quantity, period.efficiency, period.alpha) == (6, 1.0, 0.0)
    (period,) = simulate_market(*MARKET_GD, trader="truthful", institution="call", periods=1)
    assert set(period.prices) == {235}
    assert period.efficiency == 1.0


def test_mcafee_gives_up_no_more_than_the_last_pair() -> None:
    (period,) = simulate_market(*MARKET_A, trader="truthful", institution="mcafee", periods=1)
    assert (period.quantity, period.efficiency) == (6, 1.0)
    (period,) = simulate_market(
        single([90, 70, 10]), single([20, 66, 68]), trader="truthful", institution="mcafee", periods=1
    )
    assert (period.prices, period.surplus, sum(period.profits)) == ((70,), 70, 66)


def test_unconstrained_traders_trade_until_a_side_is_empty() -> None:
    for market, trades, efficiency in ((MARKET_A, 11, 0.0), (MARKET_GD, 12, 0.6875)):
        for seed in range(5):
            for period in simulate_market(*market, trader="zi_u", institution="gs", periods=2, seed=seed):
                assert (period.quantity, period.efficiency) == (trades, efficiency)


def test_constrained_traders_stop_when_nobody_can_gain() -> None:
    (period,) = simulate_market(*MARKET_A, periods=1, seed=1)
    assert period.activations < 3000
    untraded_values = max(v[0] for place, v in enumerate(period.values) if place not in period.buyers)
    untraded_costs = min(c[0] for place, c in enumerate(period.costs) if place not in period.sellers)
    assert untraded_values < untraded_costs
    assert period.activations == period.times[-1]


def test_a_market_in_which_nobody_can_gain_never_opens() -> None:
    (period,) = simulate_market(single([50, 60]), single([70]), periods=1)
    assert (period.activations, period.quantity, period.efficiency) == (0, 0, None)


def test_the_limit_on_activations_holds() -> None:
    (period,) = simulate_market(*MARKET_A, periods=1, seed=1, activations=7)
    assert period.activations == 7
    (period,) = simulate_market(*MARKET_A, institution="midpoint", periods=1, activations=50)
    assert 22 < period.activations <= 50


def test_shocks_add_up_from_their_period_on() -> None:
    periods = simulate_market(*MARKET_A, periods=4, shocks=[(3, 0, 30), (2, 50, 0)])
    assert [period.equilibrium.price for period in periods] == [200, 225, 240, 240]
    assert periods[0].values[0] == (325,)
    assert periods[3].values[0] == (375,)
    assert periods[3].costs[0] == (105,)


def test_populations_may_be_mixed() -> None:
    mixed = ["zip"] * 6 + ["fixed:150"] * 5 + ["zi_c"] * 10 + ["kaplan"]
    first, *_, last = simulate_market(*MARKET_A, trader=mixed, periods=6, seed=2)
    assert first.quantity > 0
    assert last.quantity > 0
    assert simulate_market(*MARKET_A, trader=["zi_c"] * 22, seed=2) == simulate_market(*MARKET_A, seed=2)


def test_one_more_seller_leaves_the_draws_of_the_others_unchanged() -> None:
    values, costs = single([100]), single([50])
    one = simulate_market(values, costs, periods=1, seed=8, institution="call")
    more = simulate_market(values, [*costs, (101,)], periods=1, seed=8, institution="call", max_price=101)
    lone = simulate_market(values, costs, periods=1, seed=8, institution="call", max_price=101)
    assert lone[0].prices == more[0].prices
    assert one[0].equilibrium == lone[0].equilibrium


def test_what_zip_has_learned_stays_from_period_to_period() -> None:
    runs = [simulate_market(*MARKET_A, trader="zip", seed=seed, activations=1000) for seed in range(6)]
    alphas = [[period.alpha or 0.0 for period in run] for run in runs]
    assert fmean(row[0] for row in alphas) > 2 * fmean(row[9] for row in alphas)


def test_nobody_gains_by_being_alone() -> None:
    assert simulate_market([], [], periods=2)[1].quantity == 0
    assert simulate_market(single([100]), [], periods=1)[0].profits == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"institution": "bazaar"}, "unknown institution 'bazaar'; known are aurora, call, gs"),
        ({"trader": "genius"}, "unknown trader 'genius'; known are"),
        ({"trader": ["zi_c"]}, "name one trader for each of 11 buyers and 11 sellers, not 1"),
        ({"periods": -1}, "periods must not be below 0"),
        ({"activations": 0}, "activations and max_price not below 1"),
        ({"shocks": [(1, -100, 0)]}, "must not be negative"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate_market(*MARKET_A, **arguments)  # type: ignore[arg-type]


limits = st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=3), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    values=limits,
    costs=limits,
    trader=st.sampled_from(["zi_c", "zi_u", "shaver", "kaplan", "truthful"]),
    institution=st.sampled_from(sorted(INSTITUTIONS)),
    seed=st.integers(0, 2**40),
)
def test_any_market_runs_to_an_end_and_never_gains_more_than_there_is(
    values: list[list[int]], costs: list[list[int]], trader: str, institution: str, seed: int
) -> None:
    for period in simulate_market(
        values,
        costs,
        trader=trader,
        institution=institution,
        periods=2,
        seed=seed,
        max_price=80,
        activations=90,
    ):
        assert period.surplus <= period.equilibrium.surplus
        assert period.activations <= 90
        assert sum(period.profits) <= period.surplus
        assert all(1 <= price <= 80 for price in period.prices)


@pytest.mark.parametrize("institution", ["lob", "gs", "midpoint", "call"])
def test_traders_with_several_quotes_never_lose_and_come_out_the_same_again(institution: str) -> None:
    values, costs = MARKET_GD
    asked: dict[str, Any] = {"institution": institution, "periods": 3, "seed": 5, "quotes_per_trader": 3}
    results = simulate_market(values, costs, **asked)
    assert results == simulate_market(values, costs, **asked)
    assert min(profit for result in results for profit in result.profits) >= 0
    assert sum(result.quantity for result in results) > 3
    if institution != "gs":  # where each trade ends all quotes
        assert results != simulate_market(values, costs, **{**asked, "quotes_per_trader": 1})


def test_a_call_pays_the_price_that_k_says() -> None:
    prices = [
        simulate_market([(20,)], [(5,)], trader="truthful", institution="call", periods=1, call_k=k)[0].prices
        for k in (0.0, 0.2, 1.0)
    ]
    assert prices == [(5,), (8,), (20,)]


def test_spread_and_depth_are_measured_where_the_book_is_watched() -> None:
    asked: dict[str, Any] = {
        "trader": ["fixed:10", "fixed:16"],
        "periods": 1,
        "activations": 40,
        "max_price": 20,
    }
    (watched,) = simulate_market([(20,)], [(5,)], watch_book=True, **asked)
    assert watched.mean_spread == 6
    depths = watched.mean_bid_depth, watched.mean_ask_depth
    # Both quote and nothing trades: one of them from the first of the 40 activations on, the other soon after.
    assert max(depth or 0 for depth in depths) == 1
    assert all(depth is not None and 0.5 < depth == round(depth * 40) / 40 for depth in depths)
    (alone,) = simulate_market([(20,)], [(5,)], **asked)
    assert (alone.mean_spread, alone.mean_bid_depth, alone.mean_ask_depth) == (None, None, None)
    (sealed,) = simulate_market([(20,)], [(5,)], institution="call", watch_book=True, **asked)
    assert (sealed.mean_spread, sealed.mean_bid_depth) == (None, None)


@pytest.mark.parametrize("institution", sorted(INSTITUTIONS))
def test_watching_the_book_changes_nothing_else(institution: str) -> None:
    asked: dict[str, Any] = {"institution": institution, "periods": 2, "seed": 3, "activations": 100}
    unseen: dict[str, Any] = dict.fromkeys(("mean_spread", "mean_bid_depth", "mean_ask_depth"))
    watched = simulate_market(*MARKET_GD, watch_book=True, **asked)
    assert [replace(period, **unseen) for period in watched] == simulate_market(*MARKET_GD, **asked)
