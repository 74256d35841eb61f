"""``--set key.path=value``: single keys of a configuration changed from the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from market_agents.errors import ConfigError, Mistake
from market_agents.yaml_source import KeyPath, parse_yaml, resolve_scalar

_PATH = re.compile(r"[^\s.\[\]=]+(?:\[[0-9]{1,6}\]|\.[^\s.\[\]=]+)*")
_PART = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")


def parse_override(text: str) -> tuple[str, object]:
    """Read ``key.path=value``.

    The value follows the rules of YAML 1.2; lists and mappings are written in brackets, ``[a, b]``, and
    quotes keep a number or a word such as ``true`` as text. Items of a list are named as in
    ``llm_configs[0].model``.

    Returns:
        The key path as written and the value.

    Raises:
        ConfigError: no ``=``, no usable path, or a value that cannot be read.
    """
    path, equals, value = text.partition("=")
    path, value = path.strip(), value.strip()
    if not equals or not _PATH.fullmatch(path):
        raise ConfigError([Mistake("--set", "expected key.path=value, for example max_rounds=3")])
    if value[:1] not in ("[", "{", '"', "'"):
        return path, resolve_scalar(value)
    try:
        return path, parse_yaml(value, "").data
    except ConfigError as error:
        raise ConfigError([Mistake(f"--set {path}", mistake.message) for mistake in error.mistakes]) from None


def key_path(path: str) -> KeyPath:
    """The parts of a path as written, list items as integers."""
    return tuple(int(index) if index else name for index, name in _PART.findall(path))


def apply_override(tree: dict[str, object], path: KeyPath, value: object) -> str | None:
    """Set one value in a tree in place; mappings on the way are made where they are missing.

    Returns:
        What is wrong with the path, or None.
    """
    place: object = tree
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(place, dict) and isinstance(part, str):
            if last:
                place[part] = value
            elif place.get(part) is None:
                if isinstance(path[depth + 1], int):
                    return f"{part} is not set, so there is no item of it to change"
                place[part] = {}
            place = place[part]
        elif isinstance(place, list) and isinstance(part, int) and part < len(place):
            if last:
                place[part] = value
            place = place[part]
        else:
            return _misfit(place, part)
    return None


def _misfit(place: object, part: str | int) -> str:
    if isinstance(place, list):
        items = f"of {len(place)}, counted from 0" if isinstance(part, int) else "by its number in brackets"
        return f"a list stands here; name an item {items}"
    if isinstance(place, dict):
        return "a mapping stands here; name one of its keys"
    return "a single value stands here, without keys below it"


def is_below(path: Sequence[str | int], parents: Sequence[KeyPath]) -> KeyPath | None:
    """The first of ``parents`` that ``path`` equals or lies below."""
    return next((parent for parent in parents if tuple(path[: len(parent)]) == parent), None)


def stand_in_for_models(tree: dict[str, object]) -> None:
    """Turn every entry of ``llm_configs`` into the offline stand-in, in place, and rename it where it is named.

    The new names say what they are, ``offline:NAME``, so that no result is taken for the model's.
    """
    entries = tree.get("llm_configs")
    if not isinstance(entries, list) or not entries:
        return  # without entries the stand-in answers anyway
    names: dict[str, str] = {}
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            names[entry["name"]] = f"offline:{entry['name']}"
            kept = {key: entry[key] for key in ("weight", "max_tokens") if key in entry}
            entries[index] = {"name": names[entry["name"]], "client": "offline", **kept}
    limits = tree.get("request_limits")
    if isinstance(limits, dict):
        tree["request_limits"] = {names.get(key, key): limit for key, limit in limits.items()}
    _rename([value for key, value in tree.items() if key != "llm_configs"], names)


def _rename(place: object, names: Mapping[str, str]) -> None:
    """Put the new name wherever an entry is named: under ``model`` and ``embeddings``, however deep."""
    if isinstance(place, dict):
        for key, value in place.items():
            if key in {"model", "embeddings"} and isinstance(value, str):
                place[key] = names.get(value, value)
            else:
                _rename(value, names)
    elif isinstance(place, list):
        for item in place:
            _rename(item, names)
