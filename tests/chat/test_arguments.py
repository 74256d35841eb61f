"""How a chat is set up, how it counts time, and what a message costs in a large one."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment, MessagePosted
from market_agents.errors import UserError
from tests.environments.basket import Person


def crowd(size: int, mechanism: GroupChat) -> tuple[GroupChatEnvironment, list[Person]]:
    people = [Person(f"agent_{number}", "buyer") for number in range(1, size + 1)]
    chat = GroupChatEnvironment(mechanism=mechanism)
    chat.join(people)
    return chat, people


def talk(
    chat: GroupChatEnvironment, people: list[Person], rounds: int, sub_rounds: int
) -> list[MessagePosted]:
    """Everybody speaks once a sub-round."""
    for round_number in range(1, rounds + 1):
        chat.mechanism.begin_round(round_number, Random(round_number))
        for sub_round in range(1, sub_rounds + 1):
            chat.mechanism.begin_sub_round(sub_round)
            for person in people:
                person.environments["group_chat"].step({"message": "Twelve."})
    return [event for event in chat.mechanism.take_events() if isinstance(event, MessagePosted)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"group_size": 0}, "group_size must be at least 1, or None for one cohort of all, not 0"),
        ({"group_size": -3}, "group_size must be at least 1, or None for one cohort of all, not -3"),
        ({"cohorts": "roles"}, "cohorts must be one of chance, role, not 'roles'"),
        ({"topic": "propose"}, "topic must be one of proposed, fixed, not 'propose'"),
        ({"topic": None}, "topic must be one of proposed, fixed, not None"),
    ],
)
def test_an_argument_that_makes_no_sense_is_the_users_mistake(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as raised:
        GroupChat(**arguments)
    assert str(raised.value) == told


@pytest.mark.parametrize("group_size", [None, 1, 2, 100])
def test_every_size_leaves_everybody_in_a_cohort(group_size: int | None) -> None:
    chat, people = crowd(5, GroupChat(group_size=group_size))
    chat.mechanism.begin_round(1, Random(1))
    assert sorted(member for cohort in chat.mechanism.cohorts for member in cohort.members) == sorted(
        person.id for person in people
    )


@given(rounds=st.integers(1, 3), sub_rounds=st.sampled_from([1, 2, 23, 24, 60]), size=st.integers(1, 3))
def test_time_passes_in_the_order_of_the_conversation(rounds: int, sub_rounds: int, size: int) -> None:
    chat, people = crowd(size, GroupChat(sub_rounds=sub_rounds))
    posted = talk(chat, people, rounds, sub_rounds)
    assert len(posted) == rounds * sub_rounds * size
    stamps = [event.timestamp for event in posted]
    assert stamps == sorted(set(stamps))


def test_time_stands_still_rather_than_run_ahead_of_the_next_sub_round() -> None:
    chat, people = crowd(100, GroupChat(sub_rounds=1000))
    posted = talk(chat, people, 1, 3)
    stamps = [event.timestamp for event in posted]
    assert stamps == sorted(stamps)
    ends = {event.sub_round: event.timestamp for event in posted}
    starts = {event.sub_round: event.timestamp for event in reversed(posted)}
    assert ends[1] < starts[2] <= ends[2] < starts[3]


def test_a_day_holds_every_sub_round() -> None:
    chat, people = crowd(1, GroupChat(sub_rounds=1000))
    posted = talk(chat, people, 2, 1000)
    days = {(event.round, datetime.fromisoformat(event.timestamp).date().isoformat()) for event in posted}
    assert days == {(1, "2025-01-01"), (2, "2025-01-02")}


def test_the_usual_hour_a_sub_round_stays() -> None:
    chat, people = crowd(2, GroupChat(sub_rounds=3))
    posted = talk(chat, people, 2, 3)
    assert posted[0].timestamp == "2025-01-01T01:00:01Z"
    assert posted[-1].timestamp == "2025-01-02T03:00:02Z"


@pytest.mark.parametrize("size", [2, 200])
def test_in_a_large_cohort_a_message_is_answered_as_briefly_as_in_a_small_one(size: int) -> None:
    chat, people = crowd(size, GroupChat())
    chat.mechanism.begin_round(1, Random(1))
    chat.mechanism.begin_sub_round(1)
    chat.open_turn()
    for person in people:
        person.environments["group_chat"].step({"message": "Twelve."})
    acts = chat.close_turn(Random(1))
    told = [dict(act.told) for done in acts.values() for act in done]
    assert sorted(answer.pop("message_id") for answer in told) == list(range(1, size + 1))
    assert all(answer == {"status": "accepted"} for answer in told)


def test_who_speaks_outside_a_turn_sees_the_message_at_once() -> None:
    chat, people = crowd(2, GroupChat(initial_topic="Prices"))
    seen = people[0].environments["group_chat"].step({"message": "Twelve."})
    assert (seen["status"], seen["message_id"], seen["current_topic"]) == ("accepted", 1, "Prices")
    assert [message["content"] for message in seen["round_messages"]] == ["Twelve."]
    assert chat.get_global_state("agent_2")["round_messages"] == seen["round_messages"]
