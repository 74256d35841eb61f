"""What of a configuration decides results: the hash that a resumed run must share, and the differences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from market_agents.config.models import SimulationConfig
from market_agents.yaml_source import KeyPath, shown, shown_path

NOT_DECISIVE: tuple[tuple[str, ...], ...] = (
    ("database_config",),
    ("request_limits",),
    ("budget",),
    ("max_abstention_share",),
    ("execution",),
    ("batch",),
    ("prompts",),
    ("llm_configs", "*", "timeout"),
    ("llm_configs", "*", "total_timeout"),
    ("llm_configs", "*", "use_cache"),
    ("llm_configs", "*", "base_url"),
    ("llm_configs", "*", "api_key_env"),
    ("llm_configs", "*", "input_price"),
    ("llm_configs", "*", "output_price"),
    ("llm_configs", "*", "execution"),
    ("llm_configs", "*", "batch_price_share"),
    ("llm_configs", "*", "other_model"),
    ("environment_configs", "*", "execution"),
)
"""Keys that may differ when a run is resumed: limits, caps, prices, patience, credentials, places.

An entry of environment_configs that environment_order does not name is not decisive either. Nor is where prompts
lie: their texts are kept with the run, and a run that goes on is held to them.
"""

Plain = Mapping[str, object]


def config_to_mapping(config: SimulationConfig) -> dict[str, object]:
    """The configuration as JSON-ready plain data, without any secret; defaults are written out."""
    tree: dict[str, object] = config.model_dump(mode="json", exclude={"database_config": {"db_password"}})
    return tree


def config_hash(config: SimulationConfig) -> str:
    """SHA-256, in hexadecimal, over the canonical JSON of all keys that decide results."""
    decisive = _decisive(config_to_mapping(config))
    text = json.dumps(decisive, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def config_difference(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The decisive keys in which two configurations differ, one line each: ``max_rounds: 2 -> 3``.

    Args:
        old: the stored configuration, as `config_to_mapping` gave it.
        new: the configuration at hand, in the same form.
    """
    return [f"{shown_path(path)}: {before} -> {after}" for path, before, after in _differences(old, new)]


def changed_keys(old: Mapping[str, object], new: Mapping[str, object]) -> list[KeyPath]:
    """The paths of the decisive keys in which two configurations differ, see `config_difference`."""
    return [path for path, _, _ in _differences(old, new)]


def _differences(old: Plain, new: Plain) -> Iterator[tuple[KeyPath, str, str]]:
    before, after = dict(_leaves(_decisive(old))), dict(_leaves(_decisive(new)))
    alone = _environments(before) ^ _environments(after)
    told: set[KeyPath] = set()
    for path in list(before) + [path for path in after if path not in before]:
        if before.get(path, _MISSING) == after.get(path, _MISSING):
            continue
        if path[:2] not in alone:
            yield path, _side(before, path), _side(after, path)
        elif path[:2] not in told:
            told.add(path[:2])
            yield path[:2], *(("there", "not there") if path in before else ("not there", "there"))


_MISSING = object()


def _environments(leaves: Iterable[KeyPath]) -> set[KeyPath]:
    """The environments with settings; one that the other side lacks is told as a whole."""
    return {path[:2] for path in leaves if path[0] == "environment_configs"}


def _side(leaves: Mapping[KeyPath, object], path: KeyPath) -> str:
    return shown(leaves[path]) if path in leaves else "not there"


def _decisive(tree: Mapping[str, object]) -> Plain:
    kept = {key: value for key, value in tree.items() if (key,) not in NOT_DECISIVE}
    order, environments = kept.get("environment_order"), kept.get("environment_configs")
    if isinstance(order, Sequence) and isinstance(environments, Mapping):
        kept["environment_configs"] = {
            key: _without(value, "environment_configs") for key, value in environments.items() if key in order
        }
    models = kept.get("llm_configs")
    if isinstance(models, Sequence):
        kept["llm_configs"] = [_without(model, "llm_configs") for model in models]
    return kept


def _without(entry: Plain, section: str) -> Plain:
    """An entry of a section without the keys that decide nothing."""
    dropped = {path[2] for path in NOT_DECISIVE if path[:2] == (section, "*")}
    return {key: value for key, value in entry.items() if key not in dropped}


def _leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value
