"""The contract between agents and the worlds they act in.

A `Mechanism` holds the rules of message and exchange. It is pure, synchronous and seeded from outside: no
network, clock, global random or logging, and it never learns who or what decides for an agent. An `Environment`
gives a mechanism its name and its participants; a `BoundEnvironment` is the handle that one agent holds, and the
only way to act, so that an agent's identity comes from the call path and never from the message.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from random import Random
from types import NoneType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from market_agents.errors import IllegalAction, UserError
from market_agents.rng import drawn_order

Observation = dict[str, Any]
ActionT = TypeVar("ActionT")

MAX_ACTIONS_PER_TURN = 20
"""An agent's acts in one turn; what comes after is refused, so that nobody can slow the others."""

MAX_COPIED_DEPTH = 10
"""Mappings and lists nested deeper in an action are recorded as they are, not as they were."""


class Participant(Protocol):
    """What an environment needs to know of an agent."""

    @property
    def id(self) -> str:
        """The agent's id, unique in the run."""

    @property
    def role(self) -> str:
        """``buyer`` or ``seller``, or whatever the mechanism distinguishes."""

    @property
    def environments(self) -> MutableMapping[str, BoundEnvironment]:
        """Where ``join`` leaves the agent's handle, under the environment's name."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a mechanism decided; what the records are made from."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one agent as it was carried out: what it wanted, and what it was told.

    Attributes:
        action: as the agent gave it.
        told: the mechanism's answer; ``status`` and, where refused, ``reason`` are always there.
    """

    agent_id: str
    action: Mapping[str, object]
    told: Observation


class Mechanism(ABC, Generic[ActionT]):
    """The rules of one institution.

    Life cycle: ``join`` once; then per round ``begin_round``, per sub-round ``begin_sub_round``, ``check`` and
    ``apply`` for each act and ``end_turn``; last ``end_round``. ``take_events`` hands over, once, what happened
    since it was last called.
    """

    settings: ClassVar[frozenset[str]] = frozenset()
    """The attributes that the constructor's arguments decide and nothing changes later; for `continue_from`."""

    def __init__(self) -> None:
        self.round = 0
        self.sub_round = 0
        self._events: list[Event] = []

    def continue_from(self, earlier: Self) -> None:
        """Take over all that has happened in an earlier mechanism of this kind; the rules stay one's own.

        Raises:
            UserError: this kind of mechanism does not say which of its attributes are rules.
        """
        if not self.settings:
            raise UserError(
                f"{type(self).__name__} cannot change its rules within a run: it names no settings"
            )
        for name, value in vars(earlier).items():
            if name not in self.settings:
                setattr(self, name, value)

    @abstractmethod
    def join(self, agent_id: str, role: str) -> None:
        """Admit an agent; joining twice changes nothing."""

    @abstractmethod
    def check(self, agent_id: str, action: Mapping[str, object]) -> ActionT:
        """Read an action as the mechanism's own type, changing nothing.

        Raises:
            IllegalAction: the action makes no sense here, whatever the state; the text says why.
        """

    @abstractmethod
    def apply(self, agent_id: str, action: ActionT) -> Observation:
        """Carry out a checked action and return what its agent is told: ``status`` and, where refused, ``reason``."""

    @abstractmethod
    def observe(self, agent_id: str) -> Observation:
        """The state as this agent may see it: JSON-ready, in a fixed order of keys, without clocks."""

    @abstractmethod
    def global_state(self) -> Observation:
        """The experimenter's view: everything."""

    def begin_round(self, round_number: int, rng: Random) -> None:  # noqa: ARG002  (for those that draw)
        """Start a round (counted from 1); ``rng`` is this round's own stream."""
        self.round = round_number

    def begin_sub_round(self, sub_round: int) -> None:
        """Start a sub-round (counted from 1) of the current round."""
        self.sub_round = sub_round

    def end_turn(self) -> None:
        """All who wanted to act in this turn have acted: a call market clears here."""

    def end_round(self) -> None:
        """The round is over: what does not outlive it ends here."""

    def emit(self, event: Event) -> None:
        """Note that something was decided."""
        self._events.append(event)

    def take_events(self) -> list[Event]:
        """What was decided since the last call, in order; each event is handed over once."""
        events, self._events = self._events, []
        return events


class Environment(Generic[ActionT]):
    """A mechanism with a name and participants.

    Outside a turn a step applies at once. Between ``open_turn`` and ``close_turn`` steps are staged: each is
    checked and acknowledged, and all are applied together in an order drawn from a seeded stream, so that neither
    latency nor order of arrival decides anything.
    """

    def __init__(self, name: str, mechanism: Mechanism[ActionT]) -> None:
        self.name = name
        self.mechanism = mechanism
        self._members: dict[str, Participant] = {}
        self._staged: dict[str, list[tuple[Mapping[str, object], ActionT]]] | None = None
        self._acts: dict[str, list[Act]] | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """The ids of those who joined, in the order of joining."""
        return tuple(self._members)

    def join(self, agents: Iterable[Participant]) -> None:
        """Admit agents and leave each its own handle in ``agent.environments[name]``.

        Raises:
            UserError: another agent of that id has joined; the two could act in each other's name.
        """
        for agent in agents:
            if self._members.get(agent.id, agent) is not agent:
                raise UserError(
                    f"{self.name} has another agent called {agent.id!r}; give each an id of its own"
                )
            self.mechanism.join(agent.id, agent.role)
            self._members[agent.id] = agent
            agent.environments[self.name] = BoundEnvironment(self, agent.id)

    def open_turn(self, *, simultaneous: bool = True) -> None:
        """Begin a turn, in which acts are noted and, in a simultaneous one, staged until its end."""
        self._staged = {} if simultaneous else None
        self._acts = {}

    def has_acted(self, agent_id: str) -> bool:
        """Whether the agent has acted in the open turn."""
        return agent_id in (self._staged or {}) or agent_id in (self._acts or {})

    def close_turn(self, rng: Random) -> dict[str, list[Act]]:
        """Apply what was staged, agents in a random order drawn from ``rng``, and end the mechanism's turn.

        Each agent has a draw of its own, so that who comes first of two never depends on whether others act.

        Returns:
            The acts of each agent that acted in the turn, by agent id.
        """
        staged, self._staged = self._staged or {}, None
        for agent_id in drawn_order(staged, rng):
            for action, checked in staged[agent_id]:
                try:
                    self._carry_out(agent_id, action, checked)
                except IllegalAction as refusal:
                    self._note(Act(agent_id, action, {"status": "rejected", "reason": str(refusal)}))
        self.mechanism.end_turn()
        acts, self._acts = self._acts or {}, None
        return acts

    def step(self, agent_id: str, action: Mapping[str, object]) -> Observation:
        """Act in an agent's name; agents come here only through their own handle.

        Returns:
            What the agent sees now, and what it was told; ``status`` is ``staged`` in a simultaneous turn.

        Raises: as `submit`.
        """
        told = self.submit(agent_id, action)
        view = self.mechanism.observe(agent_id)
        return {**view, **told} if self._staged is None else {**told, **view}

    def submit(self, agent_id: str, action: Mapping[str, object]) -> Observation:
        """Act as by `step`, for those who will not look at what they see then.

        Returns:
            What the agent was told.

        Raises:
            IllegalAction: not a member, not a mapping, refused by the mechanism, or too many acts in one turn.
        """
        if agent_id not in self._members:
            raise IllegalAction(f"{agent_id} has not joined {self.name}")
        if not isinstance(action, Mapping):
            raise IllegalAction(f"an action is a mapping, not {type(action).__name__}")
        checked = self.mechanism.check(agent_id, action)
        if len(self._done_by(agent_id)) >= MAX_ACTIONS_PER_TURN:
            raise IllegalAction(f"more than {MAX_ACTIONS_PER_TURN} acts in one turn")
        # What the agent does to its own mapping afterwards must not reach the records.
        given: Mapping[str, object] = _copied(action)
        if self._staged is None:
            return self._carry_out(agent_id, given, checked)
        self._staged.setdefault(agent_id, []).append((given, checked))
        return {"status": "staged"}

    def _done_by(self, agent_id: str) -> list[Any]:
        open_turn = self._acts if self._staged is None else self._staged
        return list((open_turn or {}).get(agent_id, ()))

    def _carry_out(self, agent_id: str, action: Mapping[str, object], checked: ActionT) -> Observation:
        told = self.mechanism.apply(agent_id, checked)
        self._note(Act(agent_id, action, _copied(told)))
        return told

    def _note(self, act: Act) -> None:
        if self._acts is not None:
            self._acts.setdefault(act.agent_id, []).append(act)

    def get_global_state(self, agent_id: str | None = None) -> Observation:
        """A named agent's view or, without a name, the experimenter's."""
        if agent_id is None:
            return self.mechanism.global_state()
        if agent_id not in self._members:
            raise IllegalAction(f"{agent_id} has not joined {self.name}")
        return self.mechanism.observe(agent_id)


class BoundEnvironment:
    """One agent's handle on an environment: it acts and sees as that agent and as nobody else."""

    __slots__ = ("_agent_id", "_environment")

    def __init__(self, environment: Environment[Any], agent_id: str) -> None:
        self._environment = environment
        self._agent_id = agent_id

    @property
    def name(self) -> str:
        """The environment's name."""
        return self._environment.name

    @property
    def has_acted(self) -> bool:
        """Whether the agent has acted in the open turn."""
        return self._environment.has_acted(self._agent_id)

    def step(self, action: Mapping[str, object]) -> Observation:
        """Act. See `Environment.step` for what is returned and raised."""
        return self._environment.step(self._agent_id, action)

    def submit(self, action: Mapping[str, object]) -> Observation:
        """Act without looking at what is seen then. See `Environment.submit` for what is returned and raised."""
        return self._environment.submit(self._agent_id, action)

    def get_global_state(self, agent_id: str | None = None) -> Observation:
        """What this agent may see.

        Raises:
            IllegalAction: another agent's view is asked for.
        """
        if agent_id is not None and agent_id != self._agent_id:
            raise IllegalAction(f"{self._agent_id} cannot look through the eyes of {agent_id}")
        return self._environment.get_global_state(self._agent_id)


_SCALARS = frozenset({str, int, float, bool, NoneType})
"""What most of an action or an answer is made of, and needs no copy."""


def _copied(value: object, depth: int = MAX_COPIED_DEPTH) -> Any:  # noqa: ANN401  (an action holds what it likes)
    """The value with mappings and lists of its own; all else is shared."""
    if depth < 0:
        return value
    if isinstance(value, Mapping):
        return {
            key: item if type(item) in _SCALARS else _copied(item, depth - 1) for key, item in value.items()
        }
    if isinstance(value, list):
        return [item if type(item) in _SCALARS else _copied(item, depth - 1) for item in value]
    return value
