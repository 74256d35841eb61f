"""One batch on its way: kept before it is sent, found again after a restart, waited for, and read."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from market_agents.errors import ProviderAway, UserError
from market_agents.failpoints import reach
from market_agents.inference.asks import Request
from market_agents.inference.budget import Purse
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.intents import Intent
from market_agents.inference.journal import Journal, JournalRow
from market_agents.inference.providers.batch import BatchGone, BatchProvider, BatchState, LineReader
from market_agents.inference.retry import AttemptFailed, Verdict

log = logging.getLogger(__name__)

MARK = "market_agents_batch"
"""The name in a batch's metadata under which it is found again."""

LOOKS_BEFORE_LOST = 3
"""Looks at a batch that the provider does not know, at the usual intervals, before it counts as lost."""

_INTENDED = "intended"
_LOST = "lost"

T = TypeVar("T")


@dataclass(frozen=True)
class BatchSettings:
    """How batches are made and waited for.

    Attributes:
        poll_interval: seconds between two looks at a batch.
        max_wait: seconds after which a batch that has not ended stops the run.
        max_requests: asks of one batch at most.
        resends_lost: whether the asks of a batch that the provider knows no more go into another; else the run stops.
    """

    poll_interval: float = 30.0
    max_wait: float = 26 * 3600.0
    max_requests: int = 50_000
    resends_lost: bool = False


@dataclass
class Progress:
    """A batch that is waited for, as it is shown."""

    batch_id: str
    address: str
    total: int
    done: int = 0


@dataclass(frozen=True, eq=False)
class BatchedAsk:
    """An ask on its way into a batch.

    Attributes:
        key: the request's key in the journal.
        name: tells its answer from the others.
        purse: opened, and not yet dispatched.
        line: what is sent.
    """

    key: str
    name: str
    request: Request
    entry: str
    purse: Purse
    line: bytes

    def intent(self, number: int) -> Intent:
        """What the journal keeps before it is sent in a batch."""
        purse = self.purse
        return Intent(self.key, self.request.hash, purse.attempts, purse.unconfirmed, purse.reserved, number)


@dataclass
class Batch:
    """A batch of this run, in this process or since an earlier one.

    Attributes:
        number: its place in the run, from 1.
        token: stands in its metadata at the provider.
        answers: its lines by name, once it has ended.
        is_void: whether it was never made at the provider, so that its asks have to go into another.
    """

    number: int
    token: str
    entry: str
    model: str
    base_url: str | None
    requests: int
    batch_id: str | None = None
    status: str = _INTENDED
    completed: int = 0
    failed: int = 0
    reason: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    is_void: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, asks: Sequence[BatchedAsk], number: int, base_url: str | None) -> Batch:
        """A new batch, of asks of one model."""
        return cls(
            number, secrets.token_hex(12), asks[0].entry, asks[0].request.model, base_url, requests=len(asks)
        )

    @classmethod
    def from_row(cls, row: JournalRow) -> Batch:
        """The batch that the journal holds."""
        kept = {name: row[name] for name in _SAME}
        return cls(number=row["batch"], entry=row["llm_config"], model=row["requested_model"], **kept)

    @property
    def row(self) -> JournalRow:
        """Columns of ``llm_batches``."""
        kept = {name: getattr(self, name) for name in _SAME}
        return {"batch": self.number, "llm_config": self.entry, "requested_model": self.model, **kept}

    def lose(self, gone: BatchGone) -> None:
        """Nothing more will be heard of it; what is left of its answers counts."""
        self.status, self.reason, self.answers = _LOST, gone.reason, gone.left
        self.finished_at = datetime.now(UTC)

    def see(self, state: BatchState) -> bool:
        """Take over how far it is; returns whether that is news."""
        before = (self.batch_id, self.status, self.completed, self.failed)
        self.batch_id, self.status = state.batch_id, state.status
        self.completed, self.failed, self.reason = state.completed, state.failed, state.reason or None
        if state.is_final:
            self.finished_at = datetime.now(UTC)
        return before != (self.batch_id, self.status, self.completed, self.failed)


_SAME = (
    "token",
    "base_url",
    "requests",
    "batch_id",
    "status",
    "completed",
    "failed",
    "reason",
    "created_at",
    "finished_at",
)


class Carrier:
    """Takes one batch to the provider and back.

    Args:
        endpoint: whose provider answers in batches.
        journal: where the batch is kept.
        settings: how it is waited for.
        run_id: stands in its metadata, for people.
        show: told how far it is, and None once that is over.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        journal: Journal,
        settings: BatchSettings,
        run_id: str,
        show: Callable[[int, Progress | None], None],
    ) -> None:
        provider = endpoint.provider
        if not isinstance(provider, BatchProvider):
            raise UserError(
                f"{provider.base_url or 'this client'} answers in no batches; set execution: live"
            )
        self.provider: BatchProvider = provider
        self._endpoint = endpoint
        self._journal = journal
        self._settings = settings
        self._run_id = run_id
        self._show = show

    def reader(self, batch: Batch) -> LineReader:
        """What reads the batch's lines."""
        return self.provider.batch_reader(batch.model)

    async def send(self, batch: Batch, asks: Sequence[BatchedAsk]) -> None:
        """Keep a new batch and its asks, send it, and wait for its end."""
        intents = [ask.intent(batch.number).row for ask in asks]
        await self._journal.keep_batch(batch.row, intents)
        reach("batch.kept")
        for ask in asks:
            ask.purse.dispatched()
        lines = b"".join(ask.line for ask in asks)
        metadata = {MARK: batch.token, "market_agents_run": self._run_id, "asks": str(len(asks))}
        tries = 0

        async def make() -> BatchState:
            nonlocal tries
            tries += 1
            # After a lost reply it may be there already, and would be paid twice.
            found = await self.provider.find_batch(MARK, batch.token) if tries > 1 else None
            return found or await self.provider.send_batch(lines, metadata)

        state = await self._endpoint.persist(make)
        reach("batch.created")
        await self._see(batch, state)
        reach("batch.stored")
        log.info(
            "batch %s: %d asks sent to %s; looked at every %g s",
            batch.batch_id,
            len(asks),
            batch.model,
            self._settings.poll_interval,
        )
        try:
            await self._until_it_ends(batch, state)
        except BatchGone as gone:
            await self._lose(batch, gone)

    async def take_up(self, batch: Batch) -> None:
        """Go on waiting for a batch of an earlier process, which perhaps was never made."""
        try:
            await self._take_up(batch)
        except BatchGone as gone:
            await self._lose(batch, gone)

    async def _take_up(self, batch: Batch) -> None:
        here = self._endpoint.provider.base_url
        if batch.base_url != here:
            where = (
                f"at {batch.base_url or 'OpenAI'}, and the entry {batch.entry!r} now names {here or 'OpenAI'}"
            )
            if self._settings.resends_lost:
                raise BatchGone(f"it is {where}")
            raise UserError(
                f"batch {batch.batch_id or batch.number} of this run is {where}: resume with the former base_url, or "
                "with --set batch.if_lost=resend to ask again what is in it, which may then be paid twice"
            )
        if batch.batch_id is None:
            found = await self._endpoint.persist(lambda: self.provider.find_batch(MARK, batch.token))
            if found is None:
                batch.is_void = True
                return
            log.info("batch %s: found again, its id had not been kept", found.batch_id)
            await self._see(batch, found)
        batch_id = str(batch.batch_id)
        state = await self._known(batch_id, lambda: self.provider.look_at_batch(batch_id))
        await self._see(batch, state)
        log.info(
            "batch %s: taken up, %s, %d of %d done", batch_id, state.status, batch.completed, batch.requests
        )
        await self._until_it_ends(batch, state)

    async def _known(self, batch_id: str, work: Callable[[], Awaitable[T]], looks: int = 0) -> T:
        """Do something about a batch that was made, which the provider may be slow to know.

        Args:
            batch_id: the provider's name of it.
            work: what is to be done.
            looks: for which it was not known already.

        Raises:
            BatchGone: it was not known however often one looked.
        """

        async def tried() -> T | BatchGone:
            try:
                return await work()
            except BatchGone as gone:
                return gone

        while isinstance(found := await self._endpoint.persist(tried), BatchGone):
            looks += 1
            if looks >= LOOKS_BEFORE_LOST:
                raise found
            await self._look_later(batch_id, found)
        return found

    async def _look_later(self, batch_id: str, gone: BatchGone) -> None:
        log.warning("batch %s: %s; it is looked for again", batch_id, gone.reason)
        await asyncio.sleep(self._settings.poll_interval)

    async def _lose(self, batch: Batch, gone: BatchGone) -> None:
        """A batch is lost: its asks go into another where the configuration says so.

        Raises:
            ProviderAway: it does not say so.
        """
        self._show(batch.number, None)
        told = f"batch {batch.batch_id or batch.number} is lost: {gone.reason}"
        missing_asks = batch.requests - len(gone.left)
        if not self._settings.resends_lost:
            raise ProviderAway(
                f"{told}; resume with the base_url and the key that it was sent with, or with --set "
                f"batch.if_lost=resend to ask its {missing_asks} asks again, which may then be paid twice"
            )
        batch.lose(gone)
        await self._journal.keep_batch(batch.row)
        log.warning("%s; its %d asks count as perhaps paid and go into another batch", told, missing_asks)

    async def _see(self, batch: Batch, state: BatchState) -> None:
        if batch.see(state):
            await self._journal.keep_batch(batch.row)
        done = batch.completed + batch.failed
        self._show(batch.number, Progress(state.batch_id, batch.base_url or "OpenAI", batch.requests, done))

    async def _until_it_ends(self, batch: Batch, state: BatchState) -> None:
        """Look at it at intervals, fetch its lines when it has ended, and say so."""
        until, told = _now() + self._settings.max_wait, ""
        while not state.is_final:
            if _now() > until:
                raise ProviderAway(
                    f"batch {state.batch_id} has not ended within {self._settings.max_wait / 3600:g} hours "
                    f"(it is {state.status}); it may still end, and then resume fetches its answers"
                )
            await asyncio.sleep(self._settings.poll_interval)
            state = await self._look(state)
            await self._see(batch, state)
            tenth = 10 * (batch.completed + batch.failed) // max(batch.requests, 1)
            if told != (told := f"{state.status} {tenth}"):
                log.info(
                    "batch %s: %s, %d of %d done",
                    state.batch_id,
                    state.status,
                    batch.completed,
                    batch.requests,
                )
        last = state
        batch.answers = await self._known(last.batch_id, lambda: self.provider.batch_answers(last))
        reach("batch.fetched")
        self._show(batch.number, None)
        if state.status != "completed":
            because = f" ({state.reason})" if state.reason else ""
            log.warning(
                "batch %s: %s%s, with answers to %d of %d asks",
                state.batch_id,
                state.status,
                because,
                batch.completed,
                batch.requests,
            )

    async def _look(self, state: BatchState) -> BatchState:
        """How far it is; what cannot be told now is told later, for it goes on meanwhile."""
        try:
            return await self.provider.look_at_batch(state.batch_id)
        except BatchGone as gone:
            await self._look_later(state.batch_id, gone)
            return await self._known(
                state.batch_id, lambda: self.provider.look_at_batch(state.batch_id), looks=1
            )
        except AttemptFailed as failure:
            if failure.verdict is Verdict.KEY_REFUSED:
                raise self._endpoint.away(failure) from failure
            log.warning("batch %s: %s; it is looked at again", state.batch_id, failure.reason)
            await asyncio.sleep(failure.retry_after or 0.0)
            return state


def missing(batch: Batch) -> AttemptFailed:
    """What it means that an ended batch has no line for an ask."""
    if batch.status == "completed":
        return AttemptFailed(
            Verdict.GARBLED, f"batch {batch.batch_id} has no line that can be read for this request"
        )
    because = f": {batch.reason}" if batch.reason else ""
    return AttemptFailed(
        Verdict.RETRY, f"batch {batch.batch_id} {batch.status}{because}", maybe_paid=batch.status == _LOST
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
