"""Every key of the configuration, from the models that check it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docs._reference.markdown import code, prose, table
from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.cli.schema import config_schema
from market_agents.config import EnvironmentConfig

Schema = Mapping[str, Any]


def configuration() -> str:
    """The page's Markdown: a section for the file's own keys, and one for each section below it."""
    return "\n\n".join(_sections())


def _sections() -> Iterator[str]:
    schema = config_schema()
    models: Schema = schema["$defs"]
    yield "## Keys of the file"
    yield _table(schema, models)
    told: set[str] = set()
    for key, entry in schema["properties"].items():
        if key != "environment_configs":
            yield from _below(key, entry, models, told)
    yield "## environment_configs"
    yield "Each environment has an entry under a name of its own. Keys that all of them know:"
    yield _table(models["EnvironmentConfig"], models)
    for name in ENVIRONMENTS:
        model = environment_model(name)
        if model is not None:
            own = models[model.__name__]
            yield f"### {name}"
            yield _table(own, models, without=EnvironmentConfig.model_fields)
            for key, entry in own["properties"].items():
                yield from _below(key, entry, models, told, level=4)


def _below(
    key: str, entry: Schema, models: Schema, told: set[str], level: int = 2, above: str = ""
) -> Iterator[str]:
    """The section of a key that holds keys itself, and those below it; a model is told once."""
    for name in _references(entry):
        if name in told:
            continue
        told.add(name)
        path = f"{above}.{key}" if above else key
        yield f"{'#' * level} {path}"
        yield _table(models[name], models)
        for lower, lower_entry in models[name]["properties"].items():
            yield from _below(lower, lower_entry, models, told, level + (level < 4), path)


def _references(entry: Schema) -> Iterator[str]:
    if "$ref" in entry:
        yield entry["$ref"].rpartition("/")[2]
    for way in entry.get("anyOf", ()):
        yield from _references(way)
    if isinstance(entry.get("items"), Mapping):
        yield from _references(entry["items"])


def _table(section: Schema, models: Schema, without: Mapping[str, object] | None = None) -> str:
    required = section.get("required", ())
    rows = [
        [code(key), _default(entry, key in required), _meaning(entry, models)]
        for key, entry in section["properties"].items()
        if key not in (without or {})
    ]
    return table(["key", "default", "meaning"], rows)


def _meaning(entry: Schema, models: Schema) -> str:
    below = [models[name].get("description", "") for name in _references(entry)]
    words = prose(_found(entry, "description", "".join(below[:1])))
    choices = [choice for choice in _choices(entry) if choice not in words.replace("\\", "")]
    return f"{words} One of {', '.join(map(code, choices))}." if choices else words


def _choices(entry: Schema) -> list[str]:
    """The words of which one must be given; none where any value of a type will do."""
    ways = [entry, *entry.get("anyOf", ())]
    return [str(choice) for way in ways for choice in way.get("enum", ())]


def _default(entry: Schema, is_required: bool) -> str:
    if is_required:
        return "required"
    value = _found(entry, "default", _OF_ITS_KEYS)
    return "" if value is _OF_ITS_KEYS else code(json.dumps(value, ensure_ascii=False))


_OF_ITS_KEYS = object()
"""Stands for the default of a section, which its keys tell."""


def _found(entry: Schema, word: str, otherwise: Any) -> Any:  # noqa: ANN401  (whatever the schema holds)
    """What a key's entry says, whether it stands there or in the way that is not null."""
    for way in (entry, *entry.get("anyOf", ())):
        if word in way:
            return way[word]
    return otherwise
