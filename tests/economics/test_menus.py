from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.menus import (
    RISK_INTERVALS,
    SOONER_PAYMENTS,
    Lottery,
    Payment,
    lottery_choices,
    payment_choices,
    revealed_discount_factor,
    revealed_risk_aversion,
)


def lotteries(text: str) -> list[Lottery]:
    return ["A" if letter == "A" else "B" for letter in text]


def payments(text: str) -> list[Payment]:
    return ["later" if letter == "l" else "sooner" for letter in text]


@pytest.mark.parametrize("safe", range(1, 10))
def test_the_intervals_are_those_in_which_theory_makes_so_many_safe_choices(safe: int) -> None:
    low, high = RISK_INTERVALS[safe]
    assert lottery_choices((low + high) / 2).count("A") == safe


def test_intervals_meet_and_cover_a_personas_scale() -> None:
    assert len(RISK_INTERVALS) == 11
    assert RISK_INTERVALS[0] == RISK_INTERVALS[1]
    assert RISK_INTERVALS[9] == RISK_INTERVALS[10]
    middle = RISK_INTERVALS[1:10]
    assert all(one[1] == other[0] for one, other in pairwise(middle))
    assert (middle[0][0], middle[-1][1]) == (-1.0, 2.0)


@pytest.mark.parametrize(
    ("choices", "value", "consistent"),
    [
        ("BBBBBBBBBB", -0.975, True),
        ("AAAABBBBBB", 0.0, True),
        ("AAAAABBBBB", 0.28, True),
        ("AAAABABBBB", 0.28, False),
        ("BBBBBBBBBA", -0.975, False),
        ("AAAAAAAAAB", 1.685, True),
        ("AAAAAAAAAA", 1.685, False),
    ],
)
def test_safe_choices_are_counted_wherever_they_stand(choices: str, value: float, consistent: bool) -> None:
    revealed = revealed_risk_aversion(lotteries(choices))
    assert revealed.value == pytest.approx(value)
    assert revealed.consistent is consistent
    assert revealed.low < revealed.value < revealed.high


@pytest.mark.parametrize(
    ("choices", "value", "consistent"),
    [
        ("ssssssssss", 0.2, True),
        ("llllssssss", 0.725, True),
        ("lllslsssss", 0.725, False),
        ("lllllllllS", 0.975, True),
        ("llllllllll", 1.0, True),
    ],
)
def test_the_discount_factor_lies_where_the_choices_switch(
    choices: str, value: float, consistent: bool
) -> None:
    revealed = revealed_discount_factor(payments(choices))
    assert revealed.value == pytest.approx(value)
    assert revealed.consistent is consistent


@given(st.floats(-1, 2))
def test_who_follows_theory_is_consistent_and_found_in_the_right_interval(risk_aversion: float) -> None:
    revealed = revealed_risk_aversion(lottery_choices(risk_aversion))
    assert revealed.consistent
    # The published bounds are rounded to two digits.
    assert revealed.low - 0.01 <= risk_aversion <= revealed.high + 0.01


def test_a_coefficient_of_one_is_the_logarithm_and_no_gap() -> None:
    assert lottery_choices(1.0) == lottery_choices(1.0 + 1e-9) == lottery_choices(1.0 - 1e-9)
    assert lottery_choices(1.0).count("A") == 8


@given(st.floats(0, 1))
def test_the_patient_wait_as_long_as_their_factor_says(factor: float) -> None:
    revealed = revealed_discount_factor(payment_choices(factor))
    assert revealed.consistent
    assert revealed.low <= factor <= revealed.high


@pytest.mark.parametrize("rows", [0, 9, 11])
def test_a_choice_for_each_row_is_needed(rows: int) -> None:
    with pytest.raises(ValueError, match="10 choices are needed"):
        revealed_risk_aversion(lotteries("A" * rows))
    with pytest.raises(ValueError, match=f"{len(SOONER_PAYMENTS)} choices are needed, not {rows}"):
        revealed_discount_factor(payments("l" * rows))
