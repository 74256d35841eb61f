from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from market_agents.agents.schemas import (
    MOST_MONEY,
    MOST_UNITS,
    Answer,
    AuctionAction,
    BookAction,
    ChatMessage,
    Perception,
    Reflection,
    TopicProposal,
)
from market_agents.inference.structured import Unreadable, read_answer, wire_schema

GOOD: dict[type[Answer], dict[str, Any]] = {
    AuctionAction: {"reasoning": "cheap", "action": "bid", "price": 99.5, "quantity": 2},
    BookAction: {"reasoning": "now", "action": "bid", "price": 0.0, "quantity": 2, "order": "market"},
    ChatMessage: {"message": "hello", "recipient_id": "all", "sentiment": "neutral"},
    Perception: {
        "monologue": "calm",
        "key_observations": ["one", "two"],
        "strategy": "wait",
        "confidence": 0.5,
    },
    Reflection: {
        "reflection": "fine",
        "self_critique": "slow",
        "self_reward": 0.5,
        "strategy_update": "wait",
    },
    TopicProposal: {"topic": "A fair price"},
}
FIELDS = [(schema, field) for schema, answer in GOOD.items() for field in answer]
WRONG_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", '"12"', "true", "null", "[1]", "-1", "{}"]


def text(schema: type[Answer], **changes: Any) -> str:
    return json.dumps(GOOD[schema] | changes)


def with_raw(schema: type[Answer], field: str, raw: str) -> str:
    """A good answer with one value as written, JSON or not."""
    return text(schema, **{field: "@"}).replace('"@"', raw)


@pytest.mark.parametrize("schema", GOOD, ids=lambda schema: schema.__name__)
def test_a_complete_answer_is_read(schema: type[Answer]) -> None:
    assert read_answer(text(schema), schema).model_dump() == GOOD[schema]


@pytest.mark.parametrize(("schema", "field"), FIELDS)
def test_a_missing_field_is_named(schema: type[Answer], field: str) -> None:
    answer = {key: value for key, value in GOOD[schema].items() if key != field}
    with pytest.raises(Unreadable, match=f"{field}: Field required"):
        read_answer(json.dumps(answer), schema)


@pytest.mark.parametrize("schema", GOOD, ids=lambda schema: schema.__name__)
@pytest.mark.parametrize("extra", ["agent_id", "sender_id", "round", "note"])
def test_no_field_more_is_taken(schema: type[Answer], extra: str) -> None:
    with pytest.raises(Unreadable, match=f"{extra}: Extra inputs are not permitted"):
        read_answer(text(schema, **{extra: "agent_2"}), schema)


@pytest.mark.parametrize("raw", WRONG_NUMBERS)
@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (AuctionAction, "price"),
        (AuctionAction, "quantity"),
        (Perception, "confidence"),
        (Reflection, "self_reward"),
    ],
)
def test_what_is_no_number_in_bounds_is_refused(schema: type[Answer], field: str, raw: str) -> None:
    with pytest.raises(Unreadable):
        read_answer(with_raw(schema, field, raw), schema)


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("quantity", "1.5"),
        ("quantity", "2.0"),
        ("quantity", str(2**63)),
        ("quantity", str(MOST_UNITS + 1)),
        ("quantity", "9" * 5_000),
        ("price", "1e308"),
        ("price", str(2 * MOST_MONEY)),
        ("action", '"buy"'),
        ("action", '"BID"'),
        ("action", '"bid "'),
        ("action", "true"),
        ("reasoning", "7"),
        ("reasoning", "null"),
    ],
)
def test_an_order_out_of_bounds_is_refused(field: str, raw: str) -> None:
    with pytest.raises(Unreadable, match=f"^{field}:|number"):
        read_answer(with_raw(AuctionAction, field, raw), AuctionAction)


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("price", "0", 0.0),
        ("price", "99", 99.0),
        ("price", "1e9", MOST_MONEY),
        ("quantity", str(MOST_UNITS), MOST_UNITS),
        ("action", '"hold"', "hold"),
        ("action", '"cancel"', "cancel"),
        ("reasoning", '""', ""),
    ],
)
def test_an_order_within_bounds_is_read(field: str, raw: str, value: object) -> None:
    assert getattr(read_answer(with_raw(AuctionAction, field, raw), AuctionAction), field) == value


@pytest.mark.parametrize("raw", ['"happy"', "null", "1", '["neutral"]'])
def test_a_tone_is_one_of_three(raw: str) -> None:
    with pytest.raises(Unreadable, match="sentiment"):
        read_answer(with_raw(ChatMessage, "sentiment", raw), ChatMessage)


@pytest.mark.parametrize("raw", ["null", "[]", "7", "true"])
def test_a_recipient_is_a_text(raw: str) -> None:
    with pytest.raises(Unreadable, match="recipient_id"):
        read_answer(with_raw(ChatMessage, "recipient_id", raw), ChatMessage)


def test_silence_is_a_message_and_no_topic() -> None:
    silent = read_answer(text(ChatMessage, message=""), ChatMessage)
    assert isinstance(silent, ChatMessage)
    assert silent.message == ""
    with pytest.raises(Unreadable, match="topic"):
        read_answer(text(TopicProposal, topic=""), TopicProposal)


@pytest.mark.parametrize("raw", ['"one"', "[1]", "[null]", '{"a": "b"}'])
def test_observations_are_a_list_of_texts(raw: str) -> None:
    with pytest.raises(Unreadable, match="key_observations"):
        read_answer(with_raw(Perception, "key_observations", raw), Perception)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12", True, -0.5])
def test_python_values_are_as_strict(value: object) -> None:
    with pytest.raises(ValidationError, match="price"):
        AuctionAction.model_validate(GOOD[AuctionAction] | {"price": value})


def test_an_answer_does_not_change() -> None:
    answer = AuctionAction(**GOOD[AuctionAction])
    with pytest.raises(ValidationError, match="frozen"):
        answer.price = 1.0


@pytest.mark.parametrize("schema", GOOD, ids=lambda schema: schema.__name__)
def test_a_model_is_told_every_field_in_words(schema: type[Answer]) -> None:
    properties = wire_schema(schema)["properties"]
    assert list(properties) == list(GOOD[schema])
    assert all(described["description"].endswith((".", "one")) for described in properties.values())
    assert wire_schema(schema)["additionalProperties"] is False


@pytest.mark.parametrize("schema", GOOD, ids=lambda schema: schema.__name__)
def test_no_answer_can_say_who_gives_it(schema: type[Answer]) -> None:
    assert not {"agent_id", "sender_id", "round", "agent"} & set(schema.model_fields)
