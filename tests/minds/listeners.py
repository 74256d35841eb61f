"""A mind whose prompts are kept, and the prompts it was given."""

from __future__ import annotations

from typing import Any

import pytest

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.steps.auction import AuctionActionStep
from market_agents.agents.steps.group_chat import ChatActionStep, ChatFrame
from market_agents.inference import LLMOrchestrator
from tests.inference.doors import CONFIG, ScriptedProvider, always, scripted_door
from tests.minds.builders import AUCTION_FRAME, CHAT_FRAME, trader


def listening(**changes: Any) -> tuple[MarketAgent, ScriptedProvider]:
    """A buyer, and the provider that keeps what the buyer's mind is asked; its answers are useless."""
    provider = ScriptedProvider(always("no"))
    mind = LLMOrchestrator(scripted_door(provider), CONFIG, max_asks=1)
    return trader("ann", mind=mind, **changes), provider


async def chat_user(agent: MarketAgent, provider: ScriptedProvider, frame: ChatFrame = CHAT_FRAME) -> str:
    with pytest.raises(Exception, match="invalid"):
        await agent.run_step(ChatActionStep("group_chat", frame), "group_chat")
    return provider.asked[-1].messages[-1]["content"]


async def auction_user(agent: MarketAgent, provider: ScriptedProvider) -> str:
    with pytest.raises(Exception, match="invalid"):
        await agent.run_step(AuctionActionStep("auction", AUCTION_FRAME), "auction")
    return provider.asked[-1].messages[-1]["content"]
