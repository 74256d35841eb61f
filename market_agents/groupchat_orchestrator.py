"""Runs group chats: a proposer names each cohort's topic, then the members talk, all at once or in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.generation import minds
from market_agents.agents.market_agent import OFFLINE, MarketAgent
from market_agents.agents.schemas import SpeakingRequest
from market_agents.agents.steps.chat_rules import ChatRules
from market_agents.agents.steps.group_chat import (
    ChatActionStep,
    ChatFrame,
    ChatPerceptionStep,
    ChatReflectionStep,
    ChatRequestStep,
    ChatTopicStep,
)
from market_agents.agents.steps.market_words import move_in_words
from market_agents.agents.steps.moderation import DEFAULT_INSTRUCTIONS, MODERATOR, Moderator
from market_agents.base_orchestrator import BaseOrchestrator, Thought, Turn
from market_agents.config import EnvironmentConfig
from market_agents.config.group_chat import GroupChatConfig
from market_agents.environments import Act, Event
from market_agents.environments.mechanisms.group_chat import (
    Attendance,
    AttendanceChanged,
    ChatTreatment,
    Cohort,
    CohortFormed,
    DiscussionEnded,
    GroupChat,
    GroupChatEnvironment,
    MessagePosted,
    ModerationRule,
    TopicSet,
)
from market_agents.environments.mechanisms.negotiation import is_negotiation
from market_agents.errors import UserError
from market_agents.inference import Decision, LLMOrchestrator, Scope, asking
from market_agents.insert_simulation_data import ChatTurn, Where
from market_agents.memory import MemoryEntry, MemoryKind
from market_agents.negotiation_orchestrator import NegotiationPart
from market_agents.rng import drawn_order
from market_agents.turns import all_of

__all__ = ["GroupChatConfig", "GroupChatOrchestrator"]

SIDES = {"buyers": "buyer", "sellers": "seller"}


class GroupChatOrchestrator(BaseOrchestrator[GroupChatConfig]):
    """The discussions of all cohorts, round by round."""

    config_model: ClassVar[type[EnvironmentConfig]] = GroupChatConfig

    def make_environment(self) -> GroupChatEnvironment:
        """A group chat with the configured cohorts, topics and treatments; its members are the participants."""
        config = self.config
        rounds = self.context.config.max_rounds
        self.agents = self.context.agents
        if config.participants != "all":
            side = SIDES[config.participants]
            self.agents = [agent for agent in self.agents if agent.role == side]
            if not self.agents:
                raise UserError(
                    f"{self.name}: participants are {config.participants}, and this run has none; "
                    "change participants or agent_config.buyer_share"
                )
        self._by_id = {agent.id: agent for agent in self.agents}
        self._moderator = self._make_moderator()
        self._objections: dict[int, str] = {}
        self._negotiation = (
            NegotiationPart(self, config.negotiation, is_simultaneous=config.turns == "simultaneous")
            if config.negotiation.binding
            else None
        )
        make_chat = GroupChat if self._negotiation is None else self._negotiation.chat
        self.mechanism: GroupChat = make_chat(
            initial_topic=config.initial_topic,
            max_rounds=min(rounds, config.max_rounds or rounds),
            sub_rounds=config.sub_rounds,
            group_size=config.group_size if config.form_cohorts else None,
            cohorts=config.cohorts,
            reshuffle=config.reshuffle,
            topic=config.topic,
            treatment=self._treatment(),
            window=config.message_window,
        )
        return GroupChatEnvironment(self.name, self.mechanism)

    def _treatment(self) -> ChatTreatment:
        config = self.config
        rule = config.moderator
        return ChatTreatment(
            delay=config.delay,
            scramble=config.scramble,
            private_only=config.private_only,
            moderation=None if rule is None else ModerationRule(rule.block, rule.max_length),
            is_judged=self._moderator is not None,
            leaving=config.leaving,
            is_simultaneous=config.turns == "simultaneous",
            attendance={
                agent: Attendance(entry.joins, entry.leaves)
                for entry in config.attendance
                for agent in entry.agents
            },
        )

    def _make_moderator(self) -> Moderator | None:
        """The model that judges what is said, if the configuration names one."""
        wanted = self.config.moderator
        if wanted is None or wanted.model is None:
            return None
        run = self.context.config
        # Without models in the run, the stand-in moderates too.
        entry = next((entry for entry in minds(run) if entry.name == wanted.model), OFFLINE)
        mind = LLMOrchestrator(
            self.context.door,
            entry,
            max_asks=run.max_asks,
            tool_mode=run.tool_mode if entry.tool_mode is None else entry.tool_mode,
        )
        return Moderator(mind, wanted.instructions or DEFAULT_INSTRUCTIONS, self.context.agents[0].prompts)

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
            rules=ChatRules(
                participants=self.config.participants,
                turns=self.config.turns,
                delay=self.config.delay,
                is_scrambled=self.config.scramble,
                is_private=self.config.private_only,
                is_moderated=self.config.moderator is not None,
                leaving=self.config.leaving,
                ends_early=self.config.end_when_all_pass,
            ),
        )
        self._topic_step = ChatTopicStep(self.name, frame)
        self._request_step = ChatRequestStep(self.name, frame)
        return {
            "perception": ChatPerceptionStep(self.name, frame),
            "action": ChatActionStep(self.name, frame),
            "reflection": ChatReflectionStep(self.name, frame),
        }

    def has_mind(self, agent: MarketAgent) -> bool:
        """Everybody who is here speaks through a model or its stand-in, for a strategy cannot talk."""
        return self.mechanism.is_present(agent.id)

    # -- the round --------------------------------------------------------------------------------------------

    async def run_round(self, round_number: int) -> None:
        """A round of discussions; with the chat switched off, a note that there is none."""
        if self.config.enabled:
            await super().run_round(round_number)
            return
        self.display.environment(self.name, round_number)
        self.display.run("no discussion: enabled is false")
        if round_number == 1:
            self.inserter.note("info", "chat_off", f"{self.name}: no discussion, for enabled is false")

    def begin_round(self, round_number: int) -> None:  # noqa: ARG002  (the round is open already)
        """Let members negotiate about the round's units, where they may."""
        if self._negotiation is not None:
            self._negotiation.begin_round()

    async def open_round(self, round_number: int) -> None:
        """Each cohort's proposer names the topic; where that fails, the configured one stands."""
        if self._negotiation is not None:
            self._negotiation.open_round()
        if not self.mechanism.has_proposers:
            return
        where = Where(self.name, round_number)
        cohorts = self.mechanism.cohorts
        thoughts = await self.side_by_side(cohorts, lambda cohort: self._propose(cohort, round_number))
        keys = {
            cohort.proposer_id: thought.request_key for cohort, thought in zip(cohorts, thoughts, strict=True)
        }
        for cohort, thought in zip(cohorts, thoughts, strict=True):
            if thought.verdict:
                self._record_lost_topic(where, cohort.proposer_id, thought)
        self._keep_configured_topics()
        self.record_events(where, keys)

    async def _propose(self, cohort: Cohort, round_number: int) -> Thought:
        """The proposer's thought, and the moderator's about the topic."""
        thought = await self.think(self._by_id[cohort.proposer_id], self._topic_step, round_number, 0)
        if self._moderator is not None and cohort.held_topic is not None:
            with asking(self._scope(round_number, 0, f"topic_{cohort.number}")):
                objection = await self._moderator.objection(cohort.held_topic, "topic")
            self.mechanism.settle_topic(cohort, objection)
            if objection is not None:
                thought.verdict, thought.reason = "withheld", objection
        return thought

    def _record_lost_topic(self, where: Where, agent_id: str, thought: Thought) -> None:
        content = thought.value.value.model_dump() if isinstance(thought.value, Decision) else None
        self.inserter.action(
            where,
            agent_id,
            1,
            action="topic",
            content=content,
            verdict=thought.verdict,
            reason=thought.reason,
            request_key=thought.request_key,
        )
        self.display.abstention(agent_id, thought.verdict, thought.reason, thought.step)

    def _keep_configured_topics(self) -> None:
        self.mechanism.begin_sub_round(0)

    async def take_turns(self, round_number: int, sub_round: int) -> tuple[list[Turn], dict[str, list[Act]]]:
        """All speak at once or one after another within each cohort, side by side; then members may trade."""
        where = Where(self.name, round_number, sub_round)
        cohorts = [cohort for cohort in self.mechanism.cohorts if not cohort.ended]
        is_simultaneous = self.config.turns == "simultaneous"
        self._objections = {}
        self.environment.open_turn(simultaneous=is_simultaneous)
        if is_simultaneous:
            spoken = await self._speak_at_once(cohorts, where)
        else:
            spoken = await self.side_by_side(cohorts, lambda cohort: self._discuss(cohort, where))
        acts = self.environment.close_turn(self.draws("order", round_number, sub_round))
        if is_simultaneous:
            await self.side_by_side(cohorts, lambda cohort: self._moderate(cohort, where))
        self._tell_verdicts(acts)
        silent = [
            cohort
            for cohort, turns in zip(cohorts, spoken, strict=True)
            if self._are_silent(cohort, where, turns, acts)
        ]
        idle = {member for cohort in cohorts for member in cohort.present} - acts.keys()
        if self._negotiation is not None:
            idle -= await self._negotiation.take_turns(where, cohorts)
        for cohort in cohorts:
            ends = self.config.end_when_all_pass and cohort in silent and idle.issuperset(cohort.present)
            if ends or not cohort.present:
                self.mechanism.end_discussion(cohort)
        by_id = {turn.agent.id: turn for turns in spoken for turn in turns}
        return [by_id[agent.id] for agent in self.agents if agent.id in by_id], acts

    async def _speak_at_once(self, cohorts: Sequence[Cohort], where: Where) -> list[list[Turn]]:
        members = {member for cohort in cohorts for member in cohort.present}
        speakers = [agent for agent in self.agents if agent.id in members]
        turns = await self.side_by_side(
            speakers, lambda agent: self.take_turn(agent, where.round, where.sub_round)
        )
        by_id = {turn.agent.id: turn for turn in turns}
        return [[by_id[member] for member in cohort.present] for cohort in cohorts]

    async def _discuss(self, cohort: Cohort, where: Where) -> list[Turn]:
        """One sub-round of a cohort whose members speak one after another."""
        requests: dict[str, Thought] = {}
        if self.config.turns == "by_request":
            asked = await all_of(
                self.think(self._by_id[member], self._request_step, where.round, where.sub_round)
                for member in cohort.present
            )
            requests = dict(zip(cohort.present, asked, strict=True))
        turns = []
        for member in self._speaking_order(cohort, where, requests):
            request = requests.get(member)
            silent = _pass_of(request)
            if request is not None and silent is not None:
                turns.append(Turn(self._by_id[member], [request, silent]))
                continue
            turn = await self.take_turn(self._by_id[member], where.round, where.sub_round)
            await self._moderate(cohort, where)
            if request is not None:
                turn.thoughts.insert(0, request)
            turns.append(turn)
        return turns

    def _speaking_order(self, cohort: Cohort, where: Where, requests: Mapping[str, Thought]) -> Sequence[str]:
        """Round robin begins one member further each round; equal requests are ordered by a draw."""
        if self.config.turns == "round_robin":
            # Whoever has left keeps its place, so that the others begin where they would have begun.
            start = (where.round - 1) % len(cohort.members)
            members = [*cohort.members[start:], *cohort.members[:start]]
            return [member for member in members if member in cohort.present]
        draws = self.draws("speakers", where.round, where.sub_round, cohort.cohort_id)
        order = drawn_order(cohort.present, draws)
        return sorted(order, key=lambda member: -(_urgency(requests.get(member)) or 0))

    async def _moderate(self, cohort: Cohort, where: Where) -> None:
        """Let the moderator judge what waits for it in a cohort."""
        moderator = self._moderator
        if moderator is None:
            return

        async def judge(message: MessagePosted) -> str | None:
            with asking(self._scope(where.round, where.sub_round, f"message_{message.message_id}")):
                return await moderator.objection(message.content, "message")

        waiting = [message for message in cohort.held if message.withheld is None]
        objections = await all_of(judge(message) for message in waiting)
        found = {
            message.message_id: objection
            for message, objection in zip(waiting, objections, strict=True)
            if objection is not None
        }
        self._objections |= found
        self.mechanism.settle_messages(cohort, found)

    def _scope(self, round_number: int, sub_round: int, step: str) -> Scope:
        return Scope(round_number, self.position, self.name, sub_round, MODERATOR, step, is_own=False)

    def _tell_verdicts(self, acts: Mapping[str, Sequence[Act]]) -> None:
        """What was held has been judged by now; its senders are told."""
        for act in (act for done in acts.values() for act in done):
            if act.told.get("status") == "held":
                objection = self._objections.get(act.told["message_id"])
                act.told["status"] = "accepted" if objection is None else "withheld"
                if objection is not None:
                    act.told["reason"] = objection

    def _are_silent(
        self, cohort: Cohort, where: Where, turns: Sequence[Turn], acts: Mapping[str, Sequence[Act]]
    ) -> bool:
        """Record a cohort's turns, and tell whether all passed and nothing that was said is still on its way."""
        outcomes = set()
        place = 0
        for turn in turns:
            outcome, reason = _outcome(turn, acts.get(turn.agent.id, ()))
            outcomes.add(outcome)
            request = next((thought for thought in turn.thoughts if thought.step == "request"), None)
            spoke_in_turn = self.config.turns != "simultaneous" and _pass_of(request) is None
            place += spoke_in_turn
            self.inserter.chat_turn(
                where,
                ChatTurn(
                    agent_id=turn.agent.id,
                    cohort_id=cohort.cohort_id,
                    place=place if spoke_in_turn else None,
                    urgency=_urgency(request),
                    outcome=outcome,
                    reason=reason,
                    request_key=turn.action.request_key if turn.action else None,
                ),
            )
        return outcomes <= {"passed"} and not cohort.page.is_waiting

    def end_round(self, round_number: int) -> None:
        """Let every member take what it heard to the market."""
        for agent in self.agents:
            if self.mechanism.takes_part(agent.id):
                heard = self.mechanism.visible_messages(agent.id)
                agent.memory.hear(round_number, self.name, heard)
                for message in heard:
                    if message["recipient_id"] == agent.id:
                        said = f"{message['sender_id']} wrote to you alone: {message['content']}"
                        agent.memory.remember(MemoryEntry(round_number, self.name, MemoryKind.EVENT, said))
        if self._negotiation is not None:
            self._negotiation.end_round(round_number)

    def reward(self, agent: MarketAgent) -> float | None:
        """What trading brought, where members may trade; None in mere talk."""
        return None if self._negotiation is None else self._negotiation.reward(agent)

    def situation(self, agent: MarketAgent) -> str:
        """The configured topic, besides what the agent intends and heard."""
        return f"{self.config.initial_topic} {super().situation(agent)}"

    def act_in_words(self, action: Mapping[str, Any], reason: object) -> str:
        """What it negotiated; what it said is among what it heard."""
        return move_in_words(action, reason) if is_negotiation(action) else ""

    def is_successful(self, acts: Iterable[Act]) -> bool:
        """Whether anything that somebody said, or negotiated in the last turn, was accepted."""
        return super().is_successful(acts) or (
            self._negotiation is not None and super().is_successful(self._negotiation.latest)
        )

    # -- the records ------------------------------------------------------------------------------------------

    def ordered(self, events: list[Event]) -> list[Event]:
        """Cohorts talk side by side: what they did is told cohort by cohort, not by who was faster."""
        return sorted(events, key=_place)

    def name_of(self, action: Mapping[str, object]) -> str:
        """A message, or leaving without one; a topic is recorded in its own table."""
        for kind in ("topic", "performative"):
            if kind in action:
                return kind if kind == "topic" else str(action[kind])[:40]
        return "message" if "message" in action else "leave"

    def told(self, act: Act) -> object:
        """The verdict; what was visible is in the table of messages."""
        return {key: act.told[key] for key in ("status", "reason", "message_id") if key in act.told}


def _urgency(request: Thought | None) -> int | None:
    """How much a member asked to speak; None where it was not asked or gave no usable answer."""
    if request is None or not isinstance(request.value, Decision):
        return None
    wish = request.value.value
    return wish.urgency if isinstance(wish, SpeakingRequest) else None


def _pass_of(request: Thought | None) -> Thought | None:
    """The pass of a member that asked for no turn, or did not answer; None for everybody else."""
    if request is None or (_urgency(request) or 0) > 0:
        return None
    silent = replace(request, step="action", value=None)
    if not silent.verdict:
        silent.verdict, silent.reason = "passed", "asked for no turn"
    return silent


def _outcome(turn: Turn, acts: Sequence[Act]) -> tuple[str, str | None]:
    """What came of a member's turn, and why."""
    said = [act.told for act in acts if "message" in act.action and not is_negotiation(act.action)]
    for status, outcome in (("accepted", "spoke"), ("withheld", "withheld"), ("rejected", "refused")):
        for told in said:
            if told.get("status") == status:
                return outcome, told.get("reason")
    if any(not is_negotiation(act.action) for act in acts):
        return "passed", "left the discussion"
    action = turn.action
    if action is None or not action.verdict or action.verdict == "passed":
        return "passed", action.reason if action else None
    outcome = "refused" if action.verdict == "rejected" else "passed"
    return outcome, f"{action.verdict}: {action.reason}" if action.reason else action.verdict


def _place(event: Event) -> tuple[int, str, int]:
    match event:
        case AttendanceChanged(agent_id=agent_id):
            return 0, agent_id, 0
        case CohortFormed(cohort_id=cohort_id):
            return 1, cohort_id, 0
        case TopicSet(cohort_id=cohort_id):
            return 2, cohort_id, 0
        case MessagePosted(message_id=message_id):
            return 3, "", message_id
        case DiscussionEnded(cohort_id=cohort_id):
            return 4, cohort_id, 0
    raise TypeError(f"a group chat decides no {type(event).__name__}")
