from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from market_agents.inference.structured import (
    MAX_ANSWER_CHARACTERS,
    Unreadable,
    read_answer,
    schema_in_words,
    wire_schema,
)
from tests.inference.doors import GOOD, Order

_BOUNDS = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "format",
    "default",
    "title",
    "multipleOf",
    "discriminator",
    "oneOf",
}


class Side(StrEnum):
    BID = "bid"
    ASK = "ask"


class Leg(BaseModel):
    side: Side = Field(default=Side.BID, description="Buy or sell.")
    price: Decimal = Field(gt=0, lt=100, multiple_of=1)


class Spread(BaseModel):
    kind: Literal["spread"]
    legs: list[Leg] = Field(min_length=1, max_length=2)
    main: Leg = Field(description="The leg that matters.")
    title: str | None = Field(default=None, pattern="^a")


class Hold(BaseModel):
    kind: Literal["hold"]
    default: float = Field(default=1.0, ge=0)


class Plan(BaseModel):
    act: Annotated[Spread | Hold, Field(discriminator="kind")]
    next: Plan | None = None


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema, itself included; names of properties are no keywords."""
    yield node
    for key in ("properties", "$defs"):
        for child in node.get(key, {}).values():
            yield from _nodes(child)
    for child in node.get("anyOf", []):
        yield from _nodes(child)
    if "items" in node:
        yield from _nodes(node["items"])


@pytest.mark.parametrize("schema", [Order, Leg, Spread, Plan])
def test_the_wire_schema_has_no_bounds_defaults_or_titles(schema: type[BaseModel]) -> None:
    for node in _nodes(wire_schema(schema)):
        assert not _BOUNDS & node.keys(), node


@pytest.mark.parametrize("schema", [Order, Leg, Spread, Plan])
def test_every_object_requires_all_its_properties_and_no_others(schema: type[BaseModel]) -> None:
    objects = [node for node in _nodes(wire_schema(schema)) if "properties" in node]
    assert objects
    for node in objects:
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False


def test_nested_definitions_are_strict_and_still_reached() -> None:
    wire = wire_schema(Plan)
    assert {"Spread", "Hold", "Leg", "Plan"} <= wire["$defs"].keys()
    assert wire["$defs"]["Leg"]["additionalProperties"] is False
    references = {node["$ref"].rpartition("/")[2] for node in _nodes(wire) if "$ref" in node}
    assert references <= wire["$defs"].keys()


def test_a_union_told_apart_by_a_field_stays_a_choice() -> None:
    act = wire_schema(Plan)["$defs"]["Plan"]["properties"]["act"]
    assert [choice["$ref"] for choice in act["anyOf"]] == ["#/$defs/Spread", "#/$defs/Hold"]


def test_nothing_stands_beside_a_reference() -> None:
    main = wire_schema(Spread)["properties"]["main"]
    assert main == {"description": "The leg that matters.", "anyOf": [{"$ref": "#/$defs/Leg"}]}
    for node in _nodes(wire_schema(Spread)):
        assert "$ref" not in node or node.keys() == {"$ref"}


def test_properties_may_be_named_like_keywords() -> None:
    assert "title" in wire_schema(Spread)["properties"]
    assert wire_schema(Hold)["properties"]["default"] == {"type": "number"}


def test_what_a_field_is_for_goes_over_the_wire() -> None:
    properties = wire_schema(Order)["properties"]
    assert properties["side"] == {
        "description": "What to do.",
        "enum": ["bid", "ask", "hold"],
        "type": "string",
    }


def test_the_end_of_a_thought_inside_an_answer_ends_nothing() -> None:
    answer = read_answer(GOOD.replace("cheap", "so</think>{}"), Order)
    assert answer.model_dump()["reason"] == "so</think>{}"


def test_the_schema_in_words_holds_the_wire_schema() -> None:
    words = schema_in_words(Order)
    assert "JSON" in words
    assert json.loads(words[words.index("{") :]) == wire_schema(Order)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\n",
        f"\ufeff{GOOD}",
        f" \ufeff {GOOD}",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"```JSON\n{GOOD}```",
        f"Here you are:\n```json\n{GOOD}\n```\nGood luck!",
        f"Sure, here is my answer:\n\n{GOOD}\n\nLet me know what you think!",
        f"{GOOD}\n\nI hope this helps.",
        f"```json\n{GOOD}",
        f'<think>They ask {{"price": 90}}. {{Hm.}}</think>\n\n{GOOD}',
        f"I {{perhaps}} bid.\n</think>\n```json\n{GOOD}\n```",
    ],
)
def test_one_object_is_read_through_what_surrounds_it(text: str) -> None:
    assert read_answer(text, Order) == Order(side="bid", price=99.5, quantity=1, reason="cheap")


_BAD = {
    "empty": "",
    "blank": " \n\t",
    "bom_alone": "\ufeff",
    "prose": "I would rather wait and see what the others do.",
    "trailing_comma": GOOD[:-1] + ",}",
    "two_objects": f"{GOOD}\n{GOOD}",
    "list": f"[{GOOD}]",
    "null": "null",
    "true": "true",
    "text": '"bid"',
    "megabyte_brace": "{" * 1_000_000,
    "braces_within_the_cap": "{" * 99_000,
    "closing_braces": "}" * 99_000,
    "deep_100000": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep_within_the_cap": '{"a":' * 15_000 + "1" + "}" * 15_000,
    "deep_lists_within_the_cap": '{"price":' + "[" * 45_000 + "]" * 45_000 + "}",
    "digits_5000": GOOD.replace("99.5", "7" * 5000),
    "digits_5000_for_an_integer": GOOD.replace(" 1,", " " + "7" * 5000 + ","),
    "digits_19": GOOD.replace(" 1,", " 9999999999999999999,"),
    "wrong_enum": GOOD.replace('"bid"', '"steal"'),
    "missing_field": '{"side": "bid", "quantity": 1}',
    "extra_field": GOOD[:-1] + ', "sender": "agent_2"}',
    "number_as_string": GOOD.replace("99.5", '"99.5"'),
    "boolean_price": GOOD.replace("99.5", "true"),
    "null_price": GOOD.replace("99.5", "null"),
    "nan": GOOD.replace("99.5", "NaN"),
    "infinity": GOOD.replace("99.5", "Infinity"),
    "minus_infinity": GOOD.replace("99.5", "-Infinity"),
    "huge_exponent": GOOD.replace("99.5", "1e400"),
    "grammar_accident": GOOD.replace("99.5", "95262e5670"),
    "negative": GOOD.replace("99.5", "-1"),
    "half_a_unit": GOOD.replace(" 1,", " 1.5,"),
    "too_many": GOOD.replace(" 1,", " 11,"),
    "lone_surrogate": GOOD.replace("cheap", "\ud800"),
    "escaped_lone_surrogate": GOOD.replace("cheap", "\\ud800"),
    "nul_inside": GOOD.replace("cheap", "\x00"),
    "open_fence_and_blanks": "```" + " " * 99_000,
    "open_fence_and_line_ends": "```json" + "\n" * 99_000 + "x",
    "many_fences": "```" * 33_000,
    "html": "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
}


@pytest.mark.parametrize("name", _BAD)
def test_a_bad_answer_is_a_finding_in_one_short_line_and_found_fast(name: str) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable) as caught:
        read_answer(_BAD[name], Order)
    # Fifty milliseconds are promised; the rest is for a slow machine. What grows with the square takes far longer.
    assert time.process_time() - started < 2
    said = str(caught.value)
    assert 0 < len(said) <= 500
    assert said.isprintable()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("empty", "empty"),
        ("wrong_enum", "side"),
        ("missing_field", "price"),
        ("extra_field", "sender"),
        ("boolean_price", "price"),
        ("half_a_unit", "quantity"),
        ("nan", "price"),
        ("megabyte_brace", "1000000 characters"),
    ],
)
def test_a_finding_tells_what_to_mend(name: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read_answer(_BAD[name], Order)


class Loose(BaseModel):
    """A user's own schema, without a thought about types or bounds."""

    price: float
    levels: dict[str, list[float]] = {}


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "1e400", "true", '"12"', '"NaN"'])
def test_a_loose_schema_gets_finite_numbers_all_the_same(price: str) -> None:
    with pytest.raises(Unreadable):
        read_answer(f'{{"price": {price}}}', Loose)


def test_a_number_inside_a_nested_value_is_finite_too() -> None:
    with pytest.raises(Unreadable, match="finite"):
        read_answer('{"price": 1, "levels": {"a": [1, 1e999]}}', Loose)


@pytest.mark.parametrize("price", ["1", "1.0", "1e2", "0", "-3.5"])
def test_a_whole_number_is_a_price(price: str) -> None:
    assert read_answer(f'{{"price": {price}}}', Loose) == Loose(price=float(price))


def test_an_enumeration_and_a_decimal_are_read_from_json() -> None:
    assert read_answer('{"side": "ask", "price": 12}', Leg) == Leg(side=Side.ASK, price=Decimal(12))


def test_an_escaped_nul_does_not_reach_the_value() -> None:
    answer = read_answer(GOOD.replace("cheap", r"a\u0000b"), Order)
    assert answer == Order(side="bid", price=99.5, quantity=1, reason="a\ufffdb")


def test_an_escaped_backslash_before_u0000_is_left_alone() -> None:
    answer = read_answer(GOOD.replace("cheap", r"a\\u0000b"), Order)
    assert isinstance(answer, Order)
    assert answer.reason == r"a\u0000b"


def test_an_answer_at_the_cap_is_read() -> None:
    padded = GOOD + " " * (MAX_ANSWER_CHARACTERS - len(GOOD))
    assert read_answer(padded, Order) == read_answer(GOOD, Order)
    with pytest.raises(Unreadable, match="at most 100000"):
        read_answer(padded + " ", Order)


def test_a_finding_cannot_smuggle_line_ends_or_escapes() -> None:
    class Talkative(BaseModel):
        word: str

        @field_validator("word")
        @classmethod
        def _refuse(cls, word: str) -> str:
            raise ValueError(f"I dislike {word}")

    with pytest.raises(Unreadable) as caught:
        read_answer(json.dumps({"word": "a\nb\x1b[31mc" + "d" * 1000}), Talkative)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 500


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=300))
def test_any_text_is_a_value_or_a_finding(text: str) -> None:
    _read_or_refuse(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["side", "price", "quantity", "reason", "x"]), inner, max_size=5)
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(_JSON, st.sampled_from(["{}", "```json\n{}\n```", "Well: {}", "{} {}", "\ufeff{}"]))
def test_any_json_in_any_wrapping_is_a_value_or_a_finding(value: object, wrapping: str) -> None:
    _read_or_refuse(wrapping.replace("{}", json.dumps(value)))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]"\\`:,.-+ein0123456789uspricebd\ufeff\x00\n ', max_size=120))
def test_any_scrap_of_json_is_a_value_or_a_finding(text: str) -> None:
    _read_or_refuse(text)


def _read_or_refuse(text: str) -> None:
    try:
        answer = read_answer(text, Order)
    except Unreadable as finding:
        assert 0 < len(str(finding)) <= 500  # noqa: PT017  (either way is right)
    else:
        assert isinstance(answer, Order)
        assert 0 <= answer.price <= 1000
        assert "\x00" not in answer.reason
