"""A group chat in which one agent whispers what the configuration says, instead of what a model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.steps.group_chat import ChatActionStep
from market_agents.groupchat_orchestrator import GroupChatConfig, GroupChatOrchestrator

WHISPERER, LISTENER = "agent_1", "agent_2"


class WhisperConfig(GroupChatConfig):
    whisper: str = Field("psst", min_length=1, description="What is whispered in the first turn.")


class WhisperingStep(ChatActionStep):
    """Everybody acts as ever, but for the whisperer."""

    whisper = ""

    async def execute(self, agent: MarketAgent) -> object:  # type: ignore[override]
        if agent.id != WHISPERER:
            return await super().execute(agent)
        return {"message": self.whisper, "recipient_id": LISTENER}


class WhisperingChat(GroupChatOrchestrator):
    config_model: ClassVar[type[GroupChatConfig]] = WhisperConfig

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        steps = super().make_steps()
        ordinary = steps["action"]
        assert isinstance(ordinary, ChatActionStep)
        assert isinstance(self.config, WhisperConfig)
        whispering = WhisperingStep(self.name, ordinary.frame)
        whispering.whisper = self.config.whisper
        return {**steps, "action": whispering}
