from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.equilibrium import Equilibrium, competitive_equilibrium
from tests.economics.reference_markets import MARKET_A, MARKET_B, MARKET_C, MARKET_D, MARKET_GD

units = st.lists(st.integers(1, 60), max_size=6)


@pytest.mark.parametrize(
    ("market", "expected"),
    [
        (MARKET_A, Equilibrium(5, 6, 200, 200, 200, 750)),
        (MARKET_B, Equilibrium(5, 6, 200, 200, 200, 375)),
        (MARKET_C, Equilibrium(6, 6, 200, 200, 200, 900)),
        (MARKET_D, Equilibrium(6, 6, 200, 200, 200, 720)),
        (MARKET_GD, Equilibrium(5, 7, 235, 235, 235, 480)),
    ],
    ids=["A", "B", "C", "D", "GD"],
)
def test_the_reference_markets_are_exact(
    market: tuple[Sequence[float], Sequence[float]], expected: Equilibrium
) -> None:
    assert competitive_equilibrium(*market) == expected


def test_a_unit_between_two_prices_leaves_an_interval() -> None:
    assert competitive_equilibrium([100, 60], [40, 90]) == Equilibrium(1, 1, 60, 90, 75, 60)


def test_the_only_pair_bounds_its_own_interval() -> None:
    assert competitive_equilibrium([100], [40]) == Equilibrium(1, 1, 40, 100, 70, 60)


def test_where_nothing_can_be_traded_the_interval_is_the_spread() -> None:
    assert competitive_equilibrium([30, 50], [70, 90]) == Equilibrium(0, 0, 50, 70, 60, 0)


def test_a_missing_side_leaves_an_open_interval_and_no_price() -> None:
    assert competitive_equilibrium([50], []) == Equilibrium(0, 0, 50, None, None, 0)
    assert competitive_equilibrium([], [70]) == Equilibrium(0, 0, None, 70, None, 0)
    assert competitive_equilibrium([], []) == Equilibrium(0, 0, None, None, None, 0)


def test_traders_without_units_change_nothing() -> None:
    assert competitive_equilibrium([(), (100,), ()], [(), (40,)]) == competitive_equilibrium([100], [40])


def test_prices_need_not_be_whole() -> None:
    found = competitive_equilibrium([1.5, 0.5], [0.25, 1.25])
    assert (found.price_low, found.price_high, found.price, found.surplus) == (0.5, 1.25, 0.875, 1.25)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_finite_number_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        competitive_equilibrium([bad], [1])
    with pytest.raises(ValueError, match="finite"):
        competitive_equilibrium([1], [[bad]])


@given(units, units)
def test_no_choice_of_units_yields_more_than_the_maximum_surplus(values: list[int], costs: list[int]) -> None:
    best = max(
        sum(bought) - sum(sold)
        for size in range(min(len(values), len(costs)) + 1)
        for bought in combinations(values, size)
        for sold in combinations(costs, size)
    )
    assert competitive_equilibrium(values, costs).surplus == best


@given(units, units)
def test_at_every_equilibrium_price_supply_can_meet_demand(values: list[int], costs: list[int]) -> None:
    found = competitive_equilibrium(values, costs)
    for price in (found.price_low, found.price, found.price_high):
        if price is not None:
            eager = sum(v > price for v in values), sum(c < price for c in costs)
            willing = sum(v >= price for v in values), sum(c <= price for c in costs)
            assert max(eager) <= min(willing)
            assert max(eager) <= found.quantity_max <= min(willing) or found.quantity_max == 0


@given(units, units, st.integers(1, 9))
def test_scaling_money_scales_prices_and_surplus(values: list[int], costs: list[int], factor: int) -> None:
    plain = competitive_equilibrium(values, costs)
    scaled = competitive_equilibrium([v * factor for v in values], [c * factor for c in costs])
    assert (scaled.quantity_min, scaled.quantity_max) == (plain.quantity_min, plain.quantity_max)
    assert scaled.surplus == plain.surplus * factor
    assert scaled.price == (None if plain.price is None else pytest.approx(plain.price * factor))


@given(units, units)
def test_the_order_of_units_does_not_matter(values: list[int], costs: list[int]) -> None:
    assert competitive_equilibrium(values[::-1], sorted(costs)) == competitive_equilibrium(values, costs)
