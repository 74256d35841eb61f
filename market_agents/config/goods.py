"""Which goods a run has, and on which terms agents hold them from round to round."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydantic import Field

from market_agents.config.fields import Goods, Renewal, Text
from market_agents.config.models import EnvironmentConfig, SimulationConfig
from market_agents.config.negotiation import negotiating
from market_agents.config.schedules import ScheduleConfig
from market_agents.config.sections import AgentConfig
from market_agents.yaml_source import KeyPath


class MarketConfig(EnvironmentConfig):
    """The keys of every environment in which a good has its market."""

    good_name: Text | None = Field(
        default=None,
        description="The good traded here; null means agent_config.good_name, which counts where this is the only "
        "market and has no schedule of its own.",
    )
    renewal: Renewal = Field(
        default="endowment",
        description="What a round starts with: endowment (cash, goods and units as at first), units (units and the "
        "sellers' goods, cash carries over), none.",
    )
    schedule: ScheduleConfig | None = Field(
        default=None, description="Values and costs of this market's good; null means agent_config.schedule."
    )
    buyer_initial_goods: Goods | None = Field(
        default=None,
        description="A buyer's units of this market's good, 0 to 1e9; null means agent_config.buyer_initial_goods.",
    )
    seller_initial_goods: Goods | None = Field(
        default=None,
        description="A seller's units of this market's good, 0 to 1e9; null means agent_config.seller_initial_goods.",
    )


@dataclass(frozen=True, slots=True)
class TradedGood:
    """A good of the run.

    Attributes:
        name: as it stands in the tables.
        market: the environment in which it is traded; None where the run has no market.
        renewal: what a round starts with.
        last_round: the last round in which it is traded; None for the run's last.
        schedule: values and costs; of kind base, every key of that kind is set.
        buyer_goods: a buyer's endowment, in units.
        seller_goods: a seller's endowment, in units.
        path: where its schedule stands in the configuration.
    """

    name: str
    market: str | None = None
    renewal: Renewal = "endowment"
    last_round: int | None = None
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    buyer_goods: int = 0
    seller_goods: int = 0
    path: KeyPath = ("agent_config", "schedule")

    def endowment(self, role: str) -> int:
        """Units that an agent of a role starts with."""
        return self.buyer_goods if role == "buyer" else self.seller_goods


def markets_of(config: SimulationConfig) -> dict[str, MarketConfig]:
    """The run's markets under their names, in order."""
    entries = ((name, config.environment_configs[name]) for name in config.environment_order)
    return {name: entry for name, entry in entries if isinstance(entry, MarketConfig)}


def traded_goods(config: SimulationConfig) -> tuple[TradedGood, ...]:
    """The goods of a run, in the order of their markets; without a market, the good that agents own.

    Files of earlier versions named a good in their one market, and agents traded their own: so ``good_name`` of a
    market counts only where the run has several, or where the market has a schedule of its own.
    """
    agents, markets = config.agent_config, markets_of(config)
    if not markets:
        return (_good(agents, agents.good_name, *_market_of_talk(config)),)
    first, *others = (
        _good(agents, _name(agents, entry, alone=len(markets) == 1), market, entry)
        for market, entry in markets.items()
    )
    # Where agents talk on about a good, it stays open for as long as they do.
    rounds = [first.last_round, *(entry.max_rounds for entry in negotiating(config).values())]
    last_round = None if None in rounds else max(number for number in rounds if number is not None)
    return replace(first, last_round=last_round), *others


def _market_of_talk(config: SimulationConfig) -> tuple[str | None, MarketConfig]:
    """Without an auction, the first chat whose members may trade is the market."""
    for name, entry in negotiating(config).items():
        renewal = entry.negotiation.renewal or "endowment"
        return name, MarketConfig(renewal=renewal, max_rounds=entry.max_rounds)
    return None, MarketConfig()


def _name(agents: AgentConfig, entry: MarketConfig, *, alone: bool) -> str:
    decisive = not alone or entry.schedule is not None
    return entry.good_name if decisive and entry.good_name is not None else agents.good_name


def _good(agents: AgentConfig, name: str, market: str | None, entry: MarketConfig) -> TradedGood:
    def or_common(key: str) -> int:
        own = getattr(entry, key)
        return int(getattr(agents, key) if own is None else own)

    own = market is not None and entry.schedule is not None
    return TradedGood(
        name=name,
        market=market,
        renewal=entry.renewal,
        last_round=entry.max_rounds,
        schedule=_filled(entry.schedule or agents.schedule or ScheduleConfig(), agents),
        buyer_goods=or_common("buyer_initial_goods"),
        seller_goods=or_common("seller_initial_goods"),
        path=("environment_configs", market, "schedule") if own and market else ("agent_config", "schedule"),
    )


def _filled(schedule: ScheduleConfig, agents: AgentConfig) -> ScheduleConfig:
    """The schedule with agent_config's keys where it leaves them out."""
    shared = {"base": _BASE, "steps": ("num_units",), "uniform": ("num_units",)}.get(schedule.kind, ())
    missing = {key: getattr(agents, key) for key in shared if getattr(schedule, key) is None}
    return schedule.model_copy(update=missing)


_BASE = ("num_units", "buyer_base_value", "seller_base_value", "base_value_spread", "noise_factor")
