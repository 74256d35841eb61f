"""Warnings about what is allowed but may not be meant."""

from __future__ import annotations

from collections.abc import Iterator

from market_agents.config.findings import Finding
from market_agents.config.models import SimulationConfig
from market_agents.config.sections import AgentConfig
from market_agents.yaml_source import shown


def warnings_in(config: SimulationConfig) -> Iterator[Finding]:
    """What is allowed but may not be meant."""
    yield from _population_warnings(config)
    yield from _endowment_warnings(config.agent_config)
    for index, entry in enumerate(config.llm_configs):
        if entry.client != entry.provider:
            message = f"{entry.client} is an old name; write openai, the base_url stays"
            yield ("llm_configs", index, "client"), message
    for key, environment in config.environment_configs.items():
        path = ("environment_configs", key)
        if environment.name not in (None, key):
            yield (*path, "name"), f"differs from the key {key}; the key counts"
        good = getattr(environment, "good_name", None)
        if good not in (None, config.agent_config.good_name):
            traded = shown(config.agent_config.good_name)
            yield (
                (*path, "good_name"),
                f"differs from agent_config.good_name; the agents' good {traded} is traded",
            )
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


def _endowment_warnings(agents: AgentConfig) -> Iterator[Finding]:
    path = ("agent_config",)
    if agents.seller_initial_goods < agents.num_units:
        message = f"{agents.seller_initial_goods} goods do not cover a seller's {agents.num_units} units"
        yield (*path, "seller_initial_goods"), message
    worth = agents.num_units * agents.buyer_base_value
    if agents.buyer_initial_cash < worth:
        message = (
            f"cash of {agents.buyer_initial_cash:g} does not cover a buyer's units, worth up to {worth:g}"
        )
        yield (*path, "buyer_initial_cash"), message
    highest = agents.buyer_base_value * (1 + agents.base_value_spread)
    lowest = agents.seller_base_value * (1 - agents.base_value_spread)
    if highest < lowest:
        message = f"the highest value ({highest:g}) is below the lowest cost ({lowest:g}); no trade can gain"
        yield (*path, "buyer_base_value"), message
