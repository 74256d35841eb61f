"""Where named prices go, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.reporting import agreement, mentions, price_path
from market_agents.reporting.price_path import halves
from tests.reporting.talks import orders, priced, talk

PRICES = st.lists(st.integers(1, 10_000).map(lambda cents: cents / 100), max_size=12)


def test_opening_and_closing_are_medians_of_the_halves() -> None:
    path = price_path(priced([90, 92, 100, 7777, 98, 99, 97]))
    assert (path.opening, path.closing, path.drift) == (92, 98, 6)


def test_halves_leave_the_middle_out_and_share_a_single_one() -> None:
    assert halves([]) == ([], [])
    assert halves([1]) == ([1], [1])
    assert halves([1, 2]) == ([1], [2])
    assert halves([1, 2, 3]) == ([1], [3])


def test_one_price_does_not_drift() -> None:
    path = price_path(priced([90]))
    assert (path.opening, path.closing, path.drift) == (90, 90, None)


def test_without_prices_nothing_is_defined() -> None:
    path = price_path(talk((1, "1", "hello")))
    assert path.mentions == ()
    assert {path.opening, path.closing, path.drift, path.approach, path.bid_gap, path.word_and_deed} == {None}


@pytest.mark.parametrize(
    ("prices", "opening_gap", "closing_gap", "approach"),
    [
        ([80, 95], -10, 0, 10),
        ([110, 104], 10, 4, 6),
        ([95, 107], 0, 7, -7),
        ([80, 110], -10, 10, 0),
        ([90, 100], 0, 0, 0),
    ],
)
def test_distance_to_the_equilibrium_interval_has_a_sign(
    prices: list[float], opening_gap: float, closing_gap: float, approach: float
) -> None:
    path = price_path(priced(prices, equilibrium=(90.0, 100.0)))
    assert (path.opening_gap, path.closing_gap, path.approach) == (opening_gap, closing_gap, approach)
    assert (path.equilibrium_low, path.equilibrium_high) == (90, 100)


def test_without_an_equilibrium_there_is_no_gap() -> None:
    path = price_path(priced([80, 95]))
    assert (path.opening_gap, path.closing_gap, path.approach) == (None, None, None)


def test_prices_against_the_orders_that_followed() -> None:
    placed = orders((1, "bid", 92), (3, "bid", 96), (2, "ask", 98), (3, "bid", 1000))
    path = price_path(priced([80, 90, 99, 95], orders=placed))
    assert (path.bids, path.asks, path.bid, path.ask) == (3, 1, 96, 98)
    # Opening 85, closing 97, the orders' middle 97.
    assert (path.bid_gap, path.ask_gap, path.order_approach) == (-1, 1, 12)


def test_one_side_alone_is_the_middle() -> None:
    path = price_path(priced([80, 90], orders=orders((1, "bid", 92))))
    assert (path.ask, path.ask_gap, path.order_approach) == (None, None, 10)


def test_word_and_deed_compare_each_members_last_word() -> None:
    one = talk(
        (1, "1", "near 80"),
        (2, "1", "near 90"),
        (2, "2", "near 100"),
        orders=orders((1, "bid", 93), (2, "ask", 99), (3, "bid", 5), (1, "bid", 88)),
    )
    assert price_path(one).word_and_deed == pytest.approx((3 + 1 + 2) / 3)


@given(PRICES)
def test_a_shift_of_all_prices_shifts_levels_and_leaves_the_drift(prices: list[float]) -> None:
    path, raised = price_path(priced(prices)), price_path(priced([price + 100 for price in prices]))
    assert raised.drift == (None if path.drift is None else pytest.approx(path.drift, abs=1e-9))
    if path.closing is not None:
        assert raised.closing == pytest.approx(path.closing + 100)


def test_agreement_within_a_band() -> None:
    found = agreement(mentions(priced([95, 100, 105, 106, 100])))
    assert (found.median, found.band) == (100, 0.05)
    assert found.within == pytest.approx(4 / 5)
    assert agreement(mentions(priced([95, 100, 105, 106, 100])), band=0.01).within == pytest.approx(2 / 5)


def test_convergence_is_dispersion_lost() -> None:
    found = agreement(mentions(priced([80, 100, 120, 99, 100, 101])))
    assert found.opening_dispersion == pytest.approx(0.2)
    assert found.closing_dispersion == pytest.approx(0.01)
    assert found.convergence == pytest.approx(0.19)
    back = agreement(mentions(priced([99, 100, 101, 80, 100, 120])))
    assert back.convergence == pytest.approx(-0.19)


def test_few_prices_do_not_converge() -> None:
    assert agreement(mentions(priced([80, 100, 90]))).convergence is None
    nothing = agreement([])
    assert (nothing.median, nothing.within, nothing.opening_dispersion) == (None, None, None)


@given(PRICES.filter(bool))
def test_agreement_does_not_depend_on_the_currency(prices: list[float]) -> None:
    one = agreement(mentions(priced([round(price, 2) for price in prices])))
    other = agreement(mentions(priced([round(price * 100) for price in prices])))
    assert one.within == pytest.approx(other.within)
