"""Asks that go together: what agents ask at the same time is gathered until nobody else is about to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from market_agents.errors import MarketAgentsError, ProviderAway
from market_agents.inference.asks import Completion, Request
from market_agents.inference.batches import Batch, BatchedAsk, BatchSettings, Carrier, Progress, missing
from market_agents.inference.budget import Purse
from market_agents.inference.endpoints import Effort, Endpoint
from market_agents.inference.intents import Intent
from market_agents.inference.journal import Journal
from market_agents.inference.providers.batch import LineReader
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.inference.scope import nowhere

MOST_BATCHES = 3
"""Batches that an ask goes into, before it ends without an answer."""

MOST_BYTES = 190_000_000
"""Of one batch's file; providers take 200 MB."""

_QUIET_SECONDS = 0.05
_TURNS_OF_THE_LOOP = 30

_Trip = asyncio.Task[None]


@dataclass
class _Gathering:
    """Asks of one model at one endpoint that will go together."""

    endpoint: Endpoint
    asks: list[BatchedAsk] = field(default_factory=list)
    waiters: list[asyncio.Future[_Boarded]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Boarded:
    """A batch with whatever takes it to the provider and back."""

    batch: Batch
    trip: _Trip
    read: LineReader


class BatchQueue:
    """Gathers asks into batches, and gives each its answer.

    A batch is sent when no ask is on its way to it: none is being looked up or committed, and the event loop has turned
    a number of times without another.

    Args:
        settings: how batches are made and waited for.
        journal: gives the journal of the moment.
        run_id: stands in the batches' metadata.
        stopped: the error that stops all later asks, if there is one.
    """

    def __init__(
        self,
        settings: BatchSettings,
        journal: Callable[[], Journal],
        run_id: str,
        stopped: Callable[[], MarketAgentsError | None],
    ) -> None:
        self.waiting: dict[int, Progress] = {}
        self._settings = settings
        self._journal = journal
        self._run_id = run_id
        self._stopped = stopped
        self._busy = 0
        self._arrived = 0
        self._last = 0
        self._gatherings: dict[tuple[int, str], _Gathering] = {}
        self._earlier: dict[int, Batch] = {}
        self._boarded: dict[int, _Boarded] = {}

    def remember(self, batches: Sequence[Batch]) -> None:
        """The batches that earlier processes of the run made."""
        self._earlier = {batch.number: batch for batch in batches}
        self._last = max(self._earlier, default=0)

    async def close(self) -> None:
        """Wait for nothing any more; what is at the provider goes on there."""
        trips = [boarded.trip for boarded in self._boarded.values()]
        for trip in trips:
            trip.cancel()
        await asyncio.gather(*trips, return_exceptions=True)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the block lasts somebody is about to ask, or has an answer and is about to go on."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    async def call(
        self, endpoint: Endpoint, request: Request, name: str, purse: Purse, entry: str, intent: Intent
    ) -> Effort:
        """Get a reply out of a batch, or the last failure after which there was no going on.

        Args:
            endpoint: whose provider answers in batches.
            request: what is asked.
            name: tells its answer from the others, in no other run.
            purse: what it is paid from, left open after a reply.
            entry: of ``llm_configs``.
            intent: what the journal holds of this ask, for one that is in a batch already.

        Raises:
            BudgetExhausted: there is no money for it.
            UserError, ProviderAway: the endpoint cannot be used at all.
        """
        started, attempts, failures = asyncio.get_running_loop().time(), 0, 0
        number, is_open = intent.batch, False
        if number is not None:
            purse.adopt(intent.reserved)
        while True:
            if number is not None:
                boarded = await self._aboard(self._earlier_batch(endpoint, number))
                if boarded.batch.is_void:
                    number, is_open = None, True
                    continue
            else:
                boarded = await self._board(
                    endpoint, request, intent.key, name, purse, entry, is_open=is_open
                )
            number, is_open = None, False
            attempts += 1
            try:
                completion = _answer(boarded, name, request)
            except AttemptFailed as failure:
                purse.failed(maybe_paid=failure.maybe_paid)
                failures += failure.verdict is not Verdict.FALL_BACK
                # What a batch of an earlier process was refused may be granted by now; the next one will tell.
                if failure.verdict is Verdict.KEY_REFUSED and boarded.batch.number not in self._earlier:
                    raise endpoint.away(failure) from failure
                if failure.verdict is Verdict.GIVE_UP or failures >= MOST_BATCHES:
                    self._refuse_failed(boarded.batch)
                    return Effort(None, attempts, _milliseconds(started), failure)
            else:
                return Effort(completion, attempts, _milliseconds(started))

    def _refuse_failed(self, batch: Batch) -> None:
        """A batch that failed as a whole says nothing about its asks."""
        if batch.status == "failed":
            raise ProviderAway(
                f"batch {batch.batch_id} failed, as those before it: {batch.reason or 'no reason was given'}"
            )

    def _earlier_batch(self, endpoint: Endpoint, number: int) -> _Boarded:
        """A batch of an earlier process; the first who asks takes it up."""
        if number not in self._boarded:
            batch = self._earlier[number]
            carrier = self._carrier(endpoint)
            with nowhere():
                trip = asyncio.create_task(carrier.take_up(batch))
            self._boarded[number] = _Boarded(batch, trip, carrier.reader(batch))
        return self._boarded[number]

    async def _board(
        self,
        endpoint: Endpoint,
        request: Request,
        key: str,
        name: str,
        purse: Purse,
        entry: str,
        *,
        is_open: bool,
    ) -> _Boarded:
        """Go into the next batch, and come back when it has ended."""
        if not is_open:
            with self.resting():
                await purse.open()
        carrier = self._carrier(endpoint)
        ask = BatchedAsk(key, name, request, entry, purse, carrier.provider.batch_line(request, name))
        waiter: asyncio.Future[_Boarded] = asyncio.get_running_loop().create_future()
        gathering = self._gatherings.get((id(endpoint), request.model))
        if gathering is None:
            gathering = self._gatherings[id(endpoint), request.model] = _Gathering(endpoint)
            self._watch(gathering, request.model)
        gathering.asks.append(ask)
        gathering.waiters.append(waiter)
        self._arrived += 1
        with self.resting():
            boarded = await waiter
            return await self._aboard(boarded, is_resting=True)

    async def _aboard(self, boarded: _Boarded, *, is_resting: bool = False) -> _Boarded:
        """Wait for the end of a batch; whoever stops waiting leaves the others to it."""
        if is_resting:
            await asyncio.shield(boarded.trip)
        else:
            with self.resting():
                await asyncio.shield(boarded.trip)
        return boarded

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While the block lasts the ask is not about to go on."""
        self._busy -= 1
        try:
            yield
        finally:
            self._busy += 1

    def _watch(self, gathering: _Gathering, model: str) -> None:
        """Send the gathered asks off when nobody else is about to ask."""
        loop = asyncio.get_running_loop()

        def look(arrived: int, turns: int) -> None:
            if self._busy or self._arrived != arrived:
                loop.call_later(_QUIET_SECONDS, look, self._arrived, _TURNS_OF_THE_LOOP)
            elif turns:
                loop.call_soon(look, arrived, turns - 1)
            else:
                del self._gatherings[id(gathering.endpoint), model]
                self._depart(gathering)

        loop.call_later(_QUIET_SECONDS, look, self._arrived, _TURNS_OF_THE_LOOP)

    def _depart(self, gathering: _Gathering) -> None:
        """Make batches of the gathered asks, as many as their limits need."""
        places = [place for place, waiter in enumerate(gathering.waiters) if not waiter.done()]
        for chosen in _parts(places, gathering.asks, self._settings.max_requests):
            asks = [gathering.asks[place] for place in chosen]
            self._last += 1
            batch = Batch.of(asks, self._last, gathering.endpoint.provider.base_url)
            carrier = self._carrier(gathering.endpoint)
            read = carrier.reader(batch)
            with nowhere():
                trip = asyncio.create_task(self._carry(carrier, batch, asks))
            boarded = self._boarded[batch.number] = _Boarded(batch, trip, read)
            for place in chosen:
                gathering.waiters[place].set_result(boarded)

    async def _carry(self, carrier: Carrier, batch: Batch, asks: Sequence[BatchedAsk]) -> None:
        stopped = self._stopped()
        if stopped is not None:
            raise stopped  # nothing of it has been sent
        await carrier.send(batch, asks)

    def _carrier(self, endpoint: Endpoint) -> Carrier:
        return Carrier(endpoint, self._journal(), self._settings, self._run_id, self._show)

    def _show(self, number: int, progress: Progress | None) -> None:
        if progress is None:
            self.waiting.pop(number, None)
        else:
            self.waiting[number] = progress


def _answer(boarded: _Boarded, name: str, request: Request) -> Completion:
    lines: Mapping[str, str] = boarded.batch.answers
    if name not in lines:
        raise missing(boarded.batch)
    return boarded.read(lines[name], request)


def _parts(places: Sequence[int], asks: Sequence[BatchedAsk], most: int) -> Iterator[list[int]]:
    """Places in their order, in parts of at most so many asks and so many bytes."""
    part: list[int] = []
    size = 0
    for place in places:
        length = len(asks[place].line)
        if part and (len(part) == most or size + length > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(place)
        size += length
    if part:
        yield part


def _milliseconds(started: float) -> float:
    return (asyncio.get_running_loop().time() - started) * 1000
