from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.rng import MAX_SEED, RandomStreams, derive_seed, draw_seed, drawn_order

EXPECTED = 11_688_629_468_601_472_775
EXPECTED_DRAW = 240_087
PATHS = st.lists(st.text(max_size=8) | st.integers(-5, 5), max_size=4)


def draws(streams: RandomStreams, *path: str | int) -> list[float]:
    stream = streams.stream(*path)
    return [stream.random() for _ in range(5)]


def test_the_same_seed_and_path_give_the_same_draws() -> None:
    assert draws(RandomStreams(7), "auction", 3, "agent_7") == draws(
        RandomStreams(7), "auction", 3, "agent_7"
    )


def test_a_stream_starts_anew_each_time_it_is_taken() -> None:
    streams = RandomStreams(7)
    assert draws(streams, "a") == draws(streams, "a")


@pytest.mark.parametrize(
    "other",
    [("auction", 3), ("auction", 4, "agent_7"), ("agent_7", 3, "auction"), (), ("auction/3/agent_7",)],
)
def test_another_path_gives_other_draws(other: tuple[str | int, ...]) -> None:
    streams = RandomStreams(7)
    assert draws(streams, *other) != draws(streams, "auction", 3, "agent_7")


def test_one_more_agent_leaves_the_others_alone() -> None:
    few, many = ([draws(RandomStreams(7), "agent", n) for n in range(size)] for size in (10, 50))
    assert many[:10] == few
    assert len({one[0] for one in many}) == 50


def test_another_seed_gives_other_draws() -> None:
    assert len({derive_seed(seed, "a") for seed in range(1000)}) == 1000


def test_a_subtree_is_a_tree_of_its_own() -> None:
    streams = RandomStreams(7)
    assert draws(streams.below("auction"), 1) == draws(streams.below("auction"), 1)
    assert draws(streams.below("auction"), 1) != draws(streams.below("group_chat"), 1)
    assert draws(streams.below("auction"), 1) != draws(streams, 1)


@given(st.integers(0, MAX_SEED), PATHS, PATHS)
def test_different_paths_never_share_a_seed(seed: int, one: list[str | int], other: list[str | int]) -> None:
    same = [str(part) for part in one] == [str(part) for part in other]
    assert (derive_seed(seed, *one) == derive_seed(seed, *other)) is same
    assert 0 <= derive_seed(seed, *one) < 2**64


def test_where_parts_end_matters() -> None:
    assert len({derive_seed(1, *path) for path in (("a", "b"), ("ab",), ("a/b",), ("a", "", "b"))}) == 4


def test_the_derivation_may_not_drift() -> None:
    # Every stored run depends on these numbers.
    assert derive_seed(42, "auction", 3, "agent_7") == EXPECTED
    assert RandomStreams(42).stream("auction", 3, "agent_7").randrange(10**6) == EXPECTED_DRAW


@pytest.mark.parametrize("hash_seed", ["0", "99"])
def test_the_derivation_is_the_same_in_every_process(hash_seed: str) -> None:
    program = "from market_agents.rng import derive_seed; print(derive_seed(42, 'auction', 3, 'agent_7'))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ended.stdout) == EXPECTED


def test_drawn_seeds_are_in_range_and_differ() -> None:
    seeds = {draw_seed() for _ in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@given(st.sets(st.text(max_size=8)), st.text(max_size=8), st.integers(0, MAX_SEED))
def test_who_comes_and_goes_leaves_the_order_of_the_others_alone(
    names: set[str], other: str, seed: int
) -> None:
    order = drawn_order(names, RandomStreams(seed).stream("turn"))
    assert sorted(order) == sorted(names)
    with_other = drawn_order({*names, other}, RandomStreams(seed).stream("turn"))
    assert [name for name in with_other if name in names] == order


def test_every_order_comes_up() -> None:
    orders = {tuple(drawn_order("abc", RandomStreams(seed).stream("turn"))) for seed in range(100)}
    assert len(orders) == 6
