"""Puts pydantic's errors into plain sentences: what was expected, what was found, what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError

from market_agents.config.checks import listing, suggestion
from market_agents.config.findings import FINDINGS, Finding
from market_agents.yaml_source import KeyPath, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Schema = Mapping[str, object]

_GROUPED = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
"""The comma of 1,000; that of 120,5 is a decimal point."""
_SECRET = frozenset({"db_password", "api_key_env", "api_key", "base_url"})
_SAYINGS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_KEY_HINTS = {
    "api_key": "keys stand in .env; name the variable with api_key_env",
    "openai_api_key": "keys stand in .env; name the variable with api_key_env",
    "num_buyers": "set num_agents and agent_config.buyer_share",
    "num_sellers": "set num_agents and agent_config.buyer_share",
    "num_rounds": "did you mean 'max_rounds'?",
}


def findings_of(error: ValidationError, model: type[BaseModel], data: object) -> Iterator[Finding]:
    """Each mistake behind a validation error, with its key path relative to ``model``.

    Args:
        error: what validation raised.
        model: the model that validated.
        data: what it was given.
    """
    root = _json_schema(model)
    told: set[KeyPath] = set()
    for details in error.errors(include_url=False):
        if details["type"] == FINDINGS:
            base = _existing(data, details["loc"])
            for path, message in cast(Sequence[Finding], details["ctx"][FINDINGS]):
                yield (*base, *path), message
            continue
        if _is_echo(details):
            continue
        path, message = _finding(details, root, data)
        if path not in told:
            told.add(path)
            yield path, message


def _json_schema(model: type[BaseModel]) -> Schema:
    try:
        return model.model_json_schema()
    except PydanticUserError:
        return {}


def _is_echo(details: ErrorDetails) -> bool:
    """Whether a list is called too short only because its items, told of one by one, are wrong."""
    given = details["input"]
    return (
        details["type"] == "too_short"
        and isinstance(given, list | tuple)
        and len(given) >= details["ctx"]["min_length"]
    )


def _finding(details: ErrorDetails, root: Schema, data: object) -> Finding:
    location, kind = details["loc"], details["type"]
    if kind == "missing":
        return location, f"missing; expected {describe(_schema_at(root, location), root) or 'a value'}"
    if kind == "extra_forbidden":
        return location, _unknown_key(str(location[-1]), _schema_at(root, location[:-1]), root)
    if location[-1:] == ("[key]",):
        return location[:-1], f"{_reason(details)}, got {shown(location[-2])}"
    path = _existing(data, location)
    schema = _schema_at(root, path)
    words = describe(schema, root)
    expected = f"expected {words}" if words and kind != "value_error" else _reason(details)
    return path, expected + _got(details["input"], path, schema, root)


def _reason(details: ErrorDetails) -> str:
    reason = details.get("ctx", {}).get("error")
    return str(reason) if reason is not None else details["msg"]


def _existing(data: object, location: Sequence[str | int]) -> KeyPath:
    """The part of pydantic's location that exists in the data; it appends names of union members."""
    path: list[str | int] = []
    for part in location:
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, Sequence) and not isinstance(data, str) and isinstance(part, int):
            data = data[part] if part < len(data) else None
        else:
            break
        path.append(part)
    return tuple(path)


def _unknown_key(key: str, parent: Schema, root: Schema) -> str:
    properties = _properties(parent)
    if key.lower() in _KEY_HINTS:
        return f"unknown key; {_KEY_HINTS[key.lower()]}"
    sections = _properties(root).items()
    homes = [name for name, schema in sections if key in _properties(_resolved(schema, root))]
    hint = f"; it belongs into {homes[0]}" if homes else suggestion(key, properties)
    return f"unknown key{hint}" if hint else f"unknown key; known: {listing(properties)}"


def _properties(schema: Schema) -> Mapping[str, Schema]:
    return cast(Mapping[str, Schema], schema.get("properties", {}))


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema behind a reference; where null is an alternative, the other one."""
    alternatives = [
        item for item in cast(Sequence[Schema], schema.get("anyOf", ())) if item.get("type") != "null"
    ]
    if len(alternatives) == 1:
        schema = alternatives[0]
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = cast(Mapping[str, Schema], root.get("$defs", {}))
        return definitions.get(reference.rpartition("/")[2], {})
    return schema


def _schema_at(root: Schema, path: Sequence[str | int]) -> Schema:
    schema = _resolved(root, root)
    for part in path:
        inner = _properties(schema).get(str(part), schema.get("additionalProperties"))
        if isinstance(part, int):
            inner = schema.get("items")
        schema = _resolved(cast(Schema, inner), root) if isinstance(inner, Mapping) else {}
    return schema


def describe(schema: Schema, root: Schema) -> str:
    """A JSON schema in words, such as ``an integer from 1 to 100``; empty where it says nothing."""
    schema = _resolved(schema, root)
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in cast(Sequence[object], schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(describe(item, root) for item in cast(Sequence[Schema], schema["anyOf"]))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("an integer" if kind == "integer" else "a number") + _range(schema)
    if kind == "string":
        longest = schema.get("maxLength")
        return f"text of 1 to {longest} characters" if longest else "text"
    if kind == "array":
        items = schema.get("items")
        size = f" of at least {schema['minItems']}" if "minItems" in schema else ""
        if size and schema["minItems"] == schema.get("maxItems"):
            size = f" of {schema['minItems']}"
        of_what = f", each item {describe(cast(Schema, items), root)}" if isinstance(items, Mapping) else ""
        return f"a list{size}{of_what}"
    return {"boolean": "true or false", "object": "a mapping of keys to values"}.get(str(kind), "")


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    bounds = (("at least", low), ("above", above), ("at most", high), ("below", below))
    words = [f"{word} {_number(bound)}" for word, bound in bounds if bound is not None]
    return f" {' and '.join(words)}" if words else ""


def _number(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else f"{value}"


def _got(value: object, path: KeyPath, schema: Schema, root: Schema) -> str:
    """What was found, unless it may be a secret, and how to write what was probably meant."""
    # A database_config that is not a mapping may be an address with a password.
    secret = path == ("database_config",) or bool(_SECRET & {str(part) for part in path})
    if secret and not isinstance(value, Mapping | list):
        return ""
    return f", got {shown(value)}{_better(value, describe(schema, root), schema)}"


def _better(value: object, expected: str, schema: Schema) -> str:
    if isinstance(value, float) and value.is_integer() and schema.get("type") == "integer":
        return f"; write {int(value)}" if abs(value) < 1e15 else ""
    if not isinstance(value, str):
        quotable = isinstance(value, int | float) and schema.get("type") == "string"
        return f'; write it in quotes: "{str(value).lower()[:40]}"' if quotable else ""
    if schema.get("type") == "boolean" and (value.lower() in _SAYINGS or value.lower() in ("true", "false")):
        return f"; write {_SAYINGS.get(value.lower(), value.lower())}"
    if schema.get("type") in ("integer", "number"):
        plain = _GROUPED.sub("", value.replace("_", ""))[:40].replace(",", ".")
        digits = plain.lstrip("-").replace(".", "", 1 if schema.get("type") == "number" else 0)
        return f"; write {plain}, without quotes" if digits.isdecimal() and digits.isascii() else ""
    if "enum" in schema:
        return suggestion(value, cast(Sequence[str], schema["enum"]))
    return "; write it as a list: [" + shown(value)[1:-1] + "]" if expected.startswith("a list") else ""
