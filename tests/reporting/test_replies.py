"""Who answered whom, rule by rule."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.reporting import Reply, Talk, reply_network
from tests.reporting.talks import members, talk


def arrows(one: Talk) -> list[tuple[str, str, str, int]]:
    """Sender, receiver, reason and count, ids without their common beginning."""
    return [
        (reply.sender_id[6:], reply.receiver_id[6:], reason, getattr(reply, reason))
        for reply in reply_network(one).replies
        for reason in ("direct", "mention", "previous")
        if getattr(reply, reason)
    ]


def test_a_private_message_answers_its_recipient_whomever_it_names() -> None:
    assert arrows(talk((1, "1", "Tell agent_3, Cleo", "2"))) == [("1", "2", "direct", 1)]


def test_a_note_to_oneself_answers_nobody() -> None:
    one = talk((1, "1", "hm", "1"))
    assert arrows(one) == []
    assert reply_network(one).unlinked == 1


@pytest.mark.parametrize(
    "words",
    [
        "agent_2, what do you say?",
        "I agree with AGENT_2.",
        "ben c., yes",
        "Ben is right",
        "(Ben C.)",
        "Ben’s price",
    ],
)
def test_a_message_that_names_a_member_answers_that_member(words: str) -> None:
    assert arrows(talk((1, "3", "hm"), (2, "1", words))) == [("1", "2", "mention", 1)]


@pytest.mark.parametrize(
    "words", ["agent_22", "agent 2", "I have been there", "ben", "Benny", "agent_1 speaking"]
)
def test_what_only_looks_like_a_name_is_none(words: str) -> None:
    assert arrows(talk((1, "1", words))) == []


def test_a_message_answers_each_member_it_names_once() -> None:
    said = "Ben, Cleo and agent_2: agent_3 and Ben may both listen"
    assert arrows(talk((1, "1", said))) == [("1", "2", "mention", 1), ("1", "3", "mention", 1)]


def test_a_first_name_that_two_share_names_neither() -> None:
    assert arrows(talk((1, "1", "Ben is right"), members=members(4))) == []
    assert arrows(talk((1, "1", "Ben E. is right"), members=members(4))) == [("1", "4", "mention", 1)]


def test_in_turn_the_message_before_is_answered() -> None:
    one = talk((1, "1", "a"), (1, "2", "b"), (1, "1", "c"), (1, "1", "d"), in_turn=True)
    assert arrows(one) == [("1", "2", "previous", 2), ("2", "1", "previous", 1)]
    assert reply_network(one).unlinked == 1


def test_at_the_same_time_nobody_has_heard_this_sub_round() -> None:
    one = talk((1, "1", "a"), (1, "2", "b"), (2, "3", "c"), (2, "2", "d"), (2, "1", "e"))
    assert arrows(one) == [("1", "2", "previous", 1), ("2", "1", "previous", 1), ("3", "2", "previous", 1)]
    assert reply_network(one).unlinked == 2


def test_what_was_said_to_others_in_private_is_not_answered() -> None:
    said = ((1, "1", "a"), (1, "2", "psst", "1"))
    assert arrows(talk(*said, (1, "3", "c"), in_turn=True))[-1] == ("3", "1", "previous", 1)
    assert ("1", "2", "previous", 1) in arrows(talk(*said, (1, "1", "c"), in_turn=True))


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from("1234"), st.sampled_from(["", "1", "2", "3", "4"]))
    ),
    st.booleans(),
)
def test_the_quick_way_finds_what_looking_back_finds(
    lines: list[tuple[int, str, str]], in_turn: bool
) -> None:
    lines = sorted((line for line in lines if line[1] != line[2]), key=lambda line: line[0])
    said = [(turn, who, "hm", to) if to else (turn, who, "hm") for turn, who, to in lines]
    one = talk(*said, members=members(4), in_turn=in_turn)
    expected: Counter[tuple[str, str]] = Counter()
    for index, message in enumerate(one.messages):
        if message.recipient_id != "all":
            continue
        for earlier in reversed(one.messages[:index]):
            seen = earlier.recipient_id in {"all", message.sender_id}
            heard = in_turn or earlier.sub_round < message.sub_round
            if seen and heard and earlier.sender_id != message.sender_id:
                expected[message.sender_id, earlier.sender_id] += 1
                break
    found = {
        (reply.sender_id, reply.receiver_id): reply.previous
        for reply in reply_network(one).replies
        if reply.previous
    }
    assert found == dict(expected)


def test_density_and_reciprocity() -> None:
    one = reply_network(talk((1, "1", "Ben"), (1, "2", "Ada"), (1, "3", "Ada")))
    assert one.density == pytest.approx(3 / 6)
    assert one.reciprocity == pytest.approx(2 / 3)
    silent = reply_network(talk())
    assert (silent.replies, silent.density, silent.reciprocity) == ((), 0.0, None)
    assert reply_network(talk(members=members(1))).density is None


def test_a_reply_counts_all_its_reasons() -> None:
    one = talk((1, "1", "x", "2"), (1, "1", "Ben?"), (1, "2", "a"), (1, "1", "b"), in_turn=True)
    [reply] = [reply for reply in reply_network(one).replies if reply.sender_id == "agent_1"]
    assert reply == Reply("agent_1", "agent_2", direct=1, mention=1, previous=1)
    assert reply.messages == 3


def test_ten_thousand_messages_take_no_time() -> None:
    said = [(1, str(number % 2000 + 1), "agent_17 and Zoe 99 know") for number in range(10_000)]
    one = talk(*said, members=members(2000))
    started = time.process_time()
    network = reply_network(one)
    assert time.process_time() - started < 2
    assert sum(reply.mention for reply in network.replies) == 2 * 10_000 - 10
