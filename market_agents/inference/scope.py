"""Where in a run a question is asked: the deterministic part of every request key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Scope:
    """One cognitive step of one agent.

    Attributes:
        round: the run's round, from 1.
        position: the environment's place in the configured order, from 0.
        environment: the environment's name.
        sub_round: from 1; 0 for what precedes the first.
        agent_id: who asks.
        step: the step's name, for example ``perception``.
        is_own: whether the agent itself asks; False for a moderator and for a judge of the agent.
        last_key: the key of the latest ask made here, or None.
    """

    round: int
    position: int
    environment: str
    sub_round: int
    agent_id: str
    step: str
    is_own: bool = True
    last_key: str | None = field(default=None, compare=False)
    _ordinals: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False, compare=False)

    @property
    def path(self) -> str:
        """The scope as the beginning of a request key; its first component is the journal's page."""
        return (
            f"r{self.round}/{self.position}.{self.environment}/s{self.sub_round}/{self.agent_id}/{self.step}"
        )

    @property
    def payer(self) -> str:
        """The agent whose caps an ask counts towards; empty where it is nobody's."""
        return self.agent_id if self.is_own else ""

    def next_key(self, name: str | None = None) -> str:
        """The key of the next ask in this scope: by its ordinal, or by ``name`` where asks run side by side.

        A name never meets an ordinal, not even the name ``1``.
        """
        self.last_key = f"{self.path}/{next(self._ordinals) if name is None else f'={name}'}"
        return self.last_key


_current: ContextVar[Scope | None] = ContextVar("market_agents_scope", default=None)


def current_scope() -> Scope | None:
    """The scope that surrounds this call, or None outside a run."""
    return _current.get()


@contextmanager
def asking(scope: Scope) -> Iterator[Scope]:
    """Everything asked inside the block, a user's own calls included, is journalled under ``scope``."""
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


@contextmanager
def nowhere() -> Iterator[None]:
    """What begins inside the block belongs to no step: it serves several."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
