"""Reads a configuration from a file or a mapping and tells every mistake at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from market_agents.config.cautions import warnings_in
from market_agents.config.checks import cross_mistakes, listing, suggestion
from market_agents.config.findings import Finding
from market_agents.config.messages import findings_of
from market_agents.config.models import EnvironmentConfig, SimulationConfig
from market_agents.config.overrides import apply_override, is_below, key_path, stand_in_for_models
from market_agents.errors import ConfigError, Mistake, UserError
from market_agents.yaml_source import (
    MAX_DEPTH,
    MAX_MISTAKES,
    KeyPath,
    YamlDocument,
    forbidden_character,
    read_text,
    scan_yaml,
    shown,
    shown_path,
)

EnvironmentModel = Callable[[str], type[EnvironmentConfig] | None]
"""Gives the model of a registered name or ``module:Class``, None for an unknown one."""

FurtherChecks = Callable[[SimulationConfig], Iterable[Finding]]
"""Gives the mistakes of a configuration whose keys are all right by themselves."""

MAX_NODES = 100_000


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration that holds, and what is suspicious about it.

    Attributes:
        config: the configuration.
        warnings: one line each.
        path: the file it came from, if any.
    """

    config: SimulationConfig
    warnings: tuple[str, ...] = ()
    path: Path | None = None


def read_config(
    path: Path,
    *,
    environment_model: EnvironmentModel,
    known_environments: Sequence[str],
    overrides: Sequence[tuple[str, object]] = (),
    offline: bool = False,
    further_checks: FurtherChecks | None = None,
) -> LoadedConfig:
    """Read a configuration file.

    Args:
        path: the YAML file.
        environment_model: gives the model that checks the entries of a type in environment_configs.
        known_environments: names that stand in environment_order without an entry of their own.
        overrides: key paths and values, as `parse_override` gives them, set before anything is checked.
        offline: let the offline stand-in answer for every model.
        further_checks: finds mistakes that only rooms above this one can tell.

    Raises:
        ConfigError: every mistake, each with file, line, key path and what would be right.
    """
    document = scan_yaml(read_text(path), str(path))
    reader = _Reader(document, environment_model, known_environments, further_checks)
    config, warnings = reader.read(overrides, offline=offline)
    return LoadedConfig(config, warnings, path)


def config_from_mapping(
    data: Mapping[str, object],
    *,
    environment_model: EnvironmentModel,
    known_environments: Sequence[str],
    overrides: Sequence[tuple[str, object]] = (),
    name: str = "configuration",
    further_checks: FurtherChecks | None = None,
) -> LoadedConfig:
    """As `read_config`, from plain data such as a stored run's; ``name`` stands for the file in messages.

    Raises:
        ConfigError: every mistake, each with its key path and what would be right.
    """
    _check_plain(data, name)
    document = YamlDocument(name, copy.deepcopy(dict(data)))
    reader = _Reader(document, environment_model, known_environments, further_checks)
    config, warnings = reader.read(overrides)
    return LoadedConfig(config, warnings)


def _check_plain(data: Mapping[str, object], name: str) -> None:
    """Hold a mapping from Python to what a YAML file could say."""
    mistakes: list[Mistake] = []
    pending: list[tuple[KeyPath, object]] = [((), data)]
    seen = 0
    while pending and len(mistakes) < MAX_MISTAKES:
        path, value = pending.pop()
        seen += 1
        if len(path) > MAX_DEPTH or seen > MAX_NODES:
            raise ConfigError([Mistake("", f"nested deeper than {MAX_DEPTH} levels or too large", file=name)])
        character = forbidden_character(value) if isinstance(value, str) else None
        if character:
            message = f"the character {character} is not allowed in text; remove it"
            mistakes.append(Mistake(shown_path(path), message, file=name))
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if not isinstance(key, str) or forbidden_character(key):
                    message = f"a key must be plain text, got {shown(key)}"
                    mistakes.append(Mistake(shown_path(path), message, file=name))
                else:
                    pending.append(((*path, key), inner))
        elif isinstance(value, list | tuple):
            pending.extend(((*path, index), inner) for index, inner in enumerate(value))
    if mistakes:
        raise ConfigError(mistakes)


class _Reader:
    """One reading of one document."""

    def __init__(
        self,
        document: YamlDocument,
        model: EnvironmentModel,
        known: Sequence[str],
        further_checks: FurtherChecks | None = None,
    ) -> None:
        self._further_checks = further_checks
        self._document = document
        self._model = model
        self._known = tuple(known)
        self._overridden: list[KeyPath] = []
        self._found: dict[Finding, None] = {}

    def read(
        self, overrides: Sequence[tuple[str, object]], *, offline: bool = False
    ) -> tuple[SimulationConfig, tuple[str, ...]]:
        """The configuration and its warnings.

        Raises:
            ConfigError: every mistake.
        """
        tree = self._document.data
        if not isinstance(tree, dict):
            self._note(((), f"expected keys with values, such as num_agents: 10, got {shown(tree)}"))
            raise ConfigError(self._mistakes())
        extra = self._apply(tree, overrides)
        if offline:
            stand_in_for_models(tree)
        environments = self._environments(tree)
        for finding in cross_mistakes(tree, self._known):
            self._note(finding)
        config = self._validate({**tree, "environment_configs": environments}, tree)
        if config is not None and self._further_checks is not None:
            for finding in self._further_checks(config):
                self._note(finding)
        mistakes = self._mistakes() + extra
        if mistakes or config is None:
            raise ConfigError(mistakes)
        return config, tuple(str(self._mistake(finding)) for finding in warnings_in(config))

    def _apply(self, tree: dict[str, object], overrides: Sequence[tuple[str, object]]) -> list[Mistake]:
        mistakes: list[Mistake] = []
        for text, value in overrides:
            path = key_path(text)
            problem = apply_override(tree, path, copy.deepcopy(value))
            if problem is None:
                self._overridden.append(path)
            else:
                mistakes.append(Mistake(f"--set {text}", problem))
        return mistakes

    def _environments(self, tree: Mapping[str, object]) -> object:
        """environment_configs as instances; what the order names without an entry gets defaults."""
        entries = tree.get("environment_configs")
        entries = {} if entries is None else entries
        if not isinstance(entries, Mapping):
            return entries
        order = tree.get("environment_order")
        named = [name for name in order if isinstance(name, str)] if isinstance(order, list | tuple) else []
        bare: dict[str, object] = {name: {} for name in named if name in self._known and name not in entries}
        return {key: self._environment(key, entry) for key, entry in (*entries.items(), *bare.items())}

    def _environment(self, key: str, entry: object) -> EnvironmentConfig:
        path = ("environment_configs", key)
        given = entry.get("type") if isinstance(entry, Mapping) else None
        kind = given if isinstance(given, str) else key
        try:
            model = self._model(kind)
        except UserError as error:
            self._note(((*path, "type"), str(error).replace("\n", "; ")))
            return EnvironmentConfig()
        if model is None:
            where = (*path, "type") if given is not None else path
            self._note((where, self._unknown_type(kind, named=given is not None)))
            return EnvironmentConfig()
        try:
            return model.model_validate({} if entry is None else entry)
        except ValidationError as error:
            for inner, message in findings_of(error, model, entry):
                self._note(((*path, *inner), message))
            return EnvironmentConfig()

    def _unknown_type(self, kind: str, *, named: bool) -> str:
        hint = suggestion(kind, self._known)
        elsewhere = "" if named or hint else "; an entry with a name of its own says its type"
        return f"unknown environment {shown(kind)}{hint}{elsewhere}; known: {listing(self._known)}"

    def _validate(self, full: dict[str, object], tree: Mapping[str, object]) -> SimulationConfig | None:
        # An empty section, `memory:` with nothing below it, means its defaults.
        fields = SimulationConfig.model_fields
        sections = {name for name, field in fields.items() if field.default_factory is not None}
        given = {key: value for key, value in full.items() if value is not None or key not in sections}
        try:
            return SimulationConfig.model_validate(given)
        except ValidationError as error:
            known = {path for path, _ in self._found}
            for path, message in findings_of(error, SimulationConfig, tree):
                if path not in known:
                    self._note((path, message))
            return None

    def _note(self, finding: Finding) -> None:
        self._found.setdefault(finding)

    def _mistake(self, finding: Finding) -> Mistake:
        path, message = finding
        override = is_below(path, self._overridden)
        if override is not None:
            return Mistake(f"--set {shown_path(path)}", message)
        return Mistake(shown_path(path), message, self._document.line_of(path), self._document.name)

    def _mistakes(self) -> list[Mistake]:
        """What was refused in reading and what was found since, in the order of lines, the first hundred."""
        refused = list(self._document.mistakes)
        places = {mistake.path for mistake in refused}
        found: Iterator[Mistake] = (self._mistake(finding) for finding in self._found)
        mistakes = refused + [mistake for mistake in found if mistake.path not in places]
        mistakes.sort(key=lambda mistake: mistake.line or 0)
        if len(mistakes) > MAX_MISTAKES:
            count = len(mistakes) - MAX_MISTAKES
            mistakes = [
                *mistakes[:MAX_MISTAKES],
                Mistake("", f"{count} more mistakes", file=self._document.name),
            ]
        return mistakes
