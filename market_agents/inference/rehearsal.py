"""A door behind which nobody is asked: the stand-in answers, and what would have been asked is measured."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

from market_agents.config import LLMConfig
from market_agents.inference.asks import Completion, Outcome, Request
from market_agents.inference.door import ModelDoor
from market_agents.inference.endpoints import Effort
from market_agents.inference.journal import MemoryJournal
from market_agents.inference.outcomes import judge
from market_agents.inference.providers.offline import OfflineProvider
from market_agents.inference.retry import AttemptFailed
from market_agents.inference.scope import current_scope
from market_agents.inference.structured import schema_in_words

_TURNS_OF_THE_LOOP = 30


@dataclass(frozen=True, slots=True)
class RehearsedAsk:
    """One ask of a rehearsal.

    Attributes:
        entry: name of the ``llm_configs`` entry.
        environment: where; empty outside of one.
        wave: asks of one wave can be in flight together; each wave waits for the one before.
        message_bytes: of the prompt, in UTF-8, the schema apart.
        schema_bytes: of the schema that goes with it.
        answer_characters: of the stand-in's answer.
        max_tokens: of the answer, at most.
    """

    entry: str
    environment: str
    round: int
    wave: int
    message_bytes: int
    schema_bytes: int
    answer_characters: int
    max_tokens: int


class RehearsalDoor(ModelDoor):
    """Answers every ask by the rule-based stand-in, whatever the entry says, and keeps its measure.

    Args:
        seed: the run's.
    """

    def __init__(self, seed: int) -> None:
        super().__init__({}, MemoryJournal())
        self.asks: list[RehearsedAsk] = []
        self._stand_in = OfflineProvider(seed)
        self._names = itertools.count(1)
        self._wave = 0
        self._arrived = 0
        self._gate: asyncio.Future[None] | None = None

    async def ask(self, request: Request, config: LLMConfig, key: str | None = None) -> Outcome:
        """Measure a request and let the stand-in answer, once nobody else is about to ask."""
        scope = current_scope()
        request_key = scope.next_key(key) if scope else f"outside/{next(self._names)}"
        await self._until_all_have_asked()
        wave = self._wave
        try:
            completion = await self._stand_in.attempt(request, request_key, "")
            effort = Effort(completion, 1, 0.0)
        except AttemptFailed as failure:
            completion = None
            effort = Effort(None, 1, 0.0, failure)
        outcome = judge(effort, request, request_key)
        self.asks.append(
            RehearsedAsk(
                entry=config.name,
                environment=scope.environment if scope else "",
                round=scope.round if scope else 0,
                wave=wave,
                message_bytes=sum(len(text.encode()) for told in request.messages for text in told.values()),
                schema_bytes=len(schema_in_words(request.schema)) if request.schema else 0,
                answer_characters=_length(completion, request),
                max_tokens=request.most_answer_tokens,
            )
        )
        self.tally.add(outcome)
        return outcome

    async def _until_all_have_asked(self) -> None:
        loop = asyncio.get_running_loop()
        self._arrived += 1
        if self._gate is None:
            self._gate = loop.create_future()
            self._watch(loop, self._gate, self._arrived, _TURNS_OF_THE_LOOP)
        await self._gate

    def _watch(
        self, loop: asyncio.AbstractEventLoop, gate: asyncio.Future[None], arrived: int, turns: int
    ) -> None:
        """Open the gate when the loop has turned a number of times without another ask."""
        if self._arrived != arrived:
            arrived, turns = self._arrived, _TURNS_OF_THE_LOOP
        if turns:
            loop.call_soon(self._watch, loop, gate, arrived, turns - 1)
            return
        self._wave, self._gate = self._wave + 1, None
        gate.set_result(None)


def _length(completion: Completion | None, request: Request) -> int:
    """Characters of the answer; where the stand-in has no rule, an answer of half the length allowed."""
    return len(completion.text) if completion else 2 * (request.max_tokens or 0)
