from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.inference import Usage
from market_agents.inference.asks import Completion
from market_agents.inference.providers.replies import ErrorReply, read_completion
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import request
from tests.inference.served import reply

ASKED = request("x" * 400)
FINE = {"role": "assistant", "content": "Fine."}


def read(body: Any) -> Completion:
    return read_completion(body if isinstance(body, str) else json.dumps(body), ASKED)


def test_a_reply_is_read() -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}
    assert read(reply(FINE, usage=usage)) == Completion("Fine.", "m", "stop", Usage(90, 7, 64))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html></html>",
        "null",
        "[]",
        "12",
        '"text"',
        "{",
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"choices": ' + "7" * 5000 + "}",
        {},
        {"error": {"message": "overloaded"}},
        {"error": {"message": "overloaded", "code": "server_error"}},
        {"error": {"message": "overloaded", "code": 200}},
        {"error": "overloaded"},
        reply(FINE, choices=None),
        reply(FINE, choices=[]),
        reply(FINE, choices=[None]),
        reply(FINE, choices="abc"),
        reply(FINE, choices={"0": FINE}),
        reply(FINE, choices=[{}]),
        reply(None),
        reply("Fine."),
        reply([FINE]),
        reply({}),
    ],
)
def test_a_body_without_a_message_is_garbled(body: Any) -> None:
    with pytest.raises(AttemptFailed) as caught:
        read(body)
    assert caught.value.verdict is Verdict.GARBLED
    assert caught.value.reason.startswith("a reply ")


@pytest.mark.parametrize("content", [None, 12, ["Fine."], {"text": "Fine."}, True])
def test_content_that_is_no_text_is_empty(content: Any) -> None:
    assert read(reply({"role": "assistant", "content": content})).text == ""


@pytest.mark.parametrize("strange", [None, 12, ["m"], {}])
def test_names_that_are_no_text_are_empty(strange: Any) -> None:
    choice = {"message": FINE, "finish_reason": strange}
    found = read(reply(FINE, model=strange, choices=[choice]))
    assert (found.model, found.finish_reason) == ("", "")


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        ([{"type": "function", "function": {"name": "Order", "arguments": "{}"}}], "{}"),
        ([{"function": {"name": "a", "arguments": "1"}}, {"function": {"arguments": "2"}}], "1"),
        ([None, {"function": {"arguments": "2"}}], "2"),
        ([{"function": {"name": "Order", "arguments": None}}], ""),
        ([{"type": "custom", "custom": {"input": "x"}}], "Fine."),
        ([], "Fine."),
        (None, "Fine."),
        ("call", "Fine."),
        ({"function": {"arguments": "2"}}, "Fine."),
    ],
)
def test_the_first_function_call_is_the_answer(calls: Any, text: str) -> None:
    assert read(reply({**FINE, "tool_calls": calls})).text == text


@pytest.mark.parametrize(
    ("refusal", "found"), [("No.", "No."), ("", None), (None, None), (False, None), (["No."], None)]
)
def test_a_refusal_is_a_text(refusal: Any, found: str | None) -> None:
    assert read(reply({**FINE, "refusal": refusal})).refusal == found


@pytest.mark.parametrize(
    ("usage", "answer"),
    [
        ({"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 97}, 7),
        ({"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 397}, 307),
        ({"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 0}, 7),
        ({"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": float("inf")}, 7),
        ({"prompt_tokens": "90", "completion_tokens": 7, "total_tokens": 397}, 7),
    ],
)
def test_what_is_in_the_total_alone_is_paid_for_too(usage: dict[str, Any], answer: int) -> None:
    assert read(reply(FINE, usage=usage)).usage.completion_tokens == answer


def test_content_in_parts_is_joined_without_thoughts() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thought, {"type": "text", "text": "Fi"}, {"type": "text", "text": "ne."}, {"type": "image_url"}]
    assert read(reply({"role": "assistant", "content": parts})).text == "Fine."


def test_the_choice_that_is_numbered_0_counts() -> None:
    other = {"index": 1, "message": {"content": "Other."}, "finish_reason": "stop"}
    assert read(reply(FINE, choices=[other, *reply(FINE)["choices"]])).text == "Fine."


@pytest.mark.parametrize("code", [429, "502"])
def test_an_error_with_a_status_of_its_own_is_told_by_it(code: Any) -> None:
    with pytest.raises(ErrorReply, match="overloaded") as caught:
        read({"error": {"message": "overloaded", "code": code}})
    assert caught.value.status == int(code)


def test_an_answer_that_the_provider_broke_off_is_none() -> None:
    choice = {"message": {"role": "assistant", "content": ""}, "finish_reason": "error"}
    with pytest.raises(AttemptFailed, match="an error of the provider"):
        read(reply(FINE, choices=[choice]))


@pytest.mark.parametrize(
    "count", [None, -1, float("nan"), float("inf"), float("-inf"), 1e9, 10**30, True, "90", [90], {}]
)
def test_a_count_that_is_none_is_estimated(count: Any) -> None:
    found = read(reply(FINE, usage={"prompt_tokens": count, "completion_tokens": count})).usage
    assert found == Usage(prompt_tokens=100, completion_tokens=1)


@pytest.mark.parametrize("usage", [None, [], "many", 12, {}])
def test_usage_that_is_none_is_estimated(usage: Any) -> None:
    assert read(reply(FINE, usage=usage)).usage == Usage(prompt_tokens=100, completion_tokens=1)


@pytest.mark.parametrize(
    ("details", "cached"),
    [(None, 0), (5, 0), ({}, 0), ({"cached_tokens": -1}, 0), ({"cached_tokens": 500}, 90)],
)
def test_no_more_tokens_are_cached_than_were_sent(details: Any, cached: int) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 7, "prompt_tokens_details": details}
    assert read(reply(FINE, usage=usage)).usage == Usage(90, 7, cached)


def test_a_lone_surrogate_does_not_cost_the_reply() -> None:
    assert read(json.dumps(reply({"content": "a\ud800b"}))).text == "a\ud800b"


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "usage",
                    "prompt_tokens",
                    "tool_calls",
                    "function",
                    "arguments",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_ANY, _ANY, _ANY)
def test_a_reply_of_any_shape_is_read_or_refused(message: Any, usage: Any, choices: Any) -> None:
    for body in (reply(message, usage=usage), reply(FINE, choices=choices, usage=usage), choices):
        try:
            found = read(body)
        except AttemptFailed:
            continue
        assert isinstance(found.text, str)
        assert found.usage.prompt_tokens >= found.usage.cached_tokens >= 0
        assert found.usage.completion_tokens >= 0
