"""Reads a chat completion of any shape: servers send what they like under HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.embeddings import packed
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.plain_text import one_line

LONGEST_VECTOR = 16_384
"""Numbers of a vector that are read."""

LARGEST_PART = 1e30
"""A vector holds nothing as large; NaN and infinity are no numbers at all."""

_BROKEN_OFF = "error"
_NOTHING: Mapping[str, Any] = {}


class ErrorReply(AttemptFailed):
    """An error that came under HTTP 200, as gateways to other providers send them.

    Args:
        status: the HTTP status that it would have had by itself.
        said: the error, as JSON.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(Verdict.GARBLED, f"a reply that is an error: {one_line(said, 200)}")
        self.status = status
        self.said = said


def read_completion(body: str, request: Request) -> Completion:
    """The completion that a reply's body holds; what is missing or of a wrong type is taken as empty.

    Raises:
        ErrorReply: the body is an error with a status of its own.
        AttemptFailed: the body is no JSON, or holds no message; another attempt may do better.
    """
    try:
        # The standard library's reader takes lone surrogates, which some servers send.
        reply = _mapping(json.loads(body))
    except (ValueError, RecursionError):
        raise AttemptFailed(Verdict.GARBLED, "a reply that is no JSON") from None
    choice = _first_choice(reply.get("choices"))
    message = _mapping(choice.get("message"))
    if not message:
        raise _without_message(_mapping(reply.get("error")))
    text, finish = _answer(message), _text(choice.get("finish_reason"))
    if finish == _BROKEN_OFF and not text:
        raise AttemptFailed(Verdict.GARBLED, "a reply that ends in an error of the provider")
    return Completion(
        text=text,
        model=_text(reply.get("model")),
        finish_reason=finish,
        usage=_usage(_mapping(reply.get("usage")), request, text),
        refusal=_text(message.get("refusal")) or None,
    )


def read_embeddings(body: str, request: Request) -> Completion:
    """The vectors of a reply, one for each text, packed as the journal keeps them.

    Raises:
        AttemptFailed: no JSON, another number of vectors than of texts, or something else than numbers in them.
    """
    try:
        reply = _mapping(json.loads(body))
    except (ValueError, RecursionError):
        raise AttemptFailed(Verdict.GARBLED, "a reply that is no JSON") from None
    found = reply.get("data")
    items = [_mapping(item) for item in found] if isinstance(found, list) else []
    vectors = [item.get("embedding") for item in sorted(items, key=lambda item: _count(item.get("index"), 0))]
    if len(vectors) != len(request.messages) or not all(map(_is_vector, vectors)):
        raise AttemptFailed(Verdict.GARBLED, "a reply without one vector of numbers for each text")
    if len({len(vector) for vector in vectors if isinstance(vector, list)}) > 1:
        raise AttemptFailed(Verdict.GARBLED, "a reply with vectors of different lengths")
    usage = _usage(_mapping(reply.get("usage")), request, "")
    return Completion(
        text=packed([vector for vector in vectors if isinstance(vector, list)]),
        model=_text(reply.get("model")),
        finish_reason="stop",
        usage=Usage(prompt_tokens=usage.prompt_tokens, cached_tokens=usage.cached_tokens),
    )


def _first_choice(choices: object) -> Mapping[str, Any]:
    """The choice that is numbered 0, wherever it stands; else the one that stands first."""
    found = [_mapping(choice) for choice in choices] if isinstance(choices, list) else []
    return next((choice for choice in found if choice.get("index") == 0), found[0] if found else _NOTHING)


def _without_message(error: Mapping[str, Any]) -> AttemptFailed:
    """What a reply means that is no answer."""
    code = str(error.get("code"))
    if code.isascii() and code.isdigit() and len(code) == 3 and int(code) >= 400:
        return ErrorReply(int(code), json.dumps(error)[:2000])
    told = one_line(_text(error.get("message")), 200)
    return AttemptFailed(Verdict.GARBLED, f"a reply without a message{': ' if told else ''}{told}")


def _is_vector(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= LONGEST_VECTOR
        and all(
            isinstance(part, int | float) and not isinstance(part, bool) and abs(part) < LARGEST_PART
            for part in value
        )
    )


def _answer(message: Mapping[str, Any]) -> str:
    """The arguments of the first function call; the content where there is no call."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = _mapping(_mapping(call).get("function"))
        if function:
            return _text(function.get("arguments"))
    return _in_parts(message.get("content"))


def _in_parts(content: object) -> str:
    """A message's text; what some servers send in parts is joined, thoughts left out."""
    if not isinstance(content, list):
        return _text(content)
    parts = [_mapping(part) for part in content]
    return "".join(_text(part.get("text")) for part in parts if part.get("type") == "text")


def _usage(told: Mapping[str, Any], request: Request, text: str) -> Usage:
    prompt = _count(told.get("prompt_tokens"), request.estimated_tokens)
    answer = _count(told.get("completion_tokens"), len(text) // 4)
    if _count(told.get("prompt_tokens"), -1) >= 0:
        # Some count what a model thought in the total alone, and charge for it like for the answer.
        answer = max(answer, _count(told.get("total_tokens"), 0) - prompt)
    details = _mapping(told.get("prompt_tokens_details"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=answer,
        cached_tokens=min(_count(details.get("cached_tokens"), 0), prompt),
    )


def _count(told: object, estimate: int) -> int:
    """A server's token count where it is one, our estimate otherwise."""
    # Compared and never converted: NaN fails, and so do integers that no float can hold.
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < 1e9:
        return int(told)
    return estimate


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
