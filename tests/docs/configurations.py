"""YAML that is printed: whole files are read as they stand, fragments in the place that they have in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from market_agents.config import SimulationConfig
from market_agents.meta_orchestrator import load_config

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "orchestrator_config.yaml"
NEEDED = {name for name, field in SimulationConfig.model_fields.items() if field.is_required()}


def check_yaml(text: str, place: str, folder: Path) -> None:
    """Read a configuration, or a fragment of one, with the shipped file around it.

    Args:
        text: what is printed.
        place: the key under which it stands; empty for the top.
        folder: where files that it names are.

    Raises:
        ConfigError: a key or a value is wrong.
    """
    printed = yaml.safe_load(text)
    for key in reversed(place.split(".") if place else []):
        printed = {key: printed}
    file = folder / ".printed.yaml"
    if printed.keys() >= NEEDED:
        file.write_text(text, "utf-8")
    else:
        shipped = yaml.safe_load(SHIPPED.read_text("utf-8"))
        file.write_text(yaml.safe_dump(_merged(shipped, printed), sort_keys=False), "utf-8")
    load_config(file)


def is_configuration(text: str) -> bool:
    """Whether YAML has keys of a configuration at its top, and nothing else."""
    printed = yaml.safe_load(text)
    return isinstance(printed, Mapping) and printed.keys() <= SimulationConfig.model_fields.keys()


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {key: _merged(below.get(key), above.get(key, below.get(key))) for key in {**below, **above}}
    return above
