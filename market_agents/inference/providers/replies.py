"""Reads a chat completion of any shape: servers send what they like under HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.embeddings import packed
from market_agents.inference.retry import AttemptFailed, Verdict

LONGEST_VECTOR = 16_384
"""Numbers of a vector that are read."""

LARGEST_PART = 1e30
"""A vector holds nothing as large; NaN and infinity are no numbers at all."""

_NOTHING: Mapping[str, Any] = {}


def read_completion(body: str, request: Request) -> Completion:
    """The completion that a reply's body holds; what is missing or of a wrong type is taken as empty.

    Raises:
        AttemptFailed: the body is no JSON, or holds no message; another attempt may do better.
    """
    try:
        # The standard library's reader takes lone surrogates, which some servers send.
        reply = _mapping(json.loads(body))
    except (ValueError, RecursionError):
        raise AttemptFailed(Verdict.GARBLED, "a reply that is no JSON") from None
    choices = reply.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else _NOTHING
    message = _mapping(choice.get("message"))
    if not message:
        raise AttemptFailed(Verdict.GARBLED, "a reply without a message")
    text = _answer(message)
    return Completion(
        text=text,
        model=_text(reply.get("model")),
        finish_reason=_text(choice.get("finish_reason")),
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
    return _text(message.get("content"))


def _usage(told: Mapping[str, Any], request: Request, text: str) -> Usage:
    prompt = _count(told.get("prompt_tokens"), request.estimated_tokens)
    details = _mapping(told.get("prompt_tokens_details"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=_count(told.get("completion_tokens"), len(text) // 4),
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
