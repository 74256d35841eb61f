"""Agents with a served or scripted mind, and their steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.environments.mechanisms.group_chat import GroupChatEnvironment
from market_agents.inference import LLMOrchestrator
from tests.inference.doors import (
    CONFIG,
    ScriptedProvider,
    completion,
    in_turn,
    scripted_door,
    served_door,
)
from tests.minds.builders import AUCTION_FRAME, CHAT_FRAME, discussion, trader
from tests.rig.fake_model_client import FakeModel

CHAT = "group_chat"
AUCTION = "auction"


def served(model: FakeModel, **changes: Any) -> LLMOrchestrator:
    return LLMOrchestrator(served_door(model.base_url), CONFIG, **changes)


def scripted(*answers: dict[str, Any]) -> LLMOrchestrator:
    """A mind that gives these answers one after the other."""
    provider = ScriptedProvider(in_turn(*(completion(json.dumps(answer)) for answer in answers)))
    return LLMOrchestrator(scripted_door(provider), CONFIG, max_asks=1)


def speaking(message: str, recipient: str = "all", **more: Any) -> dict[str, Any]:
    return {"message": message, "recipient_id": recipient, "sentiment": "neutral"} | more


def chat_step(kind: Callable[..., CognitiveStep]) -> CognitiveStep:
    return kind(CHAT, CHAT_FRAME)


def auction_step(kind: Callable[..., CognitiveStep]) -> CognitiveStep:
    return kind(AUCTION, AUCTION_FRAME)


def talkers(mind: LLMOrchestrator) -> tuple[MarketAgent, MarketAgent, GroupChatEnvironment]:
    ann, bob = trader("ann", mind=mind), trader("bob", "seller", (8_000,))
    return ann, bob, discussion([ann, bob])
