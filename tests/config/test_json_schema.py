"""The schema that editors check a configuration with: up to date, and of one mind with the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from market_agents.cli.schema import config_schema
from tests.end_to_end.stage import ROOT, SHIPPED, call

FILE = ROOT / "orchestrator_config.schema.json"
FILES = [SHIPPED, *sorted((ROOT / "configs").glob("*.yaml")), *sorted((ROOT / "examples").glob("*.yaml"))]


def shipped(**changes: object) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return {**tree, **changes}


def test_the_shipped_schema_is_what_the_program_prints(tmp_path: Path) -> None:
    ended = call(tmp_path, "schema")
    assert ended.code == 0
    assert json.loads(ended.out) == json.loads(FILE.read_text(encoding="utf-8")), (
        "make it anew: market-agents schema > orchestrator_config.schema.json"
    )
    assert SHIPPED.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={FILE.name}\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_shipped_file_fits(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), config_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_agents": 0},
        {"num_agent": 3},
        {"tick_size": "small"},
        {"agent_config": {"num_units": 1.5}},
        {"llm_configs": [{"model": "x"}]},
        {"environment_configs": {"auction": {"institution": "bazaar"}}},
        {"environment_configs": {"group_chat": {"sub_round": 2}}},
    ],
    ids=str,
)
def test_what_the_program_refuses_is_marked(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shipped(**wrong), config_schema())


def test_an_empty_section_and_an_environment_of_ones_own_are_fine() -> None:
    jsonschema.validate(
        shipped(memory=None, environment_configs={"mine": {"type": "a:B", "free": 1}}), config_schema()
    )


def test_every_key_is_described() -> None:
    definitions = config_schema()["$defs"]
    bare = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, value in definition.get("properties", {}).items()
        if "description" not in value
    ]
    assert bare == []
