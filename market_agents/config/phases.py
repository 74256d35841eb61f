"""A fork's configurations: the parent's for the rounds they have in common, its own from there on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from market_agents.config.goods import traded_goods
from market_agents.config.hashing import changed_keys, config_to_mapping
from market_agents.config.models import SimulationConfig
from market_agents.config.schedules import ScheduleConfig
from market_agents.yaml_source import KeyPath, shown_path

_FREE = {"environment_configs", "environment_order", "judge", "max_rounds", "max_asks", "memory", "tool_mode"}
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


def refused_overrides(parent: SimulationConfig, fork: SimulationConfig, at_round: int) -> list[str]:
    """The keys in which a fork must not differ, since they decide who takes part or what is there to begin with.

    Args:
        parent: the configuration of the run that is forked.
        fork: that of the rounds from ``at_round`` on.
        at_round: the first round of the fork's own; shocks from there on may differ.
    """
    paths = changed_keys(config_to_mapping(parent), config_to_mapping(fork))
    common = set(parent.environment_order) & set(fork.environment_order)
    same_units = _drawn(parent, at_round) == _drawn(fork, at_round)
    refused = [
        path[: path.index("schedule") + 1] if "schedule" in path else path
        for path in paths
        if not (_may_differ(path, common) or ("schedule" in path and same_units))
    ]
    return list(dict.fromkeys(map(shown_path, refused)))


def _may_differ(path: KeyPath, common: Collection[str]) -> bool:
    if path[0] == "llm_configs":
        return len(path) > 2 and path[2] not in _OF_THE_POPULATION
    if path[0] == "environment_configs" and path[1] in common:
        return path[2] not in {"type", *_OF_THE_ENDOWMENT}
    return path[0] in _FREE


def _drawn(config: SimulationConfig, at_round: int) -> list[tuple[str, ScheduleConfig]]:
    """Each good's schedule, of its shocks only those before a round."""
    found = []
    for good in traded_goods(config):
        before = tuple(shock for shock in good.schedule.shocks if shock.round < at_round)
        found.append((good.name, good.schedule.model_copy(update={"shocks": before})))
    return found
