"""The chat's own rules: topics, who may be written to, what is refused, ids and times, and copies."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from random import Random
from typing import Any

import pytest

from market_agents.environments.environment import MAX_ACTIONS_PER_TURN, BoundEnvironment
from market_agents.environments.mechanisms.group_chat import (
    MAX_METADATA_DEPTH,
    MAX_METADATA_ITEMS,
    GroupChat,
    GroupChatEnvironment,
    MessagePosted,
    TopicSet,
)
from market_agents.errors import IllegalAction, UnknownRecipient, UserError
from tests.environments.basket import Person, people

FRAME = "Strawberry prices"


def meet(number: int = 3, **settings: Any) -> tuple[GroupChatEnvironment, GroupChat, list[BoundEnvironment]]:
    """A chat before its first round, and everybody's handle."""
    mechanism = GroupChat(initial_topic=FRAME, max_rounds=3, **settings)
    chat, guests = GroupChatEnvironment("chat", mechanism), people(number)
    chat.join(guests)
    return chat, mechanism, [guest.environments["chat"] for guest in guests]


def heard(handle: BoundEnvironment) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = handle.get_global_state()["round_messages"]
    return messages


def nested(depth: int) -> object:
    value: object = "deep"
    for _ in range(depth):
        value = {"in": value}
    return value


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["sender_id", "sender", "timestamp", "from", "round", "cohort_id", 7, "x" * 999]
)
def test_nobody_can_say_who_sent_a_message_or_when(key: str | int) -> None:
    _, _, handles = meet()
    with pytest.raises(
        IllegalAction, match=r"unknown key .* the sender is whoever holds this handle"
    ) as caught:
        handles[0].step({"message": "Hello", key: "agent_2"})  # type: ignore[dict-item]  # what is tested
    assert len(str(caught.value)) < 200
    assert heard(handles[1]) == []


@pytest.mark.parametrize(
    "recipient",
    [
        "agent_1",
        "agent_9",
        "",
        "ALL",
        "agent_2, agent_3",
        ", ".join(f"agent_{n}" for n in range(3000)),
        [f"agent_{n}" for n in range(3000)],
        ["agent_2"],
        ["all"],
        {"agent_2": True},
        None,
        2,
        True,
        "agent_2\x00",
        "\ud800",
    ],
    ids=lambda recipient: f"{type(recipient).__name__}-{len(str(recipient))}",
)
def test_A04_who_cannot_be_written_to_is_told_with_the_names_that_would_do(recipient: object) -> None:
    _, mechanism, handles = meet()
    with pytest.raises(
        UnknownRecipient, match=r"unknown recipient .*; valid are: all, agent_2, agent_3$"
    ) as caught:
        handles[0].step({"message": "Hello", "recipient_id": recipient})
    assert len(str(caught.value)) < 200
    assert caught.value.valid == ("all", "agent_2", "agent_3")
    str(caught.value).encode()
    assert mechanism.take_events() == []
    assert all(heard(handle) == [] for handle in handles)


def test_an_object_that_prints_as_a_name_is_nobody() -> None:
    class Mask:
        def __repr__(self) -> str:
            return "agent_2"

    _, _, handles = meet()
    with pytest.raises(UnknownRecipient):
        handles[0].step({"message": "Hello", "recipient_id": Mask()})


def test_who_is_in_another_cohort_cannot_be_written_to() -> None:
    _, mechanism, handles = meet(4, group_size=2)
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    first, second = (cohort.members for cohort in mechanism.cohorts)
    speaker = handles[int(first[0].removeprefix("agent_")) - 1]
    with pytest.raises(UnknownRecipient) as caught:
        speaker.step({"message": "Hello", "recipient_id": second[0]})
    assert caught.value.valid == ("all", first[1])


@pytest.mark.parametrize("message", ["", "  \n\t", None, 7, ["Hello"], {"text": "Hello"}, b"Hello"])
def test_a_message_is_a_text_that_is_not_empty(message: object) -> None:
    _, _, handles = meet()
    with pytest.raises(IllegalAction, match="message is a text that is not empty"):
        handles[0].step({"message": message})
    with pytest.raises(IllegalAction, match="message is a text that is not empty"):
        handles[0].step({"recipient_id": "all"})
    assert heard(handles[1]) == []


@pytest.mark.parametrize("simultaneous", [True, False])
def test_A05_ten_thousand_messages_in_a_turn_are_cut_to_a_few(simultaneous: bool) -> None:
    chat, _, handles = meet()
    chat.open_turn(simultaneous=simultaneous)
    sent = 0
    for number in range(10_000):
        try:
            handles[0].step({"message": f"buy now {number}"})
            sent += 1
        except IllegalAction:
            continue
    handles[1].step({"message": "May I?"})
    chat.close_turn(Random(3))
    assert sent == MAX_ACTIONS_PER_TURN
    told = Counter(message["sender_id"] for message in heard(handles[2]))
    assert told == {"agent_1": MAX_ACTIONS_PER_TURN, "agent_2": 1}


def test_nobody_can_be_called_all() -> None:
    chat, _, handles = meet()
    with pytest.raises(UserError, match="no agent of a chat can be called 'all'"):
        chat.join([Person("all")])
    handles[0].step({"message": "Hello"})
    assert chat.members == ("agent_1", "agent_2", "agent_3")


# -- metadata and text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"confidence": 0.8, "tags": ["a", "b"], "no": None, "yes": True},) * 2,
        (None, {}),
        ({"x": float("nan"), "y": float("-inf")}, {"x": "nan", "y": "-inf"}),
        ({"x": 2**64, "y": 10**5000}, {"x": "an integer beyond 53 bits", "y": "an integer beyond 53 bits"}),
        ({"a\x00b": "c\x00d", "e\ud800": "f\udfff"}, {"a\ufffdb": "c\ufffdd", "e\ufffd": "f\ufffd"}),
        ({1: (1, 2), "s": {1}}, {"1": [1, 2], "s": "a value of type set"}),
        ({"sender_id": "agent_3"}, {"sender_id": "agent_3"}),
    ],
    ids=["plain", "none", "not finite", "huge numbers", "unstorable", "other types", "forged"],
)
def test_metadata_is_kept_as_any_database_can_hold_it(metadata: object, kept: dict[str, Any]) -> None:
    _, _, handles = meet()
    handles[0].step({"message": "Hello", "metadata": metadata})
    [message] = heard(handles[1])
    assert message["metadata"] == kept
    assert message["sender_id"] == "agent_1"
    json.dumps(message, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("private", "metadata is a mapping"),
        ([("a", 1)], "metadata is a mapping"),
        (nested(MAX_METADATA_DEPTH + 1), "metadata is nested deeper than 8 or more than 1000 values"),
        (nested(100_000), "metadata is nested deeper than 8"),
        ({"many": [0] * MAX_METADATA_ITEMS}, "or more than 1000 values"),
        ({str(number): {} for number in range(100_000)}, "or more than 1000 values"),
    ],
    ids=["text", "list", "deep", "very deep", "long", "wide"],
)
def test_metadata_beyond_all_bounds_is_refused(metadata: object, reason: str) -> None:
    _, _, handles = meet()
    with pytest.raises(IllegalAction, match=reason):
        handles[0].step({"message": "Hello", "metadata": metadata})
    assert heard(handles[1]) == []


def test_metadata_that_holds_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["self"] = endless
    _, _, handles = meet()
    with pytest.raises(IllegalAction, match="metadata is nested deeper"):
        handles[0].step({"message": "Hello", "metadata": endless})


def test_what_no_database_can_hold_is_replaced_and_all_else_stays() -> None:
    _, _, handles = meet()
    payload = "NUL \x00, lone \ud83c, whole \U0001f353, [bold], <b>, \x1b[31m"
    handles[0].step({"message": payload})
    assert heard(handles[1])[0]["content"] == payload.replace("\x00", "\ufffd").replace("\ud83c", "\ufffd")


def test_what_is_returned_are_copies() -> None:
    _, _, handles = meet()
    told = handles[0].step({"message": "Hello", "metadata": {"sources": ["earnings"]}})
    for seen in (told["round_messages"][0], heard(handles[1])[0]):
        seen["content"] = "Goodbye"
        seen["metadata"]["sources"].append("forged")
        seen["metadata"]["new"] = 1
    [message] = heard(handles[2])
    assert (message["content"], message["metadata"]) == ("Hello", {"sources": ["earnings"]})


def test_what_the_sender_does_to_its_metadata_afterwards_reaches_nobody() -> None:
    chat, _, handles = meet()
    metadata = {"sources": ["earnings"]}
    chat.open_turn()
    handles[0].step({"message": "Hello", "metadata": metadata})
    metadata["sources"].append("forged")
    chat.close_turn(Random(1))
    assert heard(handles[1])[0]["metadata"] == {"sources": ["earnings"]}


# -- topics -----------------------------------------------------------------------------------------------------------


def test_a_fixed_topic_is_nobodys_to_change() -> None:
    _, _, handles = meet()
    for handle in handles:
        with pytest.raises(
            IllegalAction, match="the topic is agent_1's to propose, once, before the discussion"
        ):
            handle.step({"topic": "Raspberries"})
    assert handles[0].get_global_state()["current_topic"] == FRAME


def test_only_the_proposer_sets_the_topic_once_and_before_the_discussion() -> None:
    _, _, handles = meet(topic="proposed")
    with pytest.raises(IllegalAction, match="agent_1's to propose"):
        handles[1].step({"topic": "Raspberries"})
    assert handles[0].step({"topic": "Blueberries\x00"})["current_topic"] == "Blueberries\ufffd"
    with pytest.raises(IllegalAction, match="once, before"):
        handles[0].step({"topic": "Raspberries"})
    assert handles[2].get_global_state()["current_topic"] == "Blueberries\ufffd"


def test_a_discussion_that_has_begun_keeps_its_topic() -> None:
    _, mechanism, handles = meet(topic="proposed")
    handles[1].step({"message": "Hello"})
    with pytest.raises(IllegalAction, match="before the discussion"):
        handles[0].step({"topic": "Raspberries"})
    assert [event.topic for event in mechanism.take_events() if isinstance(event, TopicSet)] == [FRAME]


@pytest.mark.parametrize(
    "action", [{"topic": ""}, {"topic": 7}, {"topic": None}, {"topic": "A", "message": "B"}]
)
def test_a_topic_is_a_text_and_comes_alone(action: dict[str, object]) -> None:
    _, _, handles = meet(topic="proposed")
    with pytest.raises(IllegalAction, match="topic is"):
        handles[0].step(action)
    assert handles[0].step({"topic": "Blueberries"})["current_topic"] == "Blueberries"


@pytest.mark.parametrize("heeded", [True, False])
def test_the_proposer_changes_from_round_to_round_even_if_it_stays_silent(heeded: bool) -> None:
    _, mechanism, handles = meet(4, topic="proposed")
    appointed = []
    for round_number in range(1, 9):
        mechanism.begin_round(round_number, Random(round_number))
        proposer = mechanism.cohorts[0].proposer_id
        appointed.append(proposer)
        if heeded:
            handles[int(proposer.removeprefix("agent_")) - 1].step({"topic": f"of {proposer}"})
        mechanism.begin_sub_round(1)
    assert appointed == ["agent_1", "agent_2", "agent_3", "agent_4"] * 2
    topics = [event for event in mechanism.take_events() if isinstance(event, TopicSet)]
    assert [event.proposer_id for event in topics] == (appointed if heeded else [None] * 8)


def test_in_changing_cohorts_everybody_gets_its_turn_to_propose() -> None:
    _, mechanism, _ = meet(6, topic="proposed", group_size=2)
    appointed: Counter[str] = Counter()
    for round_number in range(1, 41):
        mechanism.begin_round(round_number, Random(round_number))
        appointed.update(cohort.proposer_id for cohort in mechanism.cohorts)
    assert len(appointed) == 6
    assert max(appointed.values()) - min(appointed.values()) <= 4


# -- joining, ids and times -------------------------------------------------------------------------------------------


def test_joining_late_or_twice_keeps_topic_and_messages() -> None:
    chat, _, handles = meet(2, topic="proposed")
    handles[0].step({"topic": "Blueberries"})
    handles[1].step({"message": "Hello"})
    late = Person("agent_3")
    chat.join([late, late])
    state = late.environments["chat"].get_global_state()
    assert state["current_topic"] == "Blueberries"
    assert state["members"] == ["agent_1", "agent_2", "agent_3"]
    assert [message["content"] for message in state["round_messages"]] == ["Hello"]


def test_who_joins_within_a_round_is_told_to_wait() -> None:
    chat, mechanism, _ = meet(2)
    mechanism.begin_round(1, Random(1))
    late = Person("agent_3")
    chat.join([late])
    handle, waits = late.environments["chat"], "agent_3 has come late and talks from the next round on"
    with pytest.raises(IllegalAction, match=waits):
        handle.step({"message": "Hello"})
    with pytest.raises(IllegalAction, match=waits):
        handle.get_global_state()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_ids_and_times_do_not_depend_on_which_cohort_is_faster(order: tuple[int, ...]) -> None:
    _, mechanism, handles = meet(4, group_size=2)
    mechanism.begin_round(2, Random(1))
    mechanism.begin_sub_round(1)
    by_id = {f"agent_{index}": handle for index, handle in enumerate(handles, 1)}
    speakers = [cohort.members[place] for cohort in mechanism.cohorts for place in (0, 1)]
    # Within a cohort the first member speaks before the second, whatever the order between cohorts.
    for index in sorted(order, key=lambda index: (index % 2, order.index(index))):
        by_id[speakers[index]].step({"message": f"from {speakers[index]}"})
    posted = {
        event.sender_id: (event.message_id, event.timestamp)
        for event in mechanism.take_events()
        if isinstance(event, MessagePosted)
    }
    assert [posted[speaker] for speaker in speakers] == [
        (1, "2025-01-02T01:00:01Z"),
        (3, "2025-01-02T01:00:02Z"),
        (2, "2025-01-02T01:00:01Z"),
        (4, "2025-01-02T01:00:02Z"),
    ]


def test_ids_are_unique_over_all_rounds_and_times_rise() -> None:
    _, mechanism, handles = meet(2)
    handles[0].step({"message": "before the first round"})
    for round_number in range(1, 4):
        mechanism.begin_round(round_number, Random(round_number))
        handles[0].step({"message": "before the discussion"})
        for sub_round in (1, 2):
            mechanism.begin_sub_round(sub_round)
            for handle in handles:
                handle.step({"message": "Hello"})
    posted = [event for event in mechanism.take_events() if isinstance(event, MessagePosted)]
    assert [event.message_id for event in posted] == list(range(1, 17))
    in_rounds = [datetime.fromisoformat(event.timestamp) for event in posted[1:]]
    assert in_rounds == sorted(set(in_rounds))
    assert all(moment.utcoffset() is not None for moment in in_rounds)


def test_a_new_round_starts_with_an_empty_page() -> None:
    _, mechanism, handles = meet(2)
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    handles[0].step({"message": "Hello"})
    mechanism.begin_sub_round(2)
    assert len(heard(handles[1])) == 1, "sub-rounds belong to one discussion"
    mechanism.begin_round(2, Random(2))
    assert heard(handles[1]) == []


def test_the_last_messages_can_be_asked_for() -> None:
    _, mechanism, handles = meet(3)
    for number in range(5):
        handles[0].step({"message": f"{number}", "recipient_id": "agent_2" if number == 4 else "all"})
    last = mechanism.visible_messages
    assert [message["content"] for message in last("agent_3", last=2)] == ["2", "3"]
    assert [message["content"] for message in last("agent_2", last=2)] == ["3", "4"]
    assert last("agent_3", last=0) == []
    assert len(last("agent_3", last=99)) == 4


def test_the_experimenter_sees_private_messages_and_every_cohort() -> None:
    chat, mechanism, handles = meet(4, group_size=2)
    assert GroupChatEnvironment().get_global_state()["round_messages"] == []
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    for cohort in mechanism.cohorts:
        first, second = cohort.members
        handles[int(first.removeprefix("agent_")) - 1].step({"message": "psst", "recipient_id": second})
    state = chat.get_global_state()
    assert len(state["round_messages"]) == 2
    assert sorted(state["cohorts"]) == ["cohort_1", "cohort_2"]
    assert state["current_topic"] == FRAME
