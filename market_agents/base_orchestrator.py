"""The round that all environments share: perceive, act, step, reflect, record; and the registry of environments.

To add an environment, subclass `BaseOrchestrator` and add one line to `ENVIRONMENTS`, or name the class in the YAML
as ``type: your_package.module:YourOrchestrator``.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib import import_module
from random import Random
from typing import Any, ClassVar, Generic, TypeVar

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.protocols import ACLMessage, Moment
from market_agents.agents.schemas import Perception, Reflection
from market_agents.config import EnvironmentConfig
from market_agents.environments import Act, Environment, Event
from market_agents.errors import IllegalAction, MarketAgentsError, NoAnswer, UserError
from market_agents.inference import Decision, Scope, Status, asking
from market_agents.insert_simulation_data import Where, storable_or_note
from market_agents.memory import MemoryEntry, MemoryKind, Recollection
from market_agents.plain_text import one_line
from market_agents.telemetry import Attributes, span
from market_agents.turns import RunContext, Thought, Turn, all_of

__all__ = [
    "ENVIRONMENTS",
    "BaseOrchestrator",
    "RunContext",
    "Thought",
    "Turn",
    "environment_model",
    "orchestrator_class",
]

log = logging.getLogger(__name__)

ENVIRONMENTS: dict[str, str] = {
    "group_chat": "market_agents.groupchat_orchestrator:GroupChatOrchestrator",
    "auction": "market_agents.auction_orchestrator:AuctionOrchestrator",
    "elicitation": "market_agents.elicitation_orchestrator:ElicitationOrchestrator",
}
"""The registry: a type's name in the YAML, and the class that runs it."""

REMEMBERED_OF_AN_ACT = 500
"""Characters of an act that its agent remembers."""

MESSAGES_IN_MIND = 5
"""Messages heard last by which an agent's memory is searched."""

ConfigT = TypeVar("ConfigT", bound=EnvironmentConfig)
ItemT = TypeVar("ItemT")


class BaseOrchestrator(ABC, Generic[ConfigT]):
    """Runs one environment, round by round.

    Args:
        name: the environment's key in the configuration.
        position: its place in the order, from 0.
        config: its part of the configuration.
        context: what all environments of the run share.
    """

    config_model: ClassVar[type[EnvironmentConfig]]
    """The keys that this environment understands."""

    def __init__(self, name: str, position: int, config: ConfigT, context: RunContext) -> None:
        self.name = name
        self.position = position
        self.config = config
        self.context = context
        self.agents = context.agents
        self.inserter = context.inserter
        self.display = context.display
        self.post_office = context.agents[0].post_office
        self.streams = context.streams.below("environment", name)
        self.environment = self.make_environment()
        self.environment.join(self.agents)
        self.steps = self.make_steps()
        self._has_told_of_trimming = False

    def go_on_under(self, position: int, config: ConfigT) -> None:
        """From the next round on, act under another configuration; what has happened stays.

        Raises:
            UserError: the mechanism cannot change its rules within a run.
        """
        self.position = position
        former = self.environment.mechanism
        if former.settings or config != self.config:
            self.config = config
            self.environment = self.make_environment()
            self.environment.mechanism.continue_from(former)
            self.environment.join(self.agents)
        self.steps = self.make_steps()

    # -- what an environment says of itself -----------------------------------------------------------------------

    @abstractmethod
    def make_environment(self) -> Environment[Any]:
        """The environment with its mechanism, before anybody has joined."""

    @abstractmethod
    def make_steps(self) -> Mapping[str, CognitiveStep]:
        """The minds' steps here, by the names used in ``steps``: perception, action, reflection."""

    def begin_round(self, round_number: int) -> None:
        """Before the mechanism's round begins; holdings and units of the round are there already."""

    async def open_round(self, round_number: int) -> None:
        """After the mechanism's round has begun, before the first sub-round."""

    def end_round(self, round_number: int) -> None:
        """After the mechanism's round has ended: record its outcome."""

    def sub_rounds(self) -> int:
        """How many sub-rounds a round has."""
        return self.config.sub_rounds

    def called(self) -> Sequence[MarketAgent]:
        """Whose turn it is in the sub-round that begins."""
        return self.agents

    def reward(self, agent: MarketAgent) -> float | None:  # noqa: ARG002  (for those that reward)
        """The environment's own reward of a round, about 0 to 1; None where it has none."""
        return None

    def is_successful(self, acts: Iterable[Act]) -> bool:
        """Whether anything that somebody did in a round was accepted."""
        return any(act.told.get("status") == "accepted" for act in acts)

    # -- the round ------------------------------------------------------------------------------------------------

    async def run_round(self, round_number: int) -> None:
        """One round: begin, sub-rounds, reflection, end; each recorded in a transaction of its own."""
        if self.config.max_rounds is not None and round_number > self.config.max_rounds:
            return
        self.display.environment(self.name, round_number)
        mechanism = self.environment.mechanism
        self.post_office.moment = Moment(self.name, round_number)
        self.begin_round(round_number)
        mechanism.begin_round(round_number, self.streams.stream("round", round_number))
        await self.recollect(round_number)
        await self.open_round(round_number)
        await self.record(round_number, 0, [], {})
        last, accepted = await self.play(round_number)
        self.post_office.moment = Moment(self.name, round_number, last + 1)
        mechanism.end_round()
        self.end_round(round_number)
        await self.reflect(round_number, last)
        await self.record(round_number, last + 1, [], {})
        if not accepted:
            warning = f"round {round_number} of {self.name}: nothing that anybody did was accepted"
            self.display.warning(warning)
            self.inserter.note("warning", "empty_round", warning)

    async def play(self, round_number: int) -> tuple[int, bool]:
        """All sub-rounds of a round.

        Returns:
            How many there were, and whether anything that somebody did was accepted.
        """
        accepted, count = False, self.sub_rounds()
        for sub_round in range(1, count + 1):
            self.post_office.moment = Moment(self.name, round_number, sub_round)
            self.environment.mechanism.begin_sub_round(sub_round)
            turns, acts = await self.take_turns(round_number, sub_round)
            await self.record(round_number, sub_round, turns, acts)
            accepted = accepted or self.is_successful(act for done in acts.values() for act in done)
        return count, accepted

    async def take_turns(self, round_number: int, sub_round: int) -> tuple[list[Turn], dict[str, list[Act]]]:
        """All whose turn it is perceive and act at the same time; then all acts are applied in a drawn order."""
        self.environment.open_turn()
        called = self.called()
        minds = [agent for agent in called if self.has_mind(agent)]
        thought = await self.side_by_side(minds, lambda agent: self.take_turn(agent, round_number, sub_round))
        turns = {turn.agent.id: turn for turn in thought}
        for agent in called:
            if agent.id not in turns:
                turns[agent.id] = self.act_by_rule(agent, round_number, sub_round)
        acts = self.environment.close_turn(self.draws("order", round_number, sub_round))
        return [turns[agent.id] for agent in called], acts

    def act_by_rule(self, agent: MarketAgent, round_number: int, sub_round: int) -> Turn:
        """One agent without a mind acts as its strategy says; no task and no model is needed."""
        strategy = agent.strategy_in(self.name)
        if strategy is None:
            return Turn(agent)
        observation = self.environment.get_global_state(agent_id=agent.id)
        action = strategy.act(observation, self.draws("strategy", round_number, sub_round, agent.id))
        agent.environments[self.name].step(action)
        return Turn(agent, [Thought("action", action)])

    async def take_turn(self, agent: MarketAgent, round_number: int, sub_round: int) -> Turn:
        """One agent perceives and acts."""
        turn = Turn(agent)
        for name in ("perception", "action"):
            if name in self.config.steps:
                before = turn.thoughts[-1] if turn.thoughts else None
                if before is not None and before.is_silence:
                    # Whoever got no reply at all would only keep the others waiting once more.
                    turn.thoughts.append(replace(before, step=name))
                else:
                    turn.thoughts.append(await self.think(agent, self.steps[name], round_number, sub_round))
        self._submit(agent, turn.action)
        return turn

    async def think(
        self, agent: MarketAgent, step: CognitiveStep, round_number: int, sub_round: int
    ) -> Thought:
        """Run one step in its scope. Whatever goes wrong in it is recorded, and the others go on."""
        scope = Scope(round_number, self.position, self.name, sub_round, agent.id, step.name)
        thought = Thought(step.name)
        with asking(scope), self._span(scope):
            try:
                thought.value = await agent.run_step(step, self.name)
            except NoAnswer as error:
                thought.verdict, thought.reason = "abstained", str(error)
                thought.is_silence = error.status in {Status.TIMED_OUT, Status.FAILED}
            except IllegalAction as error:
                thought.verdict, thought.reason = "rejected", str(error)
            except MarketAgentsError:
                raise
            except Exception as error:  # a step may be anybody's code; the others go on
                log.warning("%s of %s failed in %s", step.name, agent.id, self.name, exc_info=True)
                thought.verdict, thought.reason = "failed", self._told(error)
                self.context.failures[thought.reason] += 1
        thought.request_key = scope.last_key
        return thought

    def _span(self, scope: Scope) -> AbstractContextManager[object]:
        told: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": scope.agent_id,
            "market_agents.round": scope.round,
            "market_agents.environment": scope.environment,
            "market_agents.sub_round": scope.sub_round,
        }
        return span(scope.step, told)

    def _told(self, error: Exception) -> str:
        """An unforeseen error for the records; whatever raised it may have quoted a secret."""
        return self.context.redact(f"{type(error).__name__}: {error}")[:500]

    def _submit(self, agent: MarketAgent, action: Thought | None) -> None:
        """Take to the environment what an action step returned, unless it went there itself."""
        if action is None or action.verdict or not isinstance(action.value, Mapping):
            return
        handle = agent.environments[self.name]
        if not handle.has_acted:
            try:
                handle.step(action.value)
            except IllegalAction as error:
                action.verdict, action.reason = "rejected", str(error)

    async def reflect(self, round_number: int, last: int) -> None:
        """Everybody with a mind looks back on the round, whose last sub-round is over."""
        if "reflection" not in self.config.steps:
            return
        minds = [agent for agent in self.agents if self.has_mind(agent)]
        thoughts = await self.side_by_side(
            minds, lambda agent: self.think(agent, self.steps["reflection"], round_number, last)
        )
        where = Where(self.name, round_number, last)
        for agent, thought in zip(minds, thoughts, strict=True):
            reflection = thought.value.value if isinstance(thought.value, Decision) else thought.value
            if isinstance(reflection, Reflection):
                self.inserter.reflection(where, agent.id, reflection, self.reward(agent), thought.request_key)
                self.display.reflection(agent.id, reflection.strategy_update)

    async def recollect(self, round_number: int) -> None:
        """Let everybody with a mind remember what this round brings back, once for all of the round's prompts."""

        async def recall(agent: MarketAgent) -> Recollection:
            with asking(Scope(round_number, self.position, self.name, 0, agent.id, "memory")):
                return await agent.memory.recall(self.situation(agent), self.name)

        thinking = [agent for agent in self.agents if self.has_mind(agent)]
        found = await self.side_by_side(thinking, recall)
        for agent, recollection in zip(thinking, found, strict=True):
            self.inserter.recollection(Where(self.name, round_number), agent.id, recollection)
        self._tell_of_trimming(round_number, sum(recollection.left_out > 0 for recollection in found))

    def _tell_of_trimming(self, round_number: int, agents: int) -> None:
        """Note once where prompts begin to leave memories out; how many in each round is in the records."""
        if agents and not self._has_told_of_trimming:
            self._has_told_of_trimming = True
            told = f"from round {round_number} on prompts in {self.name} leave older memories out"
            self.inserter.note("info", "memory_trimmed", f"{told}; the table recollections counts them")

    def situation(self, agent: MarketAgent) -> str:
        """What an agent is about to do, in the words by which its memory is searched."""
        heard = [str(message["content"]) for message in agent.memory.heard(agent.memory.latest_round)]
        return " ".join([agent.memory.strategy(self.name), *heard[-MESSAGES_IN_MIND:]])

    def remember_acts(self, round_number: int, agent: MarketAgent, acts: Iterable[Act]) -> None:
        """Let an agent with a mind keep what it did in a turn."""
        for act in acts:
            said = self.act_in_words(storable_or_note(act.action), act.told.get("reason"))
            if said:
                said = one_line(said, REMEMBERED_OF_AN_ACT)
                agent.memory.remember(MemoryEntry(round_number, self.name, MemoryKind.STEP, said))

    def act_in_words(self, action: Mapping[str, Any], reason: object) -> str:
        """An act, and why it was refused, as its agent remembers it; empty for one that is remembered otherwise."""
        said = ", ".join(
            f"{key} {value}" for key, value in action.items() if isinstance(value, str | int | float)
        )
        return f"{said}, which was refused: {reason}" if reason else said

    def has_mind(self, agent: MarketAgent) -> bool:
        """Whether a model (or its stand-in) thinks for the agent here, and not a rule."""
        return agent.strategy is None

    async def side_by_side(
        self, items: Sequence[ItemT], work: Callable[[ItemT], Coroutine[Any, Any, Any]]
    ) -> list[Any]:
        """Do work for all items at the same time; when one cannot go on, the others still finish what they began.

        Mail that agents send meanwhile is delivered at the end, in the order of the agents.
        """
        self.post_office.open_turn()
        try:
            return await all_of(work(item) for item in items)
        finally:
            self._deliver_mail()

    def _deliver_mail(self) -> None:
        for message in self.post_office.close_turn():
            self.display.warning(
                f"{message.sender} to {message.receiver}: not delivered, the mailbox is full"
            )

    # -- the records ----------------------------------------------------------------------------------------------

    async def record(
        self, round_number: int, sub_round: int, turns: Sequence[Turn], acts: Mapping[str, Sequence[Act]]
    ) -> None:
        """Write all that belongs to one sub-round in one transaction."""
        self.collect(round_number, sub_round, turns, acts)
        await self.inserter.flush(f"r{round_number}/{self.position}.{self.name}/s{sub_round}")

    def collect(
        self, round_number: int, sub_round: int, turns: Sequence[Turn], acts: Mapping[str, Sequence[Act]]
    ) -> None:
        """Hand all that belongs to one sub-round to the inserter."""
        where = Where(self.name, round_number, sub_round)
        self.display.turn(sub_round)
        keys: dict[str, str | None] = {}
        for turn in turns:
            keys[turn.agent.id] = turn.action.request_key if turn.action else None
            self._record_turn(where, turn, acts.get(turn.agent.id, ()))
            if self.has_mind(turn.agent):
                self.remember_acts(round_number, turn.agent, acts.get(turn.agent.id, ()))
        self.record_events(where, keys)

    def record_events(self, where: Where, request_keys: Mapping[str, str | None]) -> None:
        """Write what the mechanism decided."""
        events = self.happened()
        self.inserter.events(where, events, request_keys)
        self.inserter.mail(where, self.post_office.take_settled())
        self.inserter.mail_read(self.post_office.take_read())
        self.inserter.acl_messages(where, self.acl_messages(events))
        self.display.events(events)

    def happened(self) -> list[Event]:
        """What the mechanism has decided since this was last called."""
        return self.ordered(self.environment.mechanism.take_events())

    def acl_messages(self, events: Iterable[Event]) -> Iterable[ACLMessage]:  # noqa: ARG002  (for those that speak it)
        """What was decided in the words of the agents' protocol; nothing where the environment does not speak it."""
        return ()

    def ordered(self, events: list[Event]) -> list[Event]:
        """Events in an order that does not depend on who answered first."""
        return events

    def _record_turn(self, where: Where, turn: Turn, acts: Sequence[Act]) -> None:
        agent_id = turn.agent.id
        for thought in turn.thoughts:
            value = thought.value.value if isinstance(thought.value, Decision) else thought.value
            if isinstance(value, Perception):
                self.inserter.perception(where, agent_id, value, thought.request_key)
                self.display.perception(agent_id, value.strategy)
        action = turn.action
        key = action.request_key if action else None
        for seq, act in enumerate(acts, 1):
            content = (
                action.value.value.model_dump()
                if action and isinstance(action.value, Decision)
                else act.action
            )
            self.inserter.action(
                where,
                agent_id,
                seq,
                action=self.name_of(act.action),
                content=content,
                verdict=str(act.told.get("status", "accepted")),
                reason=act.told.get("reason"),
                request_key=key,
            )
        if acts and self.has_mind(turn.agent):
            self.inserter.observation(where, agent_id, self.told(acts[-1]), key)
        if not acts and action is not None:
            verdict = action.verdict or "passed"
            self.inserter.action(
                where,
                agent_id,
                1,
                action="none",
                content=None,
                verdict=verdict,
                reason=action.reason,
                request_key=key,
            )
            self.display.abstention(agent_id, verdict, action.reason)

    def name_of(self, action: Mapping[str, object]) -> str:
        """An action in one word, for the records."""
        return str(action.get("action", "step"))[:40]

    def told(self, act: Act) -> object:
        """What of the mechanism's answer is kept as the agent's observation."""
        return act.told

    def draws(self, *path: str | int) -> Random:
        """A stream of this environment."""
        return self.streams.stream(*path)


def orchestrator_class(type_name: str) -> type[BaseOrchestrator[Any]]:
    """The class that runs environments of a type: registered, or ``module:Class``.

    Raises:
        UserError: nothing of that name can be imported, or it is no orchestrator.
    """
    target = ENVIRONMENTS.get(type_name, type_name)
    module, _, name = target.partition(":")
    if not name:
        raise UserError(
            f"unknown environment type {type_name!r}; known are {', '.join(ENVIRONMENTS)}, or module:Class"
        )
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # the module is the user's, and may raise anything at import
        raise UserError(
            f"environment type {type_name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseOrchestrator)):
        raise UserError(f"{type_name!r} is no subclass of BaseOrchestrator")
    return found


def environment_model(type_name: str) -> type[EnvironmentConfig] | None:
    """The configuration keys of an environment type; None for a name that is not registered.

    Raises:
        UserError: a ``module:Class`` that cannot be used.
    """
    if type_name not in ENVIRONMENTS and ":" not in type_name:
        return None
    return orchestrator_class(type_name).config_model
