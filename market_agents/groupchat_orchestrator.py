"""Runs group chats: a proposer names each cohort's topic, then the members talk, all at once or in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.steps.group_chat import (
    ChatActionStep,
    ChatFrame,
    ChatPerceptionStep,
    ChatReflectionStep,
    ChatTopicStep,
)
from market_agents.base_orchestrator import BaseOrchestrator, Turn
from market_agents.config import EnvironmentConfig
from market_agents.environments import Act, Event
from market_agents.environments.mechanisms.group_chat import (
    Cohort,
    CohortFormed,
    GroupChat,
    GroupChatEnvironment,
    MessagePosted,
    TopicSet,
)
from market_agents.insert_simulation_data import Where


class GroupChatConfig(EnvironmentConfig):
    """The group chat's keys."""

    initial_topic: str = Field("Market conditions", min_length=1, description="The topic, or its frame.")
    topic: Literal["proposed", "fixed"] = Field(
        "proposed",
        description="Whether a member proposes each round's topic within the frame, or it is fixed.",
    )
    form_cohorts: bool = Field(
        True, description="Whether agents talk in cohorts; false makes one cohort of all."
    )
    group_size: int = Field(4, ge=1, le=100_000, description="Largest cohort, 1 to 100,000.")
    cohorts: Literal["chance", "role"] = Field(
        "chance", description="How cohorts are formed: chance or role."
    )
    reshuffle: bool = Field(True, description="Whether each round forms new cohorts.")
    turns: Literal["simultaneous", "sequential"] = Field(
        "simultaneous", description="Whether members speak at the same time, or one after another."
    )
    message_window: int = Field(20, ge=1, le=1000, description="Messages that a prompt shows, 1 to 1,000.")


class GroupChatOrchestrator(BaseOrchestrator[GroupChatConfig]):
    """The discussions of all cohorts, round by round."""

    config_model: ClassVar[type[EnvironmentConfig]] = GroupChatConfig

    def make_environment(self) -> GroupChatEnvironment:
        """A group chat with the configured cohorts and topics."""
        config = self.config
        rounds = self.context.config.max_rounds
        self.mechanism = GroupChat(
            initial_topic=config.initial_topic,
            max_rounds=min(rounds, config.max_rounds or rounds),
            sub_rounds=config.sub_rounds,
            group_size=config.group_size if config.form_cohorts else None,
            cohorts=config.cohorts,
            reshuffle=config.reshuffle,
            topic=config.topic,
        )
        return GroupChatEnvironment(self.name, self.mechanism)

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        """The built-in minds' steps."""
        config = self.context.config
        goods = tuple(good.name for good in self.context.preferences.goods)
        frame = ChatFrame(
            good=goods[0],
            more_goods=goods[1:],
            sub_rounds=self.config.sub_rounds,
            window=self.config.message_window,
            tick=config.tick_size,
        )
        self._topic_step = ChatTopicStep(self.name, frame)
        return {
            "perception": ChatPerceptionStep(self.name, frame),
            "action": ChatActionStep(self.name, frame),
            "reflection": ChatReflectionStep(self.name, frame),
        }

    def has_mind(self, agent: MarketAgent) -> bool:  # noqa: ARG002  (a strategy cannot talk; its stand-in can)
        """Everybody speaks through a model or its stand-in."""
        return True

    async def open_round(self, round_number: int) -> None:
        """Each cohort's proposer names the topic; where that fails, the configured one stands."""
        if self.config.topic == "fixed":
            return
        by_id = {agent.id: agent for agent in self.agents}
        proposers = [by_id[cohort.proposer_id] for cohort in self.mechanism.cohorts]
        thoughts = await self.side_by_side(
            proposers, lambda agent: self.think(agent, self._topic_step, round_number, 0)
        )
        keys = {agent.id: thought.request_key for agent, thought in zip(proposers, thoughts, strict=True)}
        for agent, thought in zip(proposers, thoughts, strict=True):
            if thought.verdict:
                self.display.abstention(agent.id, thought.verdict, thought.reason)
        self._keep_configured_topics()
        self.record_events(Where(self.name, round_number), keys)

    def _keep_configured_topics(self) -> None:
        self.mechanism.begin_sub_round(0)

    async def take_turns(self, round_number: int, sub_round: int) -> tuple[list[Turn], dict[str, list[Act]]]:
        """All speak at once or, in sequential turns, one after another within each cohort."""
        if self.config.turns == "simultaneous":
            return await super().take_turns(round_number, sub_round)
        by_id = {agent.id: agent for agent in self.agents}
        self.environment.open_turn(simultaneous=False)

        async def discuss(cohort: Cohort) -> list[Turn]:
            return [
                await self.take_turn(by_id[member], round_number, sub_round)
                for member in self._speaking_order(cohort, round_number, sub_round)
            ]

        spoken = await self.side_by_side(self.mechanism.cohorts, discuss)
        turns = {turn.agent.id: turn for cohort in spoken for turn in cohort}
        acts = self.environment.close_turn(self.draws("order", round_number, sub_round))
        return [turns[agent.id] for agent in self.agents], acts

    def _speaking_order(self, cohort: Cohort, round_number: int, sub_round: int) -> list[str]:
        order = list(cohort.members)
        self.draws("speakers", round_number, sub_round, cohort.cohort_id).shuffle(order)
        return order

    def end_round(self, round_number: int) -> None:
        """Let every member take what it heard to the market."""
        for agent in self.agents:
            heard = self.mechanism.visible_messages(agent.id, last=self.context.config.memory.messages)
            agent.memory.hear(round_number, self.name, heard)

    def ordered(self, events: list[Event]) -> list[Event]:
        """Cohorts talk side by side: what they did is told cohort by cohort, not by who was faster."""
        return sorted(events, key=_place)

    def name_of(self, action: Mapping[str, object]) -> str:
        """A message; a topic is recorded in its own table."""
        return "topic" if "topic" in action else "message"

    def told(self, act: Act) -> object:
        """The verdict; what was visible is in the table of messages."""
        return {key: act.told[key] for key in ("status", "reason", "message_id") if key in act.told}


def _place(event: Event) -> tuple[int, str, int]:
    match event:
        case CohortFormed(cohort_id=cohort_id):
            return 0, cohort_id, 0
        case TopicSet(cohort_id=cohort_id):
            return 1, cohort_id, 0
        case MessagePosted(message_id=message_id):
            return 2, "", message_id
    raise TypeError(f"a group chat decides no {type(event).__name__}")
