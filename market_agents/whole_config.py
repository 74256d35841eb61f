"""Whole configurations, every room's part checked: from a file, from a stored run, and for the rounds of a fork."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from market_agents.agents.prompts import prompt_mistakes
from market_agents.agents.schedule_checks import schedule_mistakes
from market_agents.agents.strategies import make_strategy
from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.config import (
    EarlierRounds,
    Finding,
    SimulationConfig,
    config_from_mapping,
    read_config,
)
from market_agents.config.loading import FurtherChecks
from market_agents.config.traders import unknown_traders
from market_agents.economics.ticks import TickScale
from market_agents.errors import UserError
from market_agents.storage import Database, Run, lineage
from market_agents.yaml_source import KeyPath

log = logging.getLogger(__name__)


def load_config(
    path: str | Path = "orchestrator_config.yaml",
    overrides: Sequence[tuple[str, object]] = (),
    *,
    offline: bool = False,
) -> SimulationConfig:
    """Read and check a whole configuration, the environments' own keys included.

    Args:
        path: the YAML file.
        overrides: pairs of key path and value that replace what the file says.
        offline: let the offline stand-in answer for every model.

    Raises:
        ConfigError: every mistake at once, each with file, line and key path.
    """
    loaded = read_config(
        Path(path),
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
        overrides=overrides,
        offline=offline,
        further_checks=mistakes_between_rooms,
    )
    for warning in loaded.warnings:
        log.warning("%s", warning)
    return loaded.config


def mistakes_between_rooms(config: SimulationConfig) -> Iterator[Finding]:
    """What only those can tell who know strategies and ticks."""
    yield from _strategy_mistakes(config)
    models = {entry.name: entry.provider for entry in config.llm_configs}
    for place, message in unknown_traders(config.agent_config.traders, config.num_agents, models):
        yield ("agent_config", "traders", *place), message
    for path, message in prompt_mistakes(config.prompts):
        yield tuple(path.split(".", 1)), message
    yield from _money_beyond_ticks(config)
    yield from schedule_mistakes(config)
    yield from _batches_of_one(config)


def _batches_of_one(config: SimulationConfig) -> Iterator[Finding]:
    """Environments whose every ask would wait for a batch of its own."""
    entries = [entry for entry in config.llm_configs if entry.client != "offline"]
    for name in config.environment_order:
        sequential = config.environment_configs[name].sequential
        if sequential is not None and any(config.is_batched(entry, name) for entry in entries):
            yield (
                ("environment_configs", name, "execution"),
                f"{sequential} asks one agent after another, so that each call would wait for a batch of its own; "
                "expected live here, or all acting at once",
            )


def _strategy_mistakes(config: SimulationConfig) -> Iterator[Finding]:
    named: list[tuple[KeyPath, str]] = [(("agent_config", "strategy"), config.agent_config.strategy)]
    for index, entry in enumerate(config.agent_config.traders):
        if entry.strategy is not None:
            named.append((("agent_config", "traders", index, "strategy"), entry.strategy))
    for place, strategy in named:
        try:
            make_strategy(strategy, scale=TickScale(config.tick))
        except UserError as error:
            yield place, str(error)


def _money_beyond_ticks(config: SimulationConfig) -> Iterator[Finding]:
    """Amounts that the tick size cannot count."""
    scale = TickScale(config.tick)
    amounts: dict[KeyPath, float] = {
        ("agent_config", key): getattr(config.agent_config, key)
        for key in ("buyer_base_value", "seller_base_value", "buyer_initial_cash", "seller_initial_cash")
    }
    for path, highest in _highest_prices(config):
        amounts[path] = highest
        if highest < config.tick:
            yield path, f"expected at least tick_size, {config.tick}"
    for place, amount in amounts.items():
        try:
            scale.floor(amount)
        except ValueError as error:
            yield place, f"{error}; choose a larger tick_size"


def _highest_prices(config: SimulationConfig) -> Iterator[tuple[KeyPath, float]]:
    """The limits of price that markets and negotiations set."""
    for name in config.environment_order:
        entry = config.environment_configs[name]
        for within in ((), ("negotiation",)):
            terms = getattr(entry, within[0], None) if within else entry
            highest = getattr(terms, "max_price", None)
            if highest is not None:
                yield ("environment_configs", name, *within, "max_price"), highest


def stored_config(
    known: Run,
    overrides: Sequence[tuple[str, object]] = (),
    further_checks: FurtherChecks | None = None,
) -> SimulationConfig:
    """The configuration that a stored run began with, single keys replaced.

    Raises:
        ConfigError: an override that cannot be.
    """
    loaded = config_from_mapping(
        known.config,
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
        overrides=overrides,
        name=f"run {known.run_id}",
        further_checks=further_checks,
    )
    return loaded.config


def earlier_rounds(database: Database, run_id: str) -> tuple[EarlierRounds, ...]:
    """The rounds that a fork shares with its ancestors, in order; none for a run that is no fork."""
    ancestors = reversed(lineage(database, run_id))
    return tuple(EarlierRounds(stored_config(known.run), known.before_round) for known in ancestors)
