"""An environment in which agents write letters: the second writes to the first, the first answers a round later."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from market_agents.agents.cognitive_steps import ActionStep, CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols import ACLMessage, Performative
from market_agents.base_orchestrator import BaseOrchestrator
from market_agents.config import EnvironmentConfig
from market_agents.environments import Environment, Mechanism, Observation


class Silence(Mechanism[str]):
    """Nothing happens here but mail."""

    def join(self, agent_id: str, role: str) -> None:
        """Everybody may write."""

    def check(self, agent_id: str, action: Mapping[str, object]) -> str:
        return str(action["read"])

    def apply(self, agent_id: str, action: str) -> Observation:
        return {"status": "accepted", "read": action}

    def observe(self, agent_id: str) -> Observation:
        return {"round": self.round}

    def global_state(self) -> Observation:
        return {"round": self.round}


class Correspond(ActionStep):
    """Reads the mail, then writes to the first agent; those who are asked for ``late`` come last."""

    late: ClassVar[tuple[str, ...]] = ()

    async def execute(self, agent: MarketAgent) -> None:
        for _ in range(5 if agent.id in self.late else 0):
            await asyncio.sleep(0)
        mail = await agent.receive_messages()
        agent.environments[self.environment_name].step(
            {"read": ", ".join(message.sender for message in mail)}
        )
        for message in mail:
            await agent.send_message(
                ACLMessage(
                    sender=agent.id, receiver=message.sender, content="thanks", in_reply_to=message.reply_with
                )
            )
        if agent.id != "agent_1":
            await agent.send_message(
                ACLMessage(
                    sender=agent.id,
                    receiver="agent_1",
                    content="hello",
                    performative=Performative.QUERY,
                    reply_with="q",
                )
            )


class LetterOrchestrator(BaseOrchestrator[EnvironmentConfig]):
    """Runs the correspondence."""

    config_model: ClassVar[type[EnvironmentConfig]] = EnvironmentConfig

    def make_environment(self) -> Environment[str]:
        return Environment(self.name, Silence())

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        return {"action": Correspond(self.name)}
