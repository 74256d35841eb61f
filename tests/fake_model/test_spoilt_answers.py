"""Faults in the answer: each is spoilt as it is named."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fake_model.client import Caller, Order, one_entry
from tests.rig.fake_model_client import FakeModel


def fenced(text: str) -> bool:
    return text.startswith("```json\n{") and text.endswith("}\n```")


def with_depth(text: str) -> bool:
    with pytest.raises(RecursionError):
        json.loads(text)
    return True


def with_digits(text: str) -> bool:
    with pytest.raises(ValueError, match="digits"):
        json.loads(text)
    return text.count("7") >= 5000


def with_trailing_comma(text: str) -> bool:
    Order.model_validate_json(text.removesuffix(",}") + "}")
    return text.endswith(",}")


MALFORMED: dict[str, Callable[[str], bool]] = {
    "fenced": fenced,
    "prose": lambda text: "{" in text and not text.startswith("{") and not text.endswith("}"),
    "plain_prose": lambda text: len(text) > 10 and "{" not in text,
    "trailing_comma": with_trailing_comma,
    "two_objects": lambda text: len({*text.splitlines()}) == 1 and len(text.splitlines()) == 2,
    "list": lambda text: isinstance(json.loads(text), list),
    "null": lambda text: json.loads(text) is None,
    "bom": lambda text: text.startswith("\ufeff{"),
    "megabyte_brace": lambda text: text == "{" * 1_000_000,
    "deep_100000": with_depth,
    "digits_5000": with_digits,
    "empty": lambda text: not text,
}


@pytest.mark.parametrize("body", MALFORMED)
async def test_malformed_answers(ask: Caller, fake_model: FakeModel, body: str) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body, "first": 1}])
    text = await ask.content()
    assert MALFORMED[body](text)
    with pytest.raises(ValidationError):
        Order.model_validate_json(text)
    entry = one_entry(fake_model)
    assert (entry["status"], entry["paid"], entry["sent_whole"]) == (200, True, True)
    Order.model_validate_json(await ask.content())


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [("html", "text/html", "<!DOCTYPE html>"), ("not_json", "application/json", "upstream")],
)
async def test_malformed_replies_that_are_no_completion(
    ask: Caller, fake_model: FakeModel, body: str, content_type: str, text: str
) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body}])
    raw = await ask.client.chat.completions.with_raw_response.create(model="m", messages=[])
    assert raw.headers["content-type"].startswith(content_type)
    assert raw.text.startswith(text)


async def test_truncated_answer_breaks_off_or_even_parses(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "truncate", "first": 1}, {"kind": "truncate", "cut": 1}])
    answer = (await ask()).choices[0]
    assert answer.finish_reason == "length"
    assert answer.message.content
    # The second rule matched too, and left whole what the first had cut.
    with pytest.raises(ValidationError):
        Order.model_validate_json(answer.message.content)
    answer = (await ask()).choices[0]
    assert answer.finish_reason == "length"
    Order.model_validate_json(answer.message.content or "")


async def test_refusal_and_content_filter(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "refusal"}])
    message = (await ask()).choices[0].message
    assert message.content is None
    assert message.refusal
    fake_model.set_faults([{"kind": "content_filter"}])
    choice = (await ask()).choices[0]
    assert choice.finish_reason == "content_filter"
    assert not choice.message.content


async def test_wrong_model_is_named(ask: Caller, fake_model: FakeModel) -> None:
    assert (await ask()).model == "fake-model"
    fake_model.set_faults([{"kind": "wrong_model", "model": "cheap-model"}])
    assert (await ask()).model == "cheap-model"


async def test_spoilt_usage(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "usage_missing"}])
    assert (await ask()).usage is None
    fake_model.set_faults([{"kind": "usage_nan"}])
    usage = (await ask()).usage
    assert usage is not None
    assert math.isnan(usage.prompt_tokens)
    fake_model.set_faults([{"kind": "usage_negative"}])
    usage = (await ask()).usage
    assert usage is not None
    assert usage.completion_tokens < 0


FIELD_FAULTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "enum_wrong": lambda value: value["action"] not in {"bid", "ask", "hold"} and len(value) == 4,
    "missing_field": lambda value: len(value) == 3,
    "extra_field": lambda value: len(value) == 5,
    "number_as_string": lambda value: isinstance(value["price"], str) and 60 <= float(value["price"]) <= 140,
    "boolean_price": lambda value: value["price"] is True,
    "huge_price": lambda value: value["price"] == math.inf,
}


@pytest.mark.parametrize("kind", FIELD_FAULTS)
async def test_field_faults(ask: Caller, fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}])
    assert FIELD_FAULTS[kind](json.loads(await ask.content()))
    plain = await ask.content(response_format={"type": "text"})
    assert "{" not in plain
    assert [entry["faults"] for entry in fake_model.ledger()] == [[kind], []]


async def test_huge_price_is_written_as_a_number(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "huge_price"}])
    assert '"price": 95262e5670' in await ask.content()


async def test_faults_reach_the_arguments_of_a_call(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": "fenced"}])
    tools = [{"type": "function", "function": {"name": "f", "parameters": Order.model_json_schema()}}]
    answer = await ask(tools=tools, tool_choice="required", response_format={"type": "text"})
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert fenced(call.function.arguments)
