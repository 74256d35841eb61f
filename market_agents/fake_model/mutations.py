"""What the fault kinds make of a reply of the fake model."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

from market_agents.fake_model.answers import Path
from market_agents.fake_model.faults import Rule
from market_agents.fake_model.replies import Reply

# Stands in the JSON text for a number that Python's writer would not write.
_PLACEHOLDER = "\x00number\x00"
_HUGE = "95262e5670"
_DIGITS = "7" * 5000
_THOUGHT = "Prices went up a little, and others wait; whoever bids early pays more than whoever bids late. "
_FORMAT_MESSAGE = "'response_format' of type '{}' is not supported by this model"


def mutate(reply: Reply, rule: Rule) -> None:
    """Work a fault into a reply, in place; kinds that concern only the transport leave it as it is."""
    change = _CHANGES.get(rule.kind)
    if change is not None:
        change(reply, rule)


def whole_body(rule: Rule) -> tuple[str, bytes] | None:
    """Content type and body of the malformed replies that are no chat completion at all."""
    if rule.kind == "malformed" and rule.body == "html":
        return "text/html", b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
    if rule.kind == "malformed" and rule.body == "not_json":
        return "application/json", b"upstream connect error or disconnect/reset before headers"
    return None


def refusal_of_format(kind: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a server that does not know a response format, in the ways of local servers."""
    if kind == "no_schema_422":
        place = ["body", "response_format", "type"]
        expected = "Input should be 'text' or 'json_object'"
        return 422, {
            "detail": [{"type": "literal_error", "loc": place, "msg": expected, "input": "json_schema"}]
        }
    if kind == "no_schema_500":
        message = (
            "1 validation error: {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
            "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
        )
        return 500, error_body(message, "internal_server_error")
    unknown = "json_object" if kind == "no_json_object_400" else "json_schema"
    return 400, error_body(_FORMAT_MESSAGE.format(unknown), "invalid_request_error", "response_format")


def error_body(message: str, kind: str, parameter: str | None = None) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": None}}


def _truncate(reply: Reply, rule: Rule) -> None:
    text = reply.text or ""
    reply.text = text[: math.ceil(len(text) * rule.cut)]
    reply.finish_reason = "length"


def _refuse(reply: Reply, rule: Rule) -> None:
    reply.text, reply.tool, reply.value = None, None, None
    reply.refusal, reply.finish_reason = "I'm sorry, I cannot help with that.", "stop"


def _filter(reply: Reply, rule: Rule) -> None:
    reply.text, reply.tool, reply.value = "", None, None
    reply.finish_reason = "content_filter"


def _rename(reply: Reply, rule: Rule) -> None:
    reply.model = rule.model


def _spoil_usage(reply: Reply, rule: Rule) -> None:
    if rule.kind == "usage_missing":
        reply.usage = None
    elif reply.usage is not None:
        sign = math.nan if rule.kind == "usage_nan" else -1
        reply.usage = {name: count * sign for name, count in reply.usage.items()}


def _malform(reply: Reply, rule: Rule) -> None:
    text = reply.text or ""
    bodies: dict[str, Callable[[], str]] = {
        "fenced": lambda: f"```json\n{text}\n```",
        "prose": lambda: f"Sure, here is my answer:\n\n{text}\n\nLet me know what you think!",
        "long_prose": lambda: f"{_THOUGHT * (1024 * rule.kilobytes // len(_THOUGHT))}\n\n{text}",
        "plain_prose": lambda: "I would rather wait and see what the others do.",
        "trailing_comma": lambda: f"{text[:-1]},{text[-1:]}",
        "two_objects": lambda: f"{text}\n{text}",
        "list": lambda: f"[{text}]",
        "null": lambda: "null",
        "bom": lambda: f"\ufeff{text}",
        "megabyte_brace": lambda: "{" * 1_000_000,
        "deep_100000": lambda: '{"a":' * 100_000 + "1" + "}" * 100_000,
        "digits_5000": lambda: _with_number(reply, _DIGITS),
        "empty": lambda: "",
    }
    if rule.body in bodies:
        reply.text = bodies[rule.body]()


def _spoil_value(reply: Reply, rule: Rule) -> None:
    value = copy.deepcopy(reply.value)
    if rule.kind == "enum_wrong":
        value = _put(value, reply.choices[0] if reply.choices else _first(value), "no_such_choice")
    elif rule.kind == "missing_field":
        value.pop(next(iter(value)), None)
    elif rule.kind == "extra_field":
        value["unexpected_field"] = "unexpected"
    elif rule.kind == "boolean_price":
        value = _put(value, _price(reply), True)
    elif rule.kind == "number_as_string":
        place = _price(reply)
        value = _put(value, place, str(_get(value, place)))
    reply.value, reply.text = value, json.dumps(value)


def _spoil_price(reply: Reply, rule: Rule) -> None:
    reply.text = _with_number(reply, _HUGE)


def _with_number(reply: Reply, literal: str) -> str:
    """The answer with a number written as ``literal``; without a value, an object with a price alone."""
    value = {"price": 0} if reply.value is None else reply.value
    place: Path = ("price",) if reply.value is None else _price(reply)
    text = json.dumps(_put(copy.deepcopy(value), place, _PLACEHOLDER))
    return text.replace(json.dumps(_PLACEHOLDER), literal)


def _price(reply: Reply) -> Path:
    """Where the price is, or else the first number, or else the first property."""
    prices = [path for path in reply.numbers if path and str(path[-1]).endswith("price")]
    return next(iter(prices + reply.numbers), _first(reply.value))


def _first(value: Any) -> Path:
    return (next(iter(value)),) if isinstance(value, dict) and value else ()


def _get(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    _get(value, path[:-1])[path[-1]] = new
    return value


_CHANGES: dict[str, Callable[[Reply, Rule], None]] = {
    "truncate": _truncate,
    "malformed": _malform,
    "refusal": _refuse,
    "content_filter": _filter,
    "wrong_model": _rename,
    "usage_missing": _spoil_usage,
    "usage_nan": _spoil_usage,
    "usage_negative": _spoil_usage,
    "enum_wrong": _spoil_value,
    "missing_field": _spoil_value,
    "extra_field": _spoil_value,
    "boolean_price": _spoil_value,
    "number_as_string": _spoil_value,
    "huge_price": _spoil_price,
}
