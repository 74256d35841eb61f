"""ACL messages: the words of the protocol, and what comes from outside made safe."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from market_agents.agents.protocols.acl_message import FIPA_SYNONYMS, ACLMessage, Performative


def message(**changes: Any) -> ACLMessage:
    return ACLMessage.model_validate({"sender": "ann", "receiver": "bob", "content": "Hello", **changes})


@pytest.mark.parametrize("performative", list(Performative))
def test_a_performative_equals_its_plain_name(performative: Performative) -> None:
    assert message(performative=performative.value).performative is performative
    assert performative == performative.value
    assert message(performative=performative.value.upper()).performative is performative


@pytest.mark.parametrize(
    ("synonym", "performative"),
    [
        ("accept-proposal", "accept"),
        ("reject-proposal", "reject"),
        ("query-if", "query"),
        ("query-ref", "query"),
        ("inform-if", "inform"),
        ("inform-ref", "inform"),
        ("Accept-Proposal", "accept"),
        ("accept_proposal", "accept"),
        ("cfp", "query"),
        ("call-for-proposal", "query"),
        ("confirm", "inform"),
        ("failure", "inform"),
        ("request-when", "request"),
        ("subscribe", "request"),
    ],
)
def test_the_words_of_fipa_are_understood(synonym: str, performative: str) -> None:
    assert message(performative=synonym).performative == performative


def test_no_synonym_hides_a_performative() -> None:
    assert not FIPA_SYNONYMS.keys() & {performative.value for performative in Performative}


@pytest.mark.parametrize(
    "performative",
    ["", "shout", "in form", "cancel", "not-understood", "proxy", None, 1, True, ["inform"], {"inform": 1}],
)
def test_other_performatives_are_refused_with_the_known_ones(performative: object) -> None:
    with pytest.raises(ValidationError, match=r"performative\n.*'inform', 'query', 'propose'"):
        message(performative=performative)


def test_what_is_left_out_has_its_default() -> None:
    plain = message()
    assert plain.performative == "inform"
    assert plain.conversation_id is plain.reply_with is plain.in_reply_to is None


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ""},
        {"receiver": ""},
        {"receiver": ["bob", "cid"]},
        {"receiver": "b" * 201},
        {"sender": 7},
        {"content": None},
        {"content": b"bytes"},
        {"conversation_id": ""},
        {"sender_id": "eve"},
    ],
)
def test_a_malformed_message_cannot_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        message(**changes)


def test_a_message_cannot_be_changed_once_it_is_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        message().sender = "eve"


@pytest.mark.parametrize(
    "field", ["sender", "receiver", "content", "conversation_id", "reply_with", "in_reply_to"]
)
def test_what_no_database_can_hold_is_replaced(field: str) -> None:
    made = message(**{field: "a\x00b\ud800c\udfffd"})
    assert made.model_dump()[field] == "a\ufffdb\ufffdc\ufffdd"


@given(st.text(st.characters(codec=None)))
def test_every_text_can_be_sent_and_read_back(content: str) -> None:
    made = message(content=content)
    assert ACLMessage.model_validate_json(made.model_dump_json()) == made
    assert len(made.content) == len(content)
    made.content.encode()


def test_a_message_as_json_carries_plain_names() -> None:
    told = json.loads(message(performative="query-if", reply_with="q1").model_dump_json(exclude_none=True))
    assert told == {
        "sender": "ann",
        "receiver": "bob",
        "content": "Hello",
        "performative": "query",
        "reply_with": "q1",
    }
