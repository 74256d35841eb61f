"""Populations, discussions and markets in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from market_agents.agents.generation import generate_agents
from market_agents.agents.market_agent import Endowment, MarketAgent
from market_agents.agents.steps.auction import AuctionFrame
from market_agents.agents.steps.group_chat import ChatFrame
from market_agents.config import AgentConfig, SimulationConfig
from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.auction import AuctionEnvironment, DoubleAuction
from market_agents.environments.mechanisms.group_chat import GroupChat, GroupChatEnvironment
from market_agents.inference import LLMOrchestrator
from market_agents.memory import Memory

GOOD = "strawberry"
CHAT_FRAME = ChatFrame(good=GOOD, sub_rounds=2, window=20, tick=0.01)
AUCTION_FRAME = AuctionFrame(
    good=GOOD,
    institution="midpoint",
    order_lifetime="round",
    rounds=3,
    sub_rounds=1,
    renewal="endowment",
    tick_size="0.01",
    opening_spread=0.2,
)


def config(agents: int = 4, *, seed: int | None = 7, **changes: Any) -> SimulationConfig:
    """A configuration with one environment; keys of ``agent_config`` are given as a mapping of that name."""
    return SimulationConfig.model_validate(
        {
            "num_agents": agents,
            "max_rounds": 3,
            "environment_order": ["group_chat"],
            "environment_configs": {"group_chat": {}},
            "seed": seed,
        }
        | changes
    )


def population(agents: int = 4, **changes: Any) -> list[MarketAgent]:
    return generate_agents(config(agents, **changes))


def likeness(agent: MarketAgent) -> tuple[object, ...]:
    """All that a run decides of an agent before its first round."""
    return (
        agent.id,
        agent.index,
        agent.role,
        str(agent.persona),
        agent.units,
        agent.endowment,
        agent.llm_config.name,
    )


def trader(
    name: str,
    role: str = "buyer",
    units: Sequence[int] = (12_000, 11_000),
    *,
    mind: LLMOrchestrator | None = None,
    memory: Memory | None = None,
) -> MarketAgent:
    """Somebody with a thousand in cash or ten goods; values or costs in hundredths."""
    endowment = Endowment(100_000) if role == "buyer" else Endowment(0, {GOOD: 10})
    return MarketAgent(
        name,
        role,
        f"{name.title()} is calm.",
        endowment=endowment,
        units={GOOD: units},
        llm_orchestrator=mind,
        memory=memory,
    )


def discussion(agents: Sequence[MarketAgent], topic: str = "Prices") -> GroupChatEnvironment:
    """A chat of all in its first turn."""
    chat = GroupChatEnvironment(mechanism=GroupChat(initial_topic=topic, max_rounds=3, sub_rounds=2))
    chat.join(agents)
    chat.mechanism.begin_round(1, Random(1))
    chat.mechanism.begin_sub_round(1)
    return chat


def market(
    agents: Sequence[MarketAgent],
    institution: str = "midpoint",
    *,
    market_orders: bool = False,
    quotes_per_trader: int = 1,
) -> AuctionEnvironment:
    """A double auction of all in its first turn."""
    accounts = Accounts([GOOD])
    for agent in agents:
        accounts.open(agent.id, agent.endowment.cash, agent.endowment.goods)
    mechanism = DoubleAuction(
        good=GOOD,
        accounts=accounts,
        institution=institution,
        tick_size=Decimal("0.01"),
        market_orders=market_orders,
        quotes_per_trader=quotes_per_trader,
    )
    auction = AuctionEnvironment(mechanism=mechanism)
    auction.join(agents)
    for agent in agents:
        mechanism.open_units(agent.id, agent.units_of(GOOD))
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    return auction


def agent_config(**keys: Any) -> Mapping[str, AgentConfig]:
    return {"agent_config": AgentConfig(**keys)}
