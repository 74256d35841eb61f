"""Structured answers: the schema that goes over the wire, and the careful reading of what comes back.

Bounds stay off the wire, because some servers refuse them, and are checked here, because no server can be trusted.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from market_agents.plain_text import one_line

MAX_ANSWER_CHARACTERS = 100_000
_KEPT = {"type", "enum", "const", "properties", "required", "items", "anyOf", "$ref", "$defs", "description"}
_FENCE = "```"
_END_OF_THOUGHT = "</think>"
_ESCAPE = re.compile(r"\\(?:u0000|.)", re.DOTALL)


class Unreadable(Exception):
    """An answer that is not what was asked for; the text tells the model what to mend."""


@lru_cache(maxsize=256)
def wire_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema sent to providers: strict, every property required, no bounds, defaults or titles."""
    return _strict(schema.model_json_schema())


def _strict(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node and len(node) > 1 and "$defs" not in node:
        # Strict servers refuse a description beside a reference, but not around one.
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**beside, "anyOf": [{"$ref": node["$ref"]}]}
    kept: dict[str, Any] = {}
    for key, value in node.items():
        # A union told apart by a field is a plain union on the wire: strict servers know no oneOf.
        name = "anyOf" if key == "oneOf" else key
        if name not in _KEPT:
            continue
        if name in {"properties", "$defs"}:
            kept[name] = {child: _strict(described) for child, described in value.items()}
        elif name == "items":
            kept[name] = _strict(value)
        elif name == "anyOf":
            kept[name] = [_strict(child) for child in value]
        else:
            kept[name] = value
    if "properties" in kept:
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept


@lru_cache(maxsize=256)
def schema_in_words(schema: type[BaseModel]) -> str:
    """The schema as an instruction, for servers that know no response format."""
    return "Answer with one JSON object and nothing else. It must follow this JSON schema:\n" + json.dumps(
        wire_schema(schema), ensure_ascii=False, separators=(",", ":")
    )


def read_answer(text: str, schema: type[BaseModel]) -> BaseModel:
    """Read an answer as ``schema``, through thoughts before it, a fence or prose around one JSON object.

    Types are taken strictly, whatever the schema says: a text or a boolean is no number, and a number is finite.

    Raises:
        Unreadable: with one line that says what is wrong and where.
    """
    if not text.strip():
        raise Unreadable("the answer is empty")
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise Unreadable(f"the answer has {len(text)} characters; at most {MAX_ANSWER_CHARACTERS} are read")
    findings: list[str] = []
    for candidate in _candidates(text):
        try:
            answer = schema.model_validate_json(candidate, strict=True)
        except ValidationError as error:
            findings.append(_in_one_line(error))
            continue
        if not _is_finite(candidate):
            raise Unreadable("a number is not finite")
        return answer
    raise Unreadable(findings[0])


def _candidates(text: str) -> list[str]:
    """What may be the answer, the likeliest first; never empty, never more than three."""
    stripped = _without_thought(_without_nul(text.strip().lstrip("\ufeff").strip()))
    if stripped.startswith("["):
        return [stripped]
    found = [] if stripped.startswith("{") else _fenced(stripped)
    start, end = stripped.find("{"), stripped.rfind("}")
    if 0 <= start < end:
        found.append(stripped[start : end + 1])
    return found or [stripped]


def _fenced(text: str) -> list[str]:
    """The content of the first fence, in a list that is empty where there is none."""
    _, opening, rest = text.partition(_FENCE)
    content, closing, _ = rest.partition(_FENCE)
    if not (opening and closing):
        return []
    return [re.sub(r"\A(?:json|JSON)\b", "", content).strip()]


def _without_thought(text: str) -> str:
    """What follows the thoughts that a reasoning model tells before its answer; their opening mark may be missing."""
    thought, closing, answer = text.partition(_END_OF_THOUGHT)
    return answer.strip() if closing and not thought.startswith("{") else text


def _without_nul(text: str) -> str:
    """JSON whose escaped NULs, which no database can hold, are the replacement character."""
    if "\\u0000" not in text:
        return text
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape[0] == "\\u0000" else escape[0], text)


def _is_finite(candidate: str) -> bool:
    try:
        return _all_finite(from_json(candidate, allow_inf_nan=False))
    except ValueError:
        return False


def _all_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_all_finite(item) for item in value.values())
    if isinstance(value, list):
        return all(_all_finite(item) for item in value)
    return True


def _in_one_line(error: ValidationError) -> str:
    found = []
    for mistake in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
        where = ".".join(str(part) for part in mistake["loc"])
        found.append(f"{where}: {mistake['msg']}" if where else mistake["msg"])
    return one_line("; ".join(found), 500)
