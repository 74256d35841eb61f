from itertools import pairwise
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.schedules import generate_schedule, spread_base

Direction = Literal["buyer", "seller"]
directions = st.sampled_from(["buyer", "seller"])


@given(st.integers(0, 2**32), st.integers(1, 10**6), st.integers(0, 12), st.floats(0, 1), directions)
def test_schedules_start_at_the_base_and_never_turn(
    seed: int, base: int, num_units: int, noise: float, direction: Direction
) -> None:
    drawn = generate_schedule(
        Random(seed), base=base, num_units=num_units, noise_factor=noise, direction=direction
    )
    assert len(drawn) == num_units
    assert list(drawn[:1]) == [base][:num_units]
    assert list(drawn) == sorted(drawn, reverse=direction == "buyer")
    assert min(drawn, default=1) >= 1
    assert {type(unit) for unit in drawn} <= {int}


@given(st.integers(0, 2**32), st.floats(0, 1), directions)
def test_steps_lie_between_two_percent_and_the_noise_factor(
    seed: int, noise: float, direction: Direction
) -> None:
    drawn = generate_schedule(Random(seed), base=10**9, num_units=4, noise_factor=noise, direction=direction)
    for before, after in pairwise(drawn):
        if before > 10**6:
            step = abs(after - before) / before
            assert min(0.02, noise) - 1e-5 <= step <= noise + 1e-5


def test_without_noise_all_units_are_alike() -> None:
    assert generate_schedule(Random(1), base=500, num_units=3, noise_factor=0, direction="buyer") == (
        500,
        500,
        500,
    )


def test_small_steps_add_up_in_spite_of_rounding() -> None:
    drawn = generate_schedule(Random(1), base=10, num_units=20, noise_factor=0.02, direction="buyer")
    assert drawn[-1] == 7


def test_the_same_stream_gives_the_same_schedule_and_another_gives_another() -> None:
    first, again, other = (
        generate_schedule(Random(seed), base=10**6, num_units=5, noise_factor=0.2, direction="seller")
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("base", "num_units", "noise"), [(0, 1, 0.1), (1, -1, 0.1), (1, 1, -0.1), (1, 1, 1.1)]
)
def test_arguments_out_of_range_are_refused(base: int, num_units: int, noise: float) -> None:
    with pytest.raises(ValueError, match=r"base|num_units|noise_factor"):
        generate_schedule(Random(1), base=base, num_units=num_units, noise_factor=noise, direction="buyer")


def test_not_a_number_is_no_noise_factor() -> None:
    with pytest.raises(ValueError, match="noise_factor"):
        generate_schedule(Random(1), base=1, num_units=2, noise_factor=float("nan"), direction="buyer")


@given(st.integers(0, 2**32), st.integers(1, 10**6), st.floats(0, 1))
def test_own_bases_stay_within_the_spread(seed: int, base: int, spread: float) -> None:
    drawn = spread_base(Random(seed), base, spread)
    assert drawn >= 1
    assert base * (1 - spread) - 1 <= drawn <= base * (1 + spread) + 1


def test_own_bases_differ_and_without_a_spread_do_not() -> None:
    rng = Random(3)
    assert len({spread_base(rng, 10**6, 0.15) for _ in range(20)}) == 20
    assert {spread_base(rng, 10**6, 0) for _ in range(20)} == {10**6}


@pytest.mark.parametrize(("base", "spread"), [(0, 0.1), (1, -0.1), (1, 1.5)])
def test_no_base_below_a_tick_and_no_spread_beyond_one(base: int, spread: float) -> None:
    with pytest.raises(ValueError, match=r"base|spread"):
        spread_base(Random(1), base, spread)
