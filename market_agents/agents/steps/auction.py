"""How an agent with a model sees, enters and looks back on a double auction."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from market_agents.agents.cognitive_steps import (
    ActionStep,
    CognitiveStep,
    PerceptionStep,
    ReflectionStep,
    chat_prompt,
    render_memory,
    render_messages,
    with_article,
)
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import AuctionAction, Deal, Perception, Reflection
from market_agents.agents.steps.auction_stand_in import (
    in_schema,
    stand_in_action,
    stand_in_deal,
    stand_in_perception,
    stand_in_reflection,
)
from market_agents.agents.steps.auction_words import AuctionFrame, action_schema, market_in_words, open_units
from market_agents.agents.steps.group_chat import render_perception
from market_agents.agents.steps.looking_back import look_back
from market_agents.agents.steps.talk import about, concession, expected_price
from market_agents.inference import Decision

__all__ = [
    "AuctionActionStep",
    "AuctionFrame",
    "AuctionPerceptionStep",
    "AuctionReflectionStep",
    "stand_in_action",
]


class _AuctionStep(CognitiveStep):
    """What the auction's steps share: the system prompt, and the market as the agent sees it."""

    def __init__(self, environment_name: str, frame: AuctionFrame) -> None:
        super().__init__(environment_name)
        self.frame = frame

    def observe(self, agent: MarketAgent) -> dict[str, Any]:
        """The market as the agent sees it now; the agent remembers the last price."""
        state = super().observe(agent)
        agent.memory.see_price(state.get("last_price"), self.frame.good)
        return state

    def system(self, agent: MarketAgent) -> str:
        return agent.prompts.render(
            "auction_system",
            agent_id=agent.id,
            role_with_article=with_article(agent.role),
            persona=agent.persona,
            **self.frame.in_words(),
        )

    def user(self, name: str, agent: MarketAgent, state: Mapping[str, Any], **values: object) -> str:
        said = render_messages(agent.memory.heard(state["round"]))
        return agent.prompts.render(
            name,
            memory=render_memory(agent.memory, self.environment_name),
            heard=f"What was said before the market opened\n{said}" if said else "",
            observation=market_in_words(state, self.frame.rounds),
            **values,
        )

    def expectation(self, agent: MarketAgent, state: Mapping[str, Any]) -> float | None:
        """Where the stand-in expects the price."""
        heard = [
            message for message in agent.memory.heard(state["round"]) if message["sender_id"] != agent.id
        ]
        if self.frame.one_of_several:
            heard = about(self.frame.good, heard)
        return expected_price(agent.memory.strategy(self.environment_name), heard, state.get("last_price"))


class AuctionPerceptionStep(_AuctionStep, PerceptionStep):
    """The agent looks at the market."""

    async def execute(self, agent: MarketAgent) -> Decision[Perception]:
        """Ask for a perception and keep it for the action."""
        agent.perceptions.pop(self.environment_name, None)
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("auction_perception", agent, state))
        rule = partial(stand_in_perception, self.expectation(agent, state), len(open_units(state)))
        decision = await agent.llm_orchestrator.decide(messages, Perception, rule)
        agent.perceptions[self.environment_name] = decision.value
        return decision


class AuctionActionStep(_AuctionStep, ActionStep):
    """The agent bids, asks, holds or cancels; where it may take a quote, it accepts or holds."""

    async def execute(self, agent: MarketAgent) -> Decision[AuctionAction] | Decision[Deal]:
        """Ask for an action and take it to the market."""
        state = self.observe(agent)
        return await (self._deal(agent, state) if state.get("may_accept") else self._quote(agent, state))

    async def _quote(self, agent: MarketAgent, state: Mapping[str, Any]) -> Decision[AuctionAction]:
        user = self.user(
            "auction_action",
            agent,
            state,
            perception=self._perception(agent),
        )
        rule = partial(
            stand_in_action,
            dict(state),
            self.expectation(agent, state),
            self.frame.opening_spread,
            must_improve=self.frame.must_improve,
            truthful=self.frame.institution == "mcafee",
            yielding=concession(agent.memory.strategy(self.environment_name)),
        )
        messages = chat_prompt(self.system(agent), user)
        schema = action_schema(self.frame)
        decision = await agent.llm_orchestrator.decide(messages, schema, in_schema(schema, rule, state))
        agent.environments[self.environment_name].step(decision.value.model_dump(exclude={"reasoning"}))
        return decision

    async def _deal(self, agent: MarketAgent, state: Mapping[str, Any]) -> Decision[Deal]:
        user = self.user("auction_deal", agent, state, perception=self._perception(agent))
        messages = chat_prompt(self.system(agent), user)
        decision = await agent.llm_orchestrator.decide(messages, Deal, partial(stand_in_deal, dict(state)))
        agent.environments[self.environment_name].step({"action": decision.value.action})
        return decision

    def _perception(self, agent: MarketAgent) -> str:
        return render_perception(agent.perceptions.get(self.environment_name))


class AuctionReflectionStep(_AuctionStep, ReflectionStep):
    """The agent looks back on the round's trading."""

    async def execute(self, agent: MarketAgent) -> Decision[Reflection]:
        """Ask for a reflection and remember it."""
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("auction_reflection", agent, state))
        rule = partial(
            stand_in_reflection,
            dict(state),
            self.expectation(agent, state),
            yielding=concession(agent.memory.strategy(self.environment_name)),
        )
        return await look_back(agent, self.environment_name, state["round"], messages, rule)
