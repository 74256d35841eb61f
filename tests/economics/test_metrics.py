import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.metrics import allocative_efficiency, gini, profit_dispersion, smith_alpha
from market_agents.economics.orders import Side
from market_agents.economics.surplus import buyer_surplus, equilibrium_profit, seller_surplus

prices = st.lists(st.integers(1, 500), min_size=1, max_size=20)


def test_efficiency_is_the_share_of_what_could_be_gained() -> None:
    assert allocative_efficiency(375, 750) == 0.5
    assert allocative_efficiency(0, 750) == 0
    assert allocative_efficiency(-75, 750) == -0.1


def test_efficiency_is_undefined_where_nothing_could_be_gained() -> None:
    assert allocative_efficiency(0, 0) is None


def test_alpha_measures_from_the_equilibrium_and_not_from_the_mean() -> None:
    assert smith_alpha([110, 110, 110], 100) == pytest.approx(10)
    assert smith_alpha([90, 110], 100) == pytest.approx(10)
    assert smith_alpha([100], 100) == 0


def test_alpha_of_four_prices_by_hand() -> None:
    assert smith_alpha([190, 200, 205, 215], 200) == pytest.approx(
        100 * math.sqrt((100 + 25 + 225) / 4) / 200
    )


def test_alpha_is_undefined_without_trades_or_equilibrium() -> None:
    assert smith_alpha([], 200) is None
    assert smith_alpha([200], None) is None
    assert smith_alpha([200], 0) is None


@given(prices, st.integers(1, 5))
def test_a_trade_of_many_units_counts_as_often_as_it_has_units(trades: list[int], units: int) -> None:
    one_by_one = smith_alpha(trades + trades[:1] * (units - 1), 100)
    assert smith_alpha(trades, 100, [units] + [1] * (len(trades) - 1)) == pytest.approx(one_by_one)


def test_each_trade_needs_its_quantity() -> None:
    with pytest.raises(ValueError, match="zip"):
        smith_alpha([100, 110], 100, [1])


@given(prices, st.integers(1, 500), st.integers(2, 9))
def test_alpha_does_not_depend_on_the_unit_of_money(trades: list[int], price: int, factor: int) -> None:
    scaled = smith_alpha([trade * factor for trade in trades], price * factor)
    assert scaled == pytest.approx(smith_alpha(trades, price))


def test_dispersion_by_hand() -> None:
    assert profit_dispersion([10, 0, 5], [7, 4, 5]) == pytest.approx(math.sqrt(25 / 3))
    assert profit_dispersion([3, 4], [3, 4]) == 0
    assert profit_dispersion([], []) is None


def test_gains_are_value_less_price_and_price_less_cost() -> None:
    assert buyer_surplus((90, 80), 70) == 30
    assert buyer_surplus((60,), 70) == -10
    assert seller_surplus((50, 65), 70) == 25
    assert seller_surplus((75,), 70) == -5


@given(st.lists(st.integers(0, 99)), st.integers(1, 99))
def test_what_one_side_pays_the_other_gets(limits: list[int], price: int) -> None:
    assert buyer_surplus(limits, price) == -seller_surplus(limits, price)


def test_equilibrium_profit_leaves_losing_units_alone() -> None:
    assert equilibrium_profit([330, 225, 210], Side.BID, 235) == 95
    assert equilibrium_profit([190, 235, 250], Side.ASK, 235) == 45
    assert equilibrium_profit([330], Side.BID, None) == 0


def test_gini_is_zero_for_equals_and_largest_where_one_has_everything() -> None:
    assert gini([5, 5, 5, 5]) == pytest.approx(0)
    assert gini([0, 0, 0, 8]) == pytest.approx(3 / 4)
    assert gini([1, 3]) == pytest.approx(0.25)


@pytest.mark.parametrize("amounts", [[], [0, 0], [3, -1]])
def test_gini_needs_something_to_share(amounts: list[float]) -> None:
    assert gini(amounts) is None


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12).filter(any))
def test_gini_is_half_the_mean_difference_over_the_mean(amounts: list[int]) -> None:
    count = len(amounts)
    differences = sum(abs(one - other) for one in amounts for other in amounts)
    assert gini(amounts) == pytest.approx(differences / (2 * count * sum(amounts)))
