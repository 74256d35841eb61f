"""Which goods a run has, and on which terms agents hold them from round to round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from market_agents.config.fields import Text
from market_agents.config.models import EnvironmentConfig, SimulationConfig

Renewal = Literal["endowment", "units", "none"]


class MarketConfig(EnvironmentConfig):
    """The keys of every environment in which a good has its market."""

    good_name: Text | None = Field(
        default=None, description="A label of old files; agents trade agent_config.good_name."
    )
    renewal: Renewal = Field(
        default="endowment",
        description="What a round starts with: endowment (cash, goods and units as at first), units (units and the "
        "sellers' goods, cash carries over), none.",
    )


@dataclass(frozen=True, slots=True)
class TradedGood:
    """A good of the run.

    Attributes:
        name: as it stands in the tables.
        market: the environment in which it is traded; None where the run has no market.
        renewal: what a round starts with.
        last_round: the last round in which it is traded; None for the run's last.
    """

    name: str
    market: str | None = None
    renewal: Renewal = "endowment"
    last_round: int | None = None


def traded_goods(config: SimulationConfig) -> tuple[TradedGood, ...]:
    """The goods of a run, in the order of their markets; without a market, the good that agents own."""
    return tuple(
        TradedGood(config.agent_config.good_name, name, entry.renewal, entry.max_rounds)
        for name, entry in markets_of(config).items()
    ) or (TradedGood(config.agent_config.good_name),)


def markets_of(config: SimulationConfig) -> dict[str, MarketConfig]:
    """The run's markets under their names, in order."""
    entries = ((name, config.environment_configs[name]) for name in config.environment_order)
    return {name: entry for name, entry in entries if isinstance(entry, MarketConfig)}
