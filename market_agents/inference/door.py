"""The one door to models: every request passes here, is looked up in the journal, asked, judged and journalled.

An outcome is committed to the journal before the asker sees it, and the slot in flight is freed only then, so that
nothing that was paid for can be lost. A request under a known key is answered by the journal alone.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Self

from market_agents.config import LLMConfig
from market_agents.errors import (
    BudgetExhausted,
    MarketAgentsError,
    OtherModel,
    ProviderAway,
    ReplayMiss,
    UserError,
)
from market_agents.inference import spans
from market_agents.inference.asks import Outcome, Request, Status
from market_agents.inference.batches import Batch, BatchSettings, Progress
from market_agents.inference.batching import BatchQueue
from market_agents.inference.budget import NOTHING, ZERO, Amount, Budget, Price, Purse
from market_agents.inference.caching import cache_key, from_cache, is_worth_keeping
from market_agents.inference.embeddings import EmbeddingRequest
from market_agents.inference.endpoints import Effort, Endpoint
from market_agents.inference.intents import Intent
from market_agents.inference.journal import Journal
from market_agents.inference.model_names import ModelNames
from market_agents.inference.outcomes import judge, recall, row_of
from market_agents.inference.prices import cost_of
from market_agents.inference.providers.batch import BatchProvider
from market_agents.inference.scope import Scope, current_scope
from market_agents.telemetry import is_recording, span


@dataclass
class Tally:
    """What passed through the door so far; the numbers that are shown while a run goes.

    Attributes:
        cost: US dollars of the asks whose price is known.
        unpriced: models that were asked and whose price is unknown.
    """

    asked: int = 0
    replayed: int = 0
    from_cache: int = 0
    in_flight: int = 0
    unanswered: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = ZERO
    unpriced: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; one from the journal was paid for earlier, and counts all the same."""
        self.asked += 1
        self.replayed += outcome.replayed
        self.from_cache += outcome.from_cache and not outcome.replayed
        self.unanswered += outcome.status is not Status.ANSWERED
        if outcome.status is not Status.ANSWERED:
            self.reasons[f"{outcome.status}: {outcome.reason[:200]}"] += 1
        self.attempts += outcome.attempts
        self.prompt_tokens += outcome.usage.prompt_tokens
        self.cached_tokens += outcome.usage.cached_tokens
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
        budget: what may be spent; without caps by default.
        batches: how batches are made and waited for.
        is_batched: which asks of an entry go in batches, by where in the run they are made; none by default.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        journal: Journal,
        *,
        run_id: str = "",
        replay: bool = False,
        budget: Budget | None = None,
        batches: BatchSettings | None = None,
        is_batched: Callable[[LLMConfig, Scope], bool] | None = None,
    ) -> None:
        self.tally = Tally()
        self.budget = budget or Budget()
        self._endpoints = dict(endpoints)
        self.journal = journal
        # Without a run, keys such as outside/1 would name asks of other programs too.
        self._run_id = run_id or secrets.token_hex(16)
        self._replay = replay
        self._free_keys = itertools.count(1)
        self._open = AsyncExitStack()
        self._stopped: MarketAgentsError | None = None
        self._under_way = 0
        self._model_names = ModelNames()
        self._left: dict[str, Intent] = {}
        self._is_batched = is_batched
        self._batches = BatchQueue(
            batches or BatchSettings(), lambda: self.journal, self._run_id, lambda: self._stopped
        )

    async def __aenter__(self) -> Self:
        """Learn what is under way since an earlier process, and keep connections open until the block ends."""
        if not self._replay:
            left = [Intent.from_row(row) for row in await self.journal.intents()]
            self._left = {intent.key: intent for intent in left}
            self._batches.remember([Batch.from_row(row) for row in await self.journal.batches()])
        for endpoint in _distinct(self._endpoints.values()):
            await self._open.enter_async_context(endpoint)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections; a batch goes on at the provider."""
        await self._batches.close()
        await self._open.aclose()

    @property
    def batches(self) -> Mapping[int, Progress]:
        """The batches that are waited for, by their numbers."""
        return self._batches.waiting

    @property
    def reserved_in_batches(self) -> Amount:
        """What the asks may come to that an earlier process put into batches and that have no outcome yet."""
        return sum((intent.reserved for intent in self._left.values() if intent.batch is not None), NOTHING)

    @property
    def were_in_flight(self) -> tuple[str, ...]:
        """The asks that were in flight when an earlier process ended, and that this one has not asked yet."""
        return tuple(intent.key for intent in self._were_sent)

    @property
    def were_worth(self) -> Amount:
        """What these may have cost at most."""
        return sum((intent.reserved for intent in self._were_sent), NOTHING)

    @property
    def _were_sent(self) -> list[Intent]:
        return [intent for intent in self._left.values() if intent.batch is None and intent.reserved.calls]

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
            BudgetExhausted: one of the run's caps leaves no room.
        """
        scope = current_scope()
        request_key = scope.next_key(key) if scope else f"outside/{next(self._free_keys)}"
        with self._batches.asking():
            if not is_recording():
                return await self._ask(request, config, request_key, scope)
            told = spans.of_request(request, config, scope, self._run_id)
            with span(f"chat {request.model}", told, is_call=True) as marks:
                outcome = await self._ask(request, config, request_key, scope)
                if marks is not None:
                    spans.tell_outcome(marks, outcome)
            return outcome

    async def _ask(
        self, request: Request, config: LLMConfig, request_key: str, scope: Scope | None
    ) -> Outcome:
        known = await self.journal.find(request_key)
        if known is not None:
            outcome = recall(known, request)
        elif self._replay:
            raise ReplayMiss(f"the journal holds no answer for {request_key} ({request.model})")
        else:
            outcome = await self._ask_anew(request, config, request_key, scope)
        if scope and not self._replay and outcome.status is not Status.CAPPED:
            self.budget.book(scope.payer, outcome.usage, self._price(request.model, config))
        self.tally.add(outcome)
        if not self._replay:
            self._check_name(outcome, config, scope)
        return outcome

    def _check_name(self, outcome: Outcome, config: LLMConfig, scope: Scope | None) -> None:
        """The answer is in the journal by now, whoever gave it."""
        try:
            self._model_names.check(outcome, config)
        except OtherModel as error:
            if scope is not None:
                self._stopped = error
            raise

    async def _ask_anew(self, request: Request, config: LLMConfig, key: str, scope: Scope | None) -> Outcome:
        kept_under = self._cache_key(request, key, config) if scope else None
        left = self._left.get(key) or Intent(key, request.hash)
        outcome: Outcome | None = None
        if left.batch is None:  # else its answer is paid for, and waits at the provider
            outcome = await self._unasked(request, config, key, scope, kept_under)
        if outcome is None:
            return await self._ask_live(request, config, key, scope, kept_under)
        # What an earlier process sent for it may have been paid, though nobody needs to send it again.
        self._left.pop(key, None)
        outcome = replace(outcome, attempts=left.attempts + left.reserved.calls)
        perhaps = left.unconfirmed + left.reserved
        await self.journal.commit(row_of(outcome, perhaps, outcome.content, request, config, scope))
        return outcome

    async def _unasked(
        self, request: Request, config: LLMConfig, key: str, scope: Scope | None, kept_under: str | None
    ) -> Outcome | None:
        """The outcome of an ask that needs no model: its agent has no room for it, or an earlier run has the answer."""
        payer = scope.payer if scope else ""
        refusal = self.budget.refusal(payer, request, self._price(request.model, config))
        if refusal is not None:
            return Outcome(key, Status.CAPPED, reason=refusal, requested_model=request.model, cost=ZERO)
        if kept_under is None:
            return None
        return await from_cache(self.journal, kept_under, request, key)

    def _cache_key(self, request: Request, key: str, config: LLMConfig) -> str | None:
        """Under what an answer is kept for later runs; None where it is not."""
        provider = self._endpoints[config.name].provider
        if not config.use_cache or not provider.charges:
            return None
        return cache_key(request, key, config, provider.base_url)

    async def _ask_live(
        self, request: Request, config: LLMConfig, key: str, scope: Scope | None, kept_under: str | None
    ) -> Outcome:
        if scope is None and not self._under_way and isinstance(self._stopped, ProviderAway | UserError):
            self._stopped = None  # who asks by hand may have mended the endpoint that stopped the asks before
        self._under_way += 1
        try:
            return await self._ask_in_turn(request, config, key, scope, kept_under)
        finally:
            self._under_way -= 1

    async def _ask_in_turn(
        self, request: Request, config: LLMConfig, key: str, scope: Scope | None, kept_under: str | None
    ) -> Outcome:
        endpoint = self._endpoints[config.name]
        intent = self._left.pop(key, None) or Intent(key, request.hash)
        intent.require_same(request)
        in_batch = self._goes_in_a_batch(request, config, scope, intent)
        async with endpoint, self._slot(endpoint, scope, in_batch=in_batch):
            if self._stopped is not None:
                raise self._stopped
            purse = self._purse(request, config, intent, in_batch=in_batch)
            earlier = purse.attempts
            try:
                if in_batch:
                    name = self._idempotency_key(key)
                    effort = await self._batches.call(endpoint, request, name, purse, config.name, intent)
                else:
                    effort = await self._effort(endpoint, request, key, purse)
                outcome = replace(judge(effort, request, key), attempts=earlier + effort.attempts)
                if effort.completion is not None:
                    price = self._price(outcome.returned_model or request.model, config, in_batch=in_batch)
                    outcome = replace(outcome, cost=price(outcome.usage))
                    self.budget.learn(request, outcome.usage)
                    purse.paid(outcome.usage, outcome.cost)
                text = effort.completion.text if effort.completion else ""
                row = row_of(outcome, purse.unconfirmed, text, request, config, scope)
                if kept_under is not None and is_worth_keeping(outcome):
                    await self.journal.commit(row, kept_under)
                else:
                    await self.journal.commit(row)
            except MarketAgentsError as error:
                # What stops one ask for good stops all later ones; those in flight may finish.
                self._stopped = error
                raise
            finally:
                purse.close()
        return outcome

    def _goes_in_a_batch(
        self, request: Request, config: LLMConfig, scope: Scope | None, intent: Intent
    ) -> bool:
        """Whether an ask waits for others to go with; one that is in a batch already waits for that, come what may."""
        if intent.batch is not None:
            return True
        if self._is_batched is None or scope is None or isinstance(request, EmbeddingRequest):
            return False
        return isinstance(self._endpoints[config.name].provider, BatchProvider) and self._is_batched(
            config, scope
        )

    @asynccontextmanager
    async def _slot(self, endpoint: Endpoint, scope: Scope | None, *, in_batch: bool) -> AsyncIterator[None]:
        """A slot in flight; an ask in a batch needs none, and no batch waits for those that are asked live."""
        if in_batch:
            yield
            return
        with self._batches.resting():
            async with endpoint.limits.slot(scope.agent_id if scope else ""):
                self.tally.in_flight += 1
                try:
                    yield
                finally:
                    self.tally.in_flight -= 1

    async def _effort(self, endpoint: Endpoint, request: Request, key: str, purse: Purse) -> Effort:
        """Ask until there is an end; an attempt that is known to be over is none that may still be paid."""
        try:
            return await endpoint.call(request, key, self._idempotency_key(key), purse)
        except (BudgetExhausted, ProviderAway, UserError):
            await purse.take_back()
            raise

    def _purse(self, request: Request, config: LLMConfig, before: Intent, *, in_batch: bool) -> Purse:
        """What an ask is paid from; one that was in flight when an earlier process ended may have been paid then."""

        async def note(purse: Purse) -> None:
            intent = Intent(before.key, request.hash, purse.attempts, purse.unconfirmed, purse.reserved)
            await self.journal.intend(intent.row)

        def note_soon(purse: Purse) -> None:
            attempts, unconfirmed = purse.attempts, purse.unconfirmed
            self.journal.intend_soon(
                before.key,
                lambda: Intent(before.key, request.hash, attempts, unconfirmed, purse.worst()).row,
            )

        charges = self._endpoints[config.name].provider.charges
        lost = before.reserved if before.batch is None else NOTHING
        return self.budget.purse(
            request,
            self._price(request.model, config, in_batch=in_batch),
            attempts=before.attempts + lost.calls,
            unconfirmed=before.unconfirmed + lost,
            note=note,
            note_soon=note_soon if charges else None,
        )

    def _price(self, model: str, config: LLMConfig, *, in_batch: bool = False) -> Price:
        """What a usage of a model costs at the endpoint of an entry, as far as that is asked in this process."""
        endpoint = self._endpoints.get(config.name)
        if endpoint is None:
            # A fork takes the answers of earlier rounds from models that it does not ask itself.
            return lambda usage: None  # noqa: ARG005  (where nobody is asked, no price is known)
        provider = endpoint.provider
        if not provider.charges:
            return lambda usage: ZERO  # noqa: ARG005  (nothing is charged, whatever was used)
        return lambda usage: cost_of(usage, model, provider.base_url, config, in_batch=in_batch)

    def _idempotency_key(self, key: str) -> str:
        return hashlib.sha256(f"{self._run_id}/{key}".encode()).hexdigest()[:40]


def _distinct(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return list({id(endpoint): endpoint for endpoint in endpoints}.values())
