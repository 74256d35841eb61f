"""Structured answers: the schema that goes over the wire, and the careful reading of what comes back.

Bounds stay off the wire, because some servers refuse them, and are checked here, because no server can be trusted.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

MAX_ANSWER_CHARACTERS = 100_000
_KEPT = {"type", "enum", "const", "properties", "required", "items", "anyOf", "$ref", "$defs", "description"}
_FENCE = re.compile(r"```(?:json|JSON)?\s*\n?(.*?)```", re.DOTALL)


class Unreadable(Exception):
    """An answer that is not what was asked for; the text tells the model what to mend."""


@lru_cache(maxsize=256)
def wire_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema sent to providers: strict, every property required, no bounds, defaults or titles."""
    return _strict(schema.model_json_schema())


def _strict(node: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key not in _KEPT:
            continue
        if key in {"properties", "$defs"}:
            kept[key] = {name: _strict(child) for name, child in value.items()}
        elif key == "items":
            kept[key] = _strict(value)
        elif key == "anyOf":
            kept[key] = [_strict(child) for child in value]
        else:
            kept[key] = value
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
    """Read an answer as ``schema``, through a fence or prose around one JSON object.

    Raises:
        Unreadable: with one line that says what is wrong and where.
    """
    if not text.strip():
        raise Unreadable("the answer is empty")
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise Unreadable(f"the answer has {len(text)} characters; at most {MAX_ANSWER_CHARACTERS} are read")
    first: ValidationError | None = None
    for candidate in _candidates(text):
        try:
            return schema.model_validate_json(candidate)
        except ValidationError as error:
            first = first or error
    assert first is not None  # noqa: S101  (there is at least one candidate)
    raise Unreadable(_in_one_line(first))


def _candidates(text: str) -> list[str]:
    stripped = text.strip().lstrip("\ufeff").strip()
    if stripped.startswith("{"):
        return [stripped]
    fenced = _FENCE.search(stripped)
    if fenced:
        return [fenced.group(1).strip()]
    start, end = stripped.find("{"), stripped.rfind("}")
    return [stripped[start : end + 1]] if 0 <= start < end else [stripped]


def _in_one_line(error: ValidationError) -> str:
    found = []
    for mistake in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
        where = ".".join(str(part) for part in mistake["loc"])
        found.append(f"{where}: {mistake['msg']}" if where else mistake["msg"])
    return "; ".join(found)[:500]
