"""A fork's configurations: the parent's for the rounds they have in common, its own from there on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from market_agents.config.hashing import changed_keys, config_to_mapping
from market_agents.config.models import SimulationConfig
from market_agents.yaml_source import KeyPath, shown_path

_FREE = {"environment_configs", "environment_order", "max_rounds", "max_asks", "tool_mode"}
_OF_THE_POPULATION = {"name", "client", "weight"}
_OF_THE_ENDOWMENT = {"good_name", "schedule", "buyer_initial_goods", "seller_initial_goods"}


@dataclass(frozen=True)
class EarlierRounds:
    """The rounds before ``before_round``, and the configuration under which they ran."""

    config: SimulationConfig
    before_round: int


def config_of_round(
    round_number: int, config: SimulationConfig, earlier: Sequence[EarlierRounds]
) -> SimulationConfig:
    """The configuration of a round.

    Args:
        round_number: from 1.
        config: the run's own.
        earlier: in the order of their rounds; empty for a run that is no fork.
    """
    return next((phase.config for phase in earlier if round_number < phase.before_round), config)


def refused_overrides(parent: SimulationConfig, fork: SimulationConfig) -> list[str]:
    """The keys in which a fork must not differ, since they decide who takes part or what is there to begin with."""
    paths = changed_keys(config_to_mapping(parent), config_to_mapping(fork))
    common = set(parent.environment_order) & set(fork.environment_order)
    return [shown_path(path) for path in paths if not _may_differ(path, common)]


def _may_differ(path: KeyPath, common: Collection[str]) -> bool:
    if path[0] == "llm_configs":
        return len(path) > 2 and path[2] not in _OF_THE_POPULATION
    if path[0] == "environment_configs" and path[1] in common:
        return path[2] not in {"type", *_OF_THE_ENDOWMENT}
    return path[0] in _FREE
