"""The stored journal: outcomes committed before they are used, many at a time, and found by the page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, Select, and_, func, or_, select

from market_agents.errors import JournalError, MarketAgentsError, WriteConflict
from market_agents.failpoints import reach
from market_agents.storage import bulk
from market_agents.storage.answers import find_answer, keep_answers
from market_agents.storage.database import Database
from market_agents.storage.intents import (
    forget_intents,
    read_batches,
    read_intents,
    replace_batch,
    replace_intents,
)
from market_agents.storage.leases import Lease
from market_agents.storage.rows import Row, Values, codec
from market_agents.storage.schema import llm_intents, llm_requests

MOST_ROWS = 512
"""Rows in one commit; the rest waits for the next."""

MOST_AWAKE = 8
"""Waiters that go on in one turn of an event loop."""

SOON_SECONDS = 0.05
"""The longest that an intent waits for a commit to go along with."""

_COLUMNS = tuple(column for column in llm_requests.columns if column.name not in {"run_id", "messages"})
_NAMES = tuple(column.name for column in llm_requests.columns)
_SAME = ("request_hash", "status", "response")

T = TypeVar("T")


@dataclass(frozen=True)
class _Page:
    """All rows whose keys begin with ``name/``, as they were when the page was opened."""

    name: str
    rows: Mapping[str, Row]


@dataclass
class _Waiting:
    """A row on its way into the database, and who waits for it."""

    key: str
    values: Values
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[None]
    row: Row
    cache_key: str | None = None
    is_intent: bool = False
    error: BaseException | None = field(default=None)


class StoredJournal:
    """The journal of one run in the database, for any number of event loops, one after another or at once.

    Commits are grouped: rows that arrive while a commit is under way go together into the next. One thread of
    the journal's own does all the work, so that no event loop ever waits for the database.

    Args:
        owner: the run's lease; or, for a journal that can only be read, the database.
        run_id: the run; needed with a database.
    """

    def __init__(self, owner: Lease | Database, run_id: str | None = None) -> None:
        self._lease = owner if isinstance(owner, Lease) else None
        self._database = owner.database if isinstance(owner, Lease) else owner
        known = owner.run_id if isinstance(owner, Lease) else run_id
        if known is None or run_id not in {None, known}:
            raise MarketAgentsError(f"a journal belongs to one run: {run_id} is not the run of its lease")
        self._run_id = known
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._draining = False
        self._closed = False
        self._page = _Page("", {})
        self._was_empty: bool | None = None
        self._committed_pages: set[str] = set()
        self._committed_keys: set[str] = set()
        self._open_intents: set[str] = set()
        self._soon: dict[str, Callable[[], Row]] = {}
        self._will_flush: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> StoredJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def find(self, key: str) -> Row | None:
        """The outcome under ``key`` as columns of ``llm_requests``, or None.

        ``run_id`` and ``messages`` are left out: who asks knows them.

        Raises:
            DatabaseAway: the database stayed away.
            JournalError: the journal is closed.
        """
        page = self._page
        name = key.partition("/")[0]
        if page.name != name:
            page = await self._in_thread(lambda: self._open_page(name))
        row = page.rows.get(key)
        if row is None and key in self._committed_keys:
            return await self._in_thread(lambda: self._database.query(lambda c: self._read_one(c, key)))
        return row

    async def find_cached(self, cache_key: str) -> Row | None:
        """An earlier run's answer, as columns of ``llm_requests``, or None."""
        return await self._in_thread(
            lambda: self._database.query(lambda connection: find_answer(connection, cache_key))
        )

    async def commit(self, row: Row, cache_key: str | None = None) -> None:
        """Keep an outcome; returns once it is durable. The same outcome again is a no-op.

        A caller that is cancelled meanwhile does not take the row back.

        Args:
            row: the outcome as columns of ``llm_requests``.
            cache_key: keep the answer for later runs, too, under this key.

        Raises:
            WriteConflict: another outcome is stored under this key, or the run is not ours any more.
            DatabaseAway: the database stayed away; the outcome is not stored.
            JournalError: the journal is closed, or can only be read.
        """
        self._refuse_reader()
        dated = row if row.get("created_at") else {**row, "created_at": datetime.now(UTC)}
        values = codec(llm_requests).encode(self._run_id, dated)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._enqueue(_Waiting(str(row["request_key"]), values, loop, waiter, dated, cache_key))
        await waiter

    async def intend(self, intent: Row) -> None:
        """Keep what an ask that is about to be sent may cost, until its outcome is committed.

        Args:
            intent: columns of ``llm_intents``; it takes the place of the ask's earlier one.

        Raises:
            WriteConflict, DatabaseAway, JournalError: as `commit`.
        """
        self._refuse_reader()
        dated = {**intent, "created_at": datetime.now(UTC)}
        values = codec(llm_intents).encode(self._run_id, dated)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._enqueue(_Waiting(str(intent["request_key"]), values, loop, waiter, dated, is_intent=True))
        await waiter

    def intend_soon(self, key: str, make: Callable[[], Row]) -> None:
        """Keep what an ask that is being sent may cost, with the next commit or in a moment, until it has an outcome.

        An outcome that comes first saves making and writing it.

        Args:
            key: the request's.
            make: gives columns of ``llm_intents``; called in the journal's thread.

        Raises:
            JournalError: as `commit`.
        """
        self._refuse_reader()
        with self._lock:
            self._refuse_closed()
            self._soon[key] = make
        loop = asyncio.get_running_loop()
        if self._will_flush is not loop:
            self._will_flush = loop
            loop.call_later(SOON_SECONDS, self._flush)

    def _flush(self) -> None:
        """See to it that what was to be kept soon is kept now."""
        self._will_flush = None
        with self._lock:
            if self._soon and not self._closed and not self._draining:
                self._draining = True
                self._thread.submit(self._drain)

    async def keep_batch(self, batch: Row, intents: Sequence[Row] = ()) -> None:
        """Keep a batch as it is now, with the asks that are about to go into it, all or nothing.

        Args:
            batch: columns of ``llm_batches``.
            intents: columns of ``llm_intents``.

        Raises:
            WriteConflict, DatabaseAway, JournalError: as `commit`.
        """
        self._refuse_reader()
        now = datetime.now(UTC)
        values = codec(llm_intents).encode_all(self._run_id, [{**row, "created_at": now} for row in intents])
        dated = batch if batch.get("created_at") else {**batch, "created_at": now}

        def write(connection: Connection) -> None:
            if self._lease is not None:
                self._lease.fence(connection)
            replace_batch(connection, self._run_id, dated)
            replace_intents(connection, self._run_id, values)

        await self._in_thread(lambda: self._database.write(write))
        self._open_intents |= {str(row["request_key"]) for row in intents}

    async def intents(self) -> list[Row]:
        """The asks that are under way, or were when the run was last owned, as columns of ``llm_intents``."""
        found = await self._in_thread(lambda: self._database.query(lambda c: read_intents(c, self._run_id)))
        self._open_intents |= {str(row["request_key"]) for row in found}
        return found

    async def batches(self) -> list[Row]:
        """The run's batches in their order, as columns of ``llm_batches``."""
        return await self._in_thread(lambda: self._database.query(lambda c: read_batches(c, self._run_id)))

    def completed_calls(self) -> int:
        """How many outcomes the journal holds for this run."""
        query = select(func.count()).select_from(llm_requests).where(llm_requests.c.run_id == self._run_id)
        return self._database.query(lambda connection: int(connection.scalar(query) or 0))

    def close(self) -> None:
        """Commit what still waits, then end the thread. Idempotent."""
        self._flush()
        with self._lock:
            self._closed = True
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._refuse_closed()
            future: Future[T] = self._thread.submit(work)
        return await asyncio.wrap_future(future)

    def _refuse_reader(self) -> None:
        if self._lease is None:
            raise JournalError(f"the journal of run {self._run_id} is open for reading only")

    def _refuse_closed(self) -> None:
        if self._closed:
            raise JournalError(f"the journal of run {self._run_id} is closed")

    def _enqueue(self, waiting: _Waiting) -> None:
        with self._lock:
            self._refuse_closed()
            self._soon.pop(waiting.key, None)
            self._waiting.append(waiting)
            if not self._draining:
                self._draining = True
                self._thread.submit(self._drain)

    def _drain(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting[:MOST_ROWS], self._waiting[MOST_ROWS:]
                soon, self._soon = self._soon, {}
                if not batch and not soon:
                    self._draining = False
                    return
            try:
                self._commit(batch, self._made(soon))
            except BaseException as error:  # noqa: BLE001  (whatever it is, the waiters must hear of it)
                for waiting in batch:
                    waiting.error = error
            _settle(batch)
            with self._lock:
                # Behind whatever else waits for the thread; once closed, nothing else can come.
                if not self._closed:
                    self._thread.submit(self._drain)
                    return

    def _made(self, soon: Mapping[str, Callable[[], Row]]) -> dict[str, Values]:
        now = datetime.now(UTC)
        rows = [{**make(), "created_at": now} for make in soon.values()]
        return dict(zip(soon, codec(llm_intents).encode_all(self._run_id, rows), strict=True))

    def _commit(self, batch: Sequence[_Waiting], soon: Mapping[str, Values]) -> None:
        conflicts = self._database.write(lambda connection: self._insert(connection, batch, soon))
        if batch:
            reach("journal.commit.after")
        for waiting in batch:
            waiting.error = conflicts.get(id(waiting))
            if waiting.is_intent:
                self._open_intents.add(waiting.key)
                reach("intent.kept")
            elif waiting.error is None:
                self._open_intents.discard(waiting.key)
                self._committed_keys.add(waiting.key)
                self._committed_pages.add(waiting.key.partition("/")[0])

    def _insert(
        self, connection: Connection, group: Sequence[_Waiting], soon: Mapping[str, Values]
    ) -> dict[int, WriteConflict]:
        """Insert the new rows of a group and tell which of them contradict what is there."""
        if self._lease is not None:
            self._lease.fence(connection)
        intents = [waiting.values for waiting in group if waiting.is_intent]
        forget_intents(connection, self._run_id, soon.keys() & self._open_intents)
        # Before the commit, whose acknowledgement may be lost: tried again, it may find them there.
        self._open_intents |= soon.keys()
        bulk.insert(connection, llm_intents, list(soon.values()))
        replace_intents(connection, self._run_id, intents)
        batch = [waiting for waiting in group if not waiting.is_intent]
        forget_intents(connection, self._run_id, self._open_intents & {waiting.key for waiting in batch})
        known = self._stored(connection, {waiting.key for waiting in batch})
        conflicts: dict[int, WriteConflict] = {}
        new: list[Values] = []
        for waiting in batch:
            content = _content(waiting.values)
            if waiting.key not in known:
                known[waiting.key] = content
                new.append(waiting.values)
            elif known[waiting.key] != content:
                conflicts[id(waiting)] = WriteConflict(
                    f"run {self._run_id}: another outcome is stored under {waiting.key}; it stays as it is"
                )
        bulk.insert(connection, llm_requests, new)
        keep_answers(
            connection,
            self._run_id,
            {waiting.cache_key: waiting.row for waiting in batch if waiting.cache_key is not None},
        )
        if group:
            reach("journal.commit.before")
        return conflicts

    def _stored(self, connection: Connection, keys: set[str]) -> dict[str, tuple[object, ...]]:
        columns = [llm_requests.c[name] for name in _SAME]
        query = select(llm_requests.c.request_key, *columns).where(
            llm_requests.c.run_id == self._run_id, llm_requests.c.request_key.in_(keys)
        )
        return {row[0]: tuple(row[1:]) for row in connection.execute(query)}

    def _open_page(self, name: str) -> _Page:
        if self._page.name != name:
            self._page = _Page(name, self._database.query(lambda connection: self._load(connection, name)))
            self._committed_keys.clear()
        return self._page

    def _load(self, connection: Connection, name: str) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        if self._was_empty is None:
            own = select(llm_requests.c.request_key).where(llm_requests.c.run_id == self._run_id).limit(1)
            self._was_empty = self._lease is not None and connection.scalar(own) is None
        if not self._was_empty or name in self._committed_pages:
            rows |= _rows(connection, self._run_id, name)
        return rows

    def _read_one(self, connection: Connection, key: str) -> Row | None:
        query = _select(self._run_id).where(llm_requests.c.request_key == key)
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else dict(row)


def _select(run_id: str) -> Select[tuple[object, ...]]:
    return select(*_COLUMNS).where(llm_requests.c.run_id == run_id)


def _rows(connection: Connection, run_id: str, page: str) -> dict[str, Row]:
    # All keys that begin with "page/" stand between it and "page0", since "0" follows "/".
    key = llm_requests.c.request_key
    query = _select(run_id).where(or_(key == page, and_(key >= f"{page}/", key < f"{page}0")))
    return {str(row["request_key"]): dict(row) for row in connection.execute(query).mappings()}


def _content(values: Values) -> tuple[object, ...]:
    by_name = dict(zip(_NAMES, values, strict=True))
    return tuple(by_name[name] for name in _SAME)


def _settle(batch: Sequence[_Waiting]) -> None:
    """Wake the waiters, with one call for each event loop; a loop that is closed has nobody waiting."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, group)
        except RuntimeError:
            continue


def _wake(group: Sequence[_Waiting]) -> None:
    """Wake a few, and the others in the loop's next turns: each goes on at once, and meanwhile nothing else happens."""
    if len(group) > MOST_AWAKE:
        group[0].loop.call_soon(_wake, group[MOST_AWAKE:])
    for waiting in group[:MOST_AWAKE]:
        if waiting.waiter.done():
            continue
        if waiting.error is None:
            waiting.waiter.set_result(None)
        else:
            waiting.waiter.set_exception(waiting.error)
