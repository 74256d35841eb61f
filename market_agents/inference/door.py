"""The one door to models: every request passes here, is looked up in the journal, asked, judged and journalled.

An outcome is committed to the journal before the asker sees it, and the slot in flight is freed only then, so that
nothing that was paid for can be lost. A request under a known key is answered by the journal alone.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from market_agents.config import LLMConfig
from market_agents.errors import JournalMismatch, MarketAgentsError, ReplayMiss
from market_agents.inference.asks import Completion, Outcome, Request, Status, Usage, usage_row
from market_agents.inference.endpoints import Effort, Endpoint
from market_agents.inference.journal import Journal, JournalRow
from market_agents.inference.prices import cost_of
from market_agents.inference.providers.provider import Provider
from market_agents.inference.scope import Scope, current_scope
from market_agents.inference.structured import Unreadable, read_answer
from market_agents.plain_text import clean, escaped

ZERO = Decimal(0)


@dataclass
class Tally:
    """What passed through the door so far; the numbers of the progress line.

    Attributes:
        cost: US dollars of the asks whose price is known.
        unpriced: models that were asked and whose price is unknown.
    """

    asked: int = 0
    replayed: int = 0
    in_flight: int = 0
    unanswered: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = ZERO
    unpriced: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; one from the journal was paid for earlier, and counts all the same."""
        self.asked += 1
        self.replayed += outcome.replayed
        self.unanswered += outcome.status is not Status.ANSWERED
        if outcome.status is not Status.ANSWERED:
            self.reasons[f"{outcome.status}: {outcome.reason[:200]}"] += 1
        self.attempts += outcome.attempts
        self.prompt_tokens += outcome.usage.prompt_tokens
        self.completion_tokens += outcome.usage.completion_tokens
        if outcome.cost is None:
            self.unpriced.add(outcome.returned_model or outcome.requested_model)
        else:
            self.cost += outcome.cost


class ModelDoor:
    """All model calls of a run, or of a program that uses agents without a run.

    Args:
        endpoints: by name of the ``llm_configs`` entry; entries of one server share an endpoint.
        journal: where outcomes are kept.
        run_id: enters idempotency keys only.
        replay: answer from the journal alone.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint], journal: Journal, *, run_id: str = "", replay: bool = False
    ) -> None:
        self.tally = Tally()
        self._endpoints = dict(endpoints)
        self.journal = journal
        # Without a run, keys such as outside/1 would name asks of other programs too.
        self._run_id = run_id or secrets.token_hex(16)
        self._replay = replay
        self._free_keys = itertools.count(1)
        self._open = AsyncExitStack()
        self._stopped: MarketAgentsError | None = None

    async def __aenter__(self) -> Self:
        """Keep connections open until the block ends."""
        for endpoint in _distinct(self._endpoints.values()):
            await self._open.enter_async_context(endpoint)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._open.aclose()

    async def ask(self, request: Request, config: LLMConfig, key: str | None = None) -> Outcome:
        """Ask once and return the journalled outcome.

        Args:
            request: what is asked.
            config: which entry of ``llm_configs`` answers.
            key: names this ask within its step, for calls that run side by side.

        Raises:
            JournalMismatch: the journal holds another request under this key.
            ReplayMiss: a replay met a request that the journal does not hold.
            UserError, ProviderAway: the endpoint cannot be used at all.
        """
        scope = current_scope()
        request_key = scope.next_key(key) if scope else f"outside/{next(self._free_keys)}"
        known = await self.journal.find(request_key)
        if known is not None:
            outcome = _recall(known, request)
        elif self._replay:
            raise ReplayMiss(f"the journal holds no answer for {request_key} ({request.model})")
        else:
            outcome = await self._ask_live(request, config, request_key, scope)
        self.tally.add(outcome)
        return outcome

    async def _ask_live(self, request: Request, config: LLMConfig, key: str, scope: Scope | None) -> Outcome:
        endpoint = self._endpoints[config.name]
        async with endpoint, endpoint.limits.in_flight:
            if self._stopped is not None:
                raise self._stopped
            self.tally.in_flight += 1
            try:
                effort = await endpoint.call(request, key, self._idempotency_key(key))
                outcome = _judge(effort, request, key)
                if effort.completion is not None:
                    outcome = _priced(outcome, endpoint.provider)
                await self.journal.commit(_row(outcome, effort, request, config, scope))
            except MarketAgentsError as error:
                # What stops one ask for good stops all later ones; those in flight may finish.
                self._stopped = error
                raise
            finally:
                self.tally.in_flight -= 1
        return outcome

    def _idempotency_key(self, key: str) -> str:
        return hashlib.sha256(f"{self._run_id}/{key}".encode()).hexdigest()[:40]


def _distinct(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return list({id(endpoint): endpoint for endpoint in endpoints}.values())


def _judge(effort: Effort, request: Request, key: str) -> Outcome:
    """What an effort amounts to, whether or not it can be used."""
    common: dict[str, Any] = {
        "request_key": key,
        "requested_model": request.model,
        "attempts": effort.attempts,
        "latency_ms": effort.latency_ms,
    }
    completion = effort.completion
    if completion is None:
        failure = effort.failure
        timed_out = failure is not None and failure.timed_out
        return Outcome(
            status=Status.TIMED_OUT if timed_out else Status.FAILED,
            reason=str(failure) if failure else "",
            cost=ZERO,
            **common,
        )
    status, parsed, reason = _read(completion, request)
    return Outcome(
        status=status,
        content=clean(completion.text),
        parsed=parsed,
        reason=clean(reason),
        returned_model=clean(completion.model),
        finish_reason=clean(completion.finish_reason),
        usage=completion.usage,
        **common,
    )


def _read(completion: Completion, request: Request) -> tuple[Status, Any, str]:
    if completion.refusal is not None:
        return Status.REFUSED, None, completion.refusal[:500]
    if completion.finish_reason == "content_filter":
        return Status.REFUSED, None, "the provider's content filter stopped the answer"
    if completion.finish_reason == "length":
        return Status.TRUNCATED, None, "the answer was cut off at max_tokens; answer more briefly"
    if request.schema is None:
        return (
            (Status.ANSWERED, None, "")
            if completion.text.strip()
            else (Status.INVALID, None, "the answer is empty")
        )
    try:
        return Status.ANSWERED, read_answer(clean(completion.text), request.schema), ""
    except Unreadable as finding:
        return Status.INVALID, None, str(finding)


def _priced(outcome: Outcome, provider: Provider) -> Outcome:
    if not provider.charges:
        return replace(outcome, cost=ZERO)
    model = outcome.returned_model or outcome.requested_model
    return replace(outcome, cost=cost_of(outcome.usage, model, provider.base_url))


def _row(
    outcome: Outcome, effort: Effort, request: Request, config: LLMConfig, scope: Scope | None
) -> JournalRow:
    text = effort.completion.text if effort.completion else ""
    return {
        "request_key": outcome.request_key,
        "request_hash": request.hash,
        "agent_id": scope.agent_id if scope else "",
        "environment": scope.environment if scope else "",
        "round": scope.round if scope else 0,
        "sub_round": scope.sub_round if scope else 0,
        "step": scope.step if scope else "",
        "llm_config": config.name,
        "client": config.client,
        "requested_model": request.model,
        "returned_model": outcome.returned_model,
        "messages": [dict(message) for message in request.messages],
        "schema_name": request.schema.__name__ if request.schema else None,
        "response": outcome.content,
        "response_raw": None if outcome.content == text else escaped(text),
        "finish_reason": outcome.finish_reason,
        "status": outcome.status.value,
        "reason": outcome.reason,
        **usage_row(outcome.usage),
        "cost": outcome.cost,
        "attempts": outcome.attempts,
        "latency_ms": outcome.latency_ms,
    }


def _recall(row: JournalRow, request: Request) -> Outcome:
    """The outcome that the journal holds, read again with today's schema."""
    key = row["request_key"]
    if row["request_hash"] != request.hash:
        raise JournalMismatch(
            f"under {key} the journal holds another request; configuration, prompts or code differ from the first run"
        )
    status = Status(row["status"])
    parsed = None
    if status is Status.ANSWERED and request.schema is not None:
        try:
            parsed = read_answer(row["response"], request.schema)
        except Unreadable as finding:
            raise JournalMismatch(
                f"the answer under {key} no longer fits {request.schema.__name__}: {finding}"
            ) from finding
    return Outcome(
        request_key=key,
        status=status,
        content=row["response"],
        parsed=parsed,
        reason=row["reason"],
        requested_model=row["requested_model"],
        returned_model=row["returned_model"],
        finish_reason=row["finish_reason"],
        usage=Usage(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"]),
        cost=row["cost"],
        attempts=row["attempts"],
        latency_ms=row["latency_ms"],
        replayed=True,
    )
