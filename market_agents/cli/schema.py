"""``schema``: a JSON schema of the configuration, with which editors complete and check it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.cli.common import guarded, parser_for
from market_agents.config import SimulationConfig
from market_agents.output import say

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def main(argv: Sequence[str]) -> int:
    """Print the schema."""
    parser_for(
        "schema",
        "Print the JSON schema of the configuration, made from the program's own keys. Editors that know the YAML "
        "language server read it from the first line of the shipped file.",
    ).parse_args(argv)

    def work() -> int:
        say(json.dumps(config_schema(), indent=2, ensure_ascii=True))
        return 0

    return guarded(work)


def config_schema() -> dict[str, Any]:
    """The schema of a whole configuration, the keys of every known environment included.

    An entry of ``environment_configs`` under a known name has that environment's keys; under a name of its own it has
    the keys of any of them, for its ``type`` may be a class that only the program can look up.
    """
    schema = SimulationConfig.model_json_schema()
    definitions: dict[str, Any] = schema.setdefault("$defs", {})
    references = {}
    for name in ENVIRONMENTS:
        model = environment_model(name)
        if model is not None:
            own = model.model_json_schema(ref_template="#/$defs/{model}")
            definitions.update(own.pop("$defs", {}))
            definitions[model.__name__] = own
            references[name] = {"$ref": f"#/$defs/{model.__name__}"}
    environments = schema["properties"]["environment_configs"]
    environments["properties"] = references
    environments["additionalProperties"] = {"type": ["object", "null"]}
    return {"$schema": DIALECT, "title": "MarketAgents configuration", **_with_null_sections(schema)}


def _with_null_sections(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, in which a section with nothing below it means its defaults."""
    properties = {
        name: {"anyOf": [value, {"type": "null"}]} if name not in schema.get("required", ()) else value
        for name, value in schema["properties"].items()
    }
    return {**schema, "properties": properties}
