"""Where the surplus went that a market did not realise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.economics.losses import audit_losses

VALUES, COSTS = [[100], [80], [40]], [[20], [50], [90]]
# P0 = (50 + 80) / 2 = 65 and S* = 80 + 30 = 110.


def test_a_market_that_realises_everything_loses_nothing() -> None:
    audit = audit_losses(VALUES, COSTS, [1, 1, 0], [1, 1, 0])
    assert audit is not None
    assert audit.total == 0


def test_units_that_stay_untraded_lose_their_distance_to_the_price() -> None:
    audit = audit_losses(VALUES, COSTS, [1, 0, 0], [1, 0, 0])
    assert audit is not None
    assert audit.intramarginal_buyers == pytest.approx((80 - 65) / 110)
    assert audit.intramarginal_sellers == pytest.approx((65 - 50) / 110)
    assert (audit.extramarginal_buyers, audit.extramarginal_sellers) == (0, 0)


def test_units_that_should_not_have_traded_lose_theirs() -> None:
    audit = audit_losses(VALUES, COSTS, [1, 0, 1], [1, 1, 0])
    assert audit is not None
    assert audit.extramarginal_buyers == pytest.approx((65 - 40) / 110)
    assert audit.intramarginal_buyers == pytest.approx((80 - 65) / 110)
    assert audit.intramarginal_sellers == 0
    audit = audit_losses(VALUES, COSTS, [1, 1, 0], [1, 0, 1])
    assert audit is not None
    assert audit.extramarginal_sellers == pytest.approx((90 - 65) / 110)


def test_nothing_is_lost_where_nothing_could_be_gained() -> None:
    assert audit_losses([[10]], [[20]], [0], [0]) is None
    assert audit_losses([], [], [], []) is None


def test_impossible_trades_are_refused() -> None:
    with pytest.raises(ValueError, match="1 units bought but 0 sold"):
        audit_losses(VALUES, COSTS, [1, 0, 0], [0, 0, 0])
    with pytest.raises(ValueError, match="2 units traded of 1"):
        audit_losses(VALUES, COSTS, [2, 0, 0], [1, 1, 0])


units = st.lists(st.integers(1, 50), max_size=3)


@settings(deadline=None)
@given(st.lists(units, min_size=1, max_size=4), st.lists(units, min_size=1, max_size=4), st.data())
def test_losses_add_up_to_one_minus_efficiency(
    values: list[list[int]], costs: list[list[int]], data: st.DataObject
) -> None:
    values = [sorted(own, reverse=True) for own in values]
    costs = [sorted(own) for own in costs]
    bought = [data.draw(st.integers(0, len(own))) for own in values]
    sold, left = [], sum(bought)
    for own in costs:
        sold.append(min(left, len(own)))
        left -= sold[-1]
    if left:
        return
    audit = audit_losses(values, costs, bought, sold)
    best = competitive_equilibrium(values, costs).surplus
    assert (audit is None) == (best == 0)
    if audit is not None:
        realised = sum(sum(own[:count]) for own, count in zip(values, bought, strict=True))
        realised -= sum(sum(own[:count]) for own, count in zip(costs, sold, strict=True))
        assert audit.total == pytest.approx(1 - realised / best)
        assert min(audit.intramarginal_buyers, audit.extramarginal_sellers) >= 0
