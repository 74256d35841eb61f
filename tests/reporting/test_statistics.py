from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.reporting.statistics import evenness, gini, rank_correlation, relative_dispersion

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any)


@given(COUNTS)
def test_gini_is_half_the_relative_mean_difference(counts: list[int]) -> None:
    mean_difference = sum(abs(a - b) for a, b in product(counts, counts)) / len(counts) ** 2
    assert gini(counts) == pytest.approx(mean_difference / 2 / (sum(counts) / len(counts)), abs=1e-12)


def test_gini_between_equality_and_one_who_has_all() -> None:
    assert gini([3, 3, 3]) == 0
    assert gini([0, 0, 0, 8]) == pytest.approx(3 / 4)
    assert gini([1, 3]) == gini([3, 1]) == pytest.approx(1 / 4)


@pytest.mark.parametrize("nothing", [[], [0], [0, 0, 0]])
def test_shares_of_nothing_are_undefined(nothing: list[float]) -> None:
    assert gini(nothing) is None
    assert evenness(nothing) is None


@given(COUNTS.filter(lambda counts: len(counts) > 1))
def test_evenness_lies_between_one_speaker_and_all_alike(counts: list[int]) -> None:
    found = evenness(counts)
    assert found is not None
    assert -1e-12 <= found <= 1 + 1e-12
    assert evenness([5] * len(counts)) == pytest.approx(1)
    assert evenness([*([0] * len(counts)), 7]) == 0


def test_evenness_of_a_known_case() -> None:
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)
    assert evenness([3, 1]) == pytest.approx(expected)
    assert evenness([4]) is None


def test_dispersion_ignores_one_wild_price() -> None:
    assert relative_dispersion([98, 100, 102]) == pytest.approx(0.02)
    assert relative_dispersion([98, 100, 102, 1e9, 99]) == pytest.approx(0.02)
    assert relative_dispersion([]) is None
    assert relative_dispersion([0, 0]) is None


def test_rank_correlation_of_known_cases() -> None:
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 1000]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) == pytest.approx(0.8)


def test_ties_share_their_mean_rank() -> None:
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=20))
def test_only_the_order_counts(values: list[int]) -> None:
    found = rank_correlation(values, [value**3 for value in values])
    assert found is None if len(set(values)) < 2 else found == pytest.approx(1)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None
    assert rank_correlation([1, 2, 3], [1, 1, 1]) is None
    assert rank_correlation([], []) is None
    with pytest.raises(ValueError, match="2 values cannot be paired with 1"):
        rank_correlation([1, 2], [1])
