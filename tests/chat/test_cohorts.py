"""Cohorts: everybody is in exactly one, of fair size, by chance or by role, new each round or kept."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.environments.mechanisms.cohorts import form_cohorts
from market_agents.environments.mechanisms.group_chat import CohortFormed, GroupChat

SIZES = st.none() | st.integers(1, 12)


def roles_of(number: int) -> dict[str, str]:
    return {f"agent_{index}": "buyer" if index % 3 else "seller" for index in range(1, number + 1)}


def rounds_of(chat: GroupChat, number: int) -> list[tuple[tuple[str, ...], ...]]:
    """The cohorts of rounds 1 to ``number``."""
    formed = []
    for round_number in range(1, number + 1):
        chat.begin_round(round_number, Random(round_number))
        formed.append(tuple(event.members for event in chat.take_events() if isinstance(event, CohortFormed)))
    return formed


def chat_of(number: int, *, group_size: int | None = 3, reshuffle: bool = True) -> GroupChat:
    chat = GroupChat(group_size=group_size, reshuffle=reshuffle)
    for agent_id, role in roles_of(number).items():
        chat.join(agent_id, role)
    return chat


@given(st.integers(0, 40), SIZES, st.integers())
def test_by_chance_everybody_is_in_one_cohort_of_fair_size(
    number: int, group_size: int | None, seed: int
) -> None:
    roles = roles_of(number)
    cohorts = form_cohorts(roles, group_size, "chance", Random(seed))
    assert Counter(member for cohort in cohorts for member in cohort) == Counter(list(roles))
    sizes = [len(cohort) for cohort in cohorts]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert max(sizes, default=0) <= (group_size or number)
    assert len(cohorts) == -(-number // (group_size or max(number, 1))), "as few cohorts as will do"


@given(st.integers(0, 40), SIZES, st.integers())
def test_by_role_cohorts_are_of_one_role_and_fair_within_it(
    number: int, group_size: int | None, seed: int
) -> None:
    roles = roles_of(number)
    cohorts = form_cohorts(roles, group_size, "role", Random(seed))
    assert Counter(member for cohort in cohorts for member in cohort) == Counter(list(roles))
    assert all(len({roles[member] for member in cohort}) == 1 for cohort in cohorts)
    for role in ("buyer", "seller"):
        sizes = [len(cohort) for cohort in cohorts if roles[cohort[0]] == role]
        assert max(sizes, default=0) - min(sizes, default=0) <= 1
        assert max(sizes, default=0) <= (group_size or number)


@given(st.integers(1, 20), st.integers(1, 6), st.integers())
def test_members_stand_in_the_order_of_joining(number: int, group_size: int, seed: int) -> None:
    place = {agent_id: index for index, agent_id in enumerate(roles_of(number))}
    for cohort in form_cohorts(roles_of(number), group_size, "chance", Random(seed)):
        assert sorted(cohort, key=place.__getitem__) == list(cohort)


def test_the_same_stream_gives_the_same_cohorts_and_another_one_others() -> None:
    drawn = [form_cohorts(roles_of(12), 4, "chance", Random(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_chance_brings_everybody_together_with_everybody() -> None:
    met = {
        frozenset(cohort)
        for seed in range(200)
        for cohort in form_cohorts(roles_of(6), 2, "chance", Random(seed))
    }
    assert len(met) == 15


def test_each_round_forms_new_cohorts_or_keeps_the_first() -> None:
    assert len(set(rounds_of(chat_of(9), 5))) == 5
    kept = rounds_of(chat_of(9, reshuffle=False), 5)
    assert len(set(kept)) == 1
    assert [len(members) for members in kept[0]] == [3, 3, 3]


@pytest.mark.parametrize("reshuffle", [True, False])
def test_a_latecomer_is_in_a_cohort_from_the_next_round_on(reshuffle: bool) -> None:
    chat = chat_of(5, reshuffle=reshuffle)
    rounds_of(chat, 1)
    chat.join("agent_6", "seller")
    assert "agent_6" not in {member for cohort in chat.cohorts for member in cohort.members}
    [_, second] = rounds_of(chat, 2)
    assert sorted(member for members in second for member in members) == sorted(roles_of(6))


def test_cohorts_are_numbered_from_one() -> None:
    chat = chat_of(7)
    rounds_of(chat, 2)
    assert [cohort.cohort_id for cohort in chat.cohorts] == ["cohort_1", "cohort_2", "cohort_3"]
