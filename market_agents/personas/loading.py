"""Reads personas written by hand, one YAML file each; `example.yaml` in this package shows the form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from market_agents.errors import ConfigError, Mistake
from market_agents.personas.persona import Persona
from market_agents.yaml_source import read_yaml


def load_personas(folder: Path) -> tuple[Persona, ...]:
    """Read every ``*.yaml`` of a folder in the order of names; hidden files and subfolders are left alone.

    Names are ordered by code point, as Python compares strings, the same on every system. A ``*.yml`` is a
    mistake rather than passed over in silence.

    Args:
        folder: where the files are.

    Raises:
        ConfigError: every mistake in every file, or the folder is missing or holds no persona.
    """
    personas: list[Persona] = []
    mistakes: list[Mistake] = []
    for path in _persona_files(folder):
        try:
            personas.append(_load_persona(path))
        except ConfigError as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(personas)


def _persona_files(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            [Mistake("", f"the folder of personas cannot be read: {reason}", file=str(folder))]
        ) from None
    files = [path for path in entries if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")]
    files = [path for path in files if not path.is_dir()]
    if not files:
        raise ConfigError(
            [Mistake("", "no persona in this folder; expected files named *.yaml", file=str(folder))]
        )
    return files


def _load_persona(path: Path) -> Persona:
    if path.suffix != ".yaml":
        raise ConfigError([Mistake("", "rename this file to end in .yaml", file=str(path))])
    document = read_yaml(path)
    if not isinstance(document.data, Mapping):
        message = (
            "expected one persona, keys such as name and age with their values; see personas/example.yaml"
        )
        raise ConfigError([Mistake("", message, line=1, file=str(path))])
    return Persona.from_mapping(document.data, file=str(path), line_of=document.line_of)
