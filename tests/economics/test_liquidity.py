"""The book at one moment."""

from __future__ import annotations

import pytest

from market_agents.economics.liquidity import bid_ask_spread, book_depth, relative_spread


def test_the_spread_is_the_distance_of_the_best_quotes() -> None:
    assert bid_ask_spread(95, 105) == 10
    assert relative_spread(95, 105) == pytest.approx(0.1)


@pytest.mark.parametrize(("bid", "ask"), [(None, 105), (95, None), (None, None)])
def test_an_empty_side_leaves_no_spread(bid: float | None, ask: float | None) -> None:
    assert bid_ask_spread(bid, ask) is None
    assert relative_spread(bid, ask) is None


def test_depth_counts_units_of_all_levels_or_of_those_near_the_best() -> None:
    levels = [(100, 2), (98, 1), (90, 5)]
    assert book_depth(levels) == 8
    assert book_depth(levels, best=100, within=2) == 3
    assert book_depth([]) == 0
