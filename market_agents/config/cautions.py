"""Warnings about what is allowed but may not be meant."""

from __future__ import annotations

from collections.abc import Iterator

from market_agents.config.checks import OLD_CLIENTS
from market_agents.config.findings import Finding
from market_agents.config.goods import TradedGood, traded_goods
from market_agents.config.models import SimulationConfig
from market_agents.config.schedules import ScheduleConfig
from market_agents.yaml_source import KeyPath, shown


def warnings_in(config: SimulationConfig) -> Iterator[Finding]:
    """What is allowed but may not be meant."""
    yield from _population_warnings(config)
    for good in traded_goods(config):
        yield from _good_warnings(config, good)
    yield from _cash_warnings(config)
    for index, entry in enumerate(config.llm_configs):
        if entry.client in OLD_CLIENTS:
            message = f"{entry.client} is an old name; write openai, the base_url stays"
            yield ("llm_configs", index, "client"), message
    traded = {good.market: good.name for good in traded_goods(config)}
    for key, environment in config.environment_configs.items():
        path = ("environment_configs", key)
        if environment.name not in (None, key):
            yield (*path, "name"), f"differs from the key {key}; the key counts"
        good_name = getattr(environment, "good_name", None)
        if good_name not in (None, traded.get(key, good_name)):
            message = f"differs from agent_config.good_name; the agents' good {shown(traded[key])} is traded"
            yield (*path, "good_name"), message
    if config.database_config.db_password is not None:
        message = "a password in the file can be read by all who see it; move it into .env as DB_PASSWORD"
        yield ("database_config", "db_password"), message


def _population_warnings(config: SimulationConfig) -> Iterator[Finding]:
    buyers = config.agent_config.buyers_among(config.num_agents)
    if config.num_agents == 1:
        yield ("num_agents",), "one agent has nobody to talk or trade with"
    elif buyers in (0, config.num_agents):
        yield (
            ("agent_config", "buyer_share"),
            f"every agent is a {'buyer' if buyers else 'seller'}; nobody can trade",
        )


def _good_warnings(config: SimulationConfig, good: TradedGood) -> Iterator[Finding]:
    """Units that sellers lack, trade that nobody gains by, shocks that never come."""
    entry = config.environment_configs.get(good.market or "")
    own_goods = getattr(entry, "seller_initial_goods", None) is not None
    units = good.schedule.num_units
    if units is not None and good.seller_goods < units:
        home: KeyPath = ("environment_configs", str(good.market)) if own_goods else ("agent_config",)
        message = f"{good.seller_goods} goods do not cover a seller's {units} units"
        yield (*home, "seller_initial_goods"), message
    highest, lowest = _bounds(good.schedule)
    if highest is not None and lowest is not None and highest < lowest:
        plain = config.agent_config.schedule is None and good.path[0] == "agent_config"
        path = ("agent_config", "buyer_base_value") if plain else good.path
        yield (
            path,
            f"the highest value ({highest:g}) is below the lowest cost ({lowest:g}); no trade can gain",
        )
    last = min(config.max_rounds, good.last_round or config.max_rounds)
    for place, shock in enumerate(good.schedule.shocks):
        if shock.round > last:
            yield (
                (*good.path, "shocks", place, "round"),
                f"{good.name} is traded until round {last}; this shock never comes",
            )


def _bounds(schedule: ScheduleConfig) -> tuple[float | None, float | None]:
    """The highest value and the lowest cost that may come about; None where this room cannot tell."""
    match schedule:
        case ScheduleConfig(kind="base", buyer_base_value=float(value), seller_base_value=float(cost)):
            spread = schedule.base_value_spread or 0.0
            return value * (1 + spread), cost * (1 - spread)
        case ScheduleConfig(kind="steps"):
            return schedule.first_value, schedule.first_cost
        case ScheduleConfig(kind="uniform", value_range=(_, highest), cost_range=(lowest, _)):
            return highest, lowest
        case ScheduleConfig(kind="lists", buyers=tuple(buyers), sellers=tuple(sellers)):
            values = [value for units in buyers for value in units]
            costs = [cost for units in sellers for cost in units]
            return max(values, default=None), min(costs, default=None)
    return None, None


def _cash_warnings(config: SimulationConfig) -> Iterator[Finding]:
    """Cash that pays for less than a buyer may want, over all goods."""
    worth = sum(_worth(good.schedule) for good in traded_goods(config))
    cash = config.agent_config.buyer_initial_cash
    if cash < worth:
        message = f"cash of {cash:g} does not cover a buyer's units, worth up to {worth:g}"
        yield ("agent_config", "buyer_initial_cash"), message


def _worth(schedule: ScheduleConfig) -> float:
    """What one buyer's units may be worth at most, without the spread of base values; 0 where only others know."""
    if schedule.kind == "lists":
        return max((sum(units) for units in schedule.buyers or ()), default=0.0)
    firsts = {
        "base": schedule.buyer_base_value,
        "steps": schedule.first_value,
        "uniform": schedule.value_range and schedule.value_range[1],
    }
    return (schedule.num_units or 0) * (firsts.get(schedule.kind) or 0.0)
