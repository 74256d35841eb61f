"""What a run hands to its environments, what comes of an agent's turn in one of them, and turns at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.preferences import Preferences
from market_agents.config import SimulationConfig
from market_agents.economics.accounts import Accounts
from market_agents.inference import ModelDoor
from market_agents.insert_simulation_data import SimulationDataInserter
from market_agents.logger_utils import SimulationLogger
from market_agents.redaction import Redactor
from market_agents.rng import RandomStreams

ItemT = TypeVar("ItemT")

BEGUN_TOGETHER = 8
"""Agents that begin in one turn of the event loop: thousands of prompts written in one hold all else up for seconds."""


@dataclass
class RunContext:
    """What a run hands to each of its environments.

    Attributes:
        redact: takes secrets out of what is recorded.
        failures: steps that raised what nobody expected, by reason.
    """

    config: SimulationConfig
    agents: Sequence[MarketAgent]
    accounts: Accounts
    preferences: Preferences
    streams: RandomStreams
    door: ModelDoor
    inserter: SimulationDataInserter
    display: SimulationLogger
    redact: Redactor = field(default_factory=Redactor)
    failures: Counter[str] = field(default_factory=Counter)


@dataclass
class Thought:
    """What came of one step of one agent.

    Attributes:
        value: what the step returned; None where it failed.
        verdict: empty, or why there is no value: ``abstained``, ``rejected``, ``failed``.
        reason: one line behind the verdict.
        request_key: the last ask of the step; None where no model was asked.
        is_silence: whether no reply came at all.
    """

    step: str
    value: Any = None
    verdict: str = ""
    reason: str | None = None
    request_key: str | None = None
    is_silence: bool = False


@dataclass
class Turn:
    """One agent's thoughts in one sub-round."""

    agent: MarketAgent
    thoughts: list[Thought] = field(default_factory=list)

    @property
    def action(self) -> Thought | None:
        """The thought that was to act."""
        return next((thought for thought in self.thoughts if thought.step == "action"), None)


async def all_of(work: Iterable[Coroutine[Any, Any, ItemT]]) -> list[ItemT]:
    """Do all at the same time, begun a few at a time; when one cannot go on, the others still finish."""
    owed, begun = list(work), list[asyncio.Task[ItemT]]()
    try:
        for item in owed:
            begun.append(asyncio.create_task(item))
            if len(begun) % BEGUN_TOGETHER == 0:
                await asyncio.sleep(0)
    except asyncio.CancelledError:
        for item in owed[len(begun) :]:
            item.close()
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        raise
    done = await asyncio.gather(*begun, return_exceptions=True)
    results = []
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
