"""Several quotes of one trader: which give way, and that none can lose money, whichever trades first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.ladders import OwnQuote, giving_way, unit_to_quote

A, B, C = OwnQuote(3, 90, 1), OwnQuote(5, 80, 2), OwnQuote(6, 70, 1)


@pytest.mark.parametrize(
    ("quantity", "most", "units_left", "named", "gone"),
    [
        (1, 4, 9, None, []),
        (1, 3, 9, None, [A]),
        (1, 2, 9, None, [A, B]),
        (1, 3, 9, 5, [B]),
        (1, 2, 9, 6, [C, A]),
        (1, 4, 4, None, [A]),
        (2, 4, 4, None, [A, B]),
        (1, 1, 9, None, [A, B, C]),
    ],
)
def test_the_named_gives_way_and_then_the_oldest_until_there_is_room(
    quantity: int, most: int, units_left: int, named: int | None, gone: list[OwnQuote]
) -> None:
    assert giving_way([A, B, C], quantity, most=most, units_left=units_left, named=named) == gone


@pytest.mark.parametrize(
    ("standing", "named", "unit"),
    [
        ([], None, 100),
        ([OwnQuote(1, 95, 1)], None, 80),
        ([OwnQuote(1, 75, 1)], None, 100),
        ([OwnQuote(1, 95, 1), OwnQuote(2, 50, 1)], None, 80),
        ([OwnQuote(1, 95, 2)], None, 60),
        ([OwnQuote(1, 95, 1), OwnQuote(2, 75, 1), OwnQuote(3, 50, 1)], None, 100),
        ([OwnQuote(1, 95, 1), OwnQuote(2, 75, 1), OwnQuote(3, 50, 1)], 2, 80),
    ],
)
def test_a_new_quote_is_for_the_best_unit_that_no_other_needs(
    standing: list[OwnQuote], named: int | None, unit: int
) -> None:
    assert unit_to_quote([100, 80, 60], standing, most=3, buying=True, named=named) == unit
    mirrored = [OwnQuote(quote.order_id, 200 - quote.price, quote.remaining) for quote in standing]
    costs = [100, 120, 140]
    assert unit_to_quote(costs, mirrored, most=3, buying=False, named=named) == 200 - unit


@given(
    units=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    most=st.integers(1, 5),
    shares=st.lists(st.floats(0, 1), max_size=12),
)
def test_however_many_follow_each_other_none_can_lose(
    units: list[int], most: int, shares: list[float]
) -> None:
    units.sort(reverse=True)
    standing: list[OwnQuote] = []
    for number, share in enumerate(shares, 1):
        limit = unit_to_quote(units, standing, most=most, buying=True)
        gone = giving_way(standing, 1, most=most, units_left=len(units))
        standing = [quote for quote in standing if quote not in gone]
        standing.append(OwnQuote(number, max(1, round(limit * share)), 1))
        best_first = sorted((quote.price for quote in standing), reverse=True)
        assert len(standing) <= min(most, len(units))
        assert all(price <= unit for price, unit in zip(best_first, units, strict=False))
