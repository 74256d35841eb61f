"""One open database: readers side by side, one writer, and patience while the database is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from market_agents.errors import (
    DatabaseAway,
    DatabaseMoved,
    DatabaseUnreachable,
    MarketAgentsError,
    UserError,
)
from market_agents.storage.address import POSTGRESQL, Address, parse_address
from market_agents.storage.outages import DRIVER_ERRORS, Outage, away, classify, reason, translate
from market_agents.storage.postgresql_server import open_server, unreachable
from market_agents.storage.schema import SCHEMA_VERSION
from market_agents.storage.sqlite_file import WRITER, check_integrity, open_file, use_write_ahead_log
from market_agents.storage.versions import SchemaState, ensure_current, read_version, refuse_unusable
from market_agents.storage.whereabouts import Whereabouts

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30.0
_FIRST_DELAY = 0.05
_LONGEST_DELAY = 1.0

_THIS_SESSION = text(
    "SELECT pid, CAST(backend_start AS text) FROM pg_stat_activity WHERE pid = pg_backend_pid()"
)

T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """A connection as the PostgreSQL server knows it: its process, and when that began."""

    pid: int
    started: str


SessionHook = Callable[[Connection, Session | None], None]
"""Called on every new writer connection with the session of the one before, if any."""


def _pass(point: str) -> None:
    """The fail-point that lets everything pass."""


class Database:
    """An open database; safe to use from several threads.

    A transaction that `write` has acknowledged is durable. One that failed for a passing reason is done again
    on a new connection, so ``work`` must be idempotent: its first try may have been committed although the
    acknowledgement was lost.

    Attributes:
        address: where it is.
        patience: seconds for which an absent database is waited for.
        read_only: whether nothing can be written through it.
        reach: called with ``before_commit`` and ``after_commit``; tests make it fail.
    """

    def __init__(
        self,
        engine: Engine,
        address: Address,
        patience: float = PATIENCE_SECONDS,
        *,
        read_only: bool = False,
    ) -> None:
        self.address = address
        self.patience = patience
        self.read_only = read_only
        self.reach: Callable[[str], None] = _pass
        self._engine = engine
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._session: Session | None = None
        self._session_hooks: list[SessionHook] = []
        self._closing = threading.Event()
        self._given_up = False
        self._whereabouts = None if address.path is None else Whereabouts(address.path)
        self._moved: DatabaseMoved | None = None

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.display!r})"

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.address.dialect

    @property
    def display(self) -> str:
        """The address without password, as it can be given to ``--database``."""
        return self.address.display

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in one transaction on the one writer connection, and return what it returns.

        Raises:
            WriteConflict: a key is there already.
            DatabaseAway: the database stayed away for longer than `patience`, or its file was moved.
            MarketAgentsError: the database refuses for a reason that does not pass, or was opened to read only.
            whatever ``work`` raises; the transaction is then rolled back.
        """
        if self.read_only:
            raise MarketAgentsError(f"{self.display} was opened to read only")
        with self._lock:
            return self._persist(lambda: self._write_once(work))

    def query(self, work: Callable[[Connection], T]) -> T:
        """Do ``work``, which only reads, on a connection of its own; retried like `write`.

        Raises:
            DatabaseAway, MarketAgentsError: as `write`.
        """
        return self._persist(lambda: self._read_once(work))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection of one's own that sees one unchanging state of the database.

        Raises:
            DatabaseAway: the connection broke; nothing is retried, since rows may have been used already.
        """
        try:
            with self._reader() as connection:
                yield connection
        except DRIVER_ERRORS as error:
            if classify(error) is Outage.FATAL:
                raise translate(error, self.address.place) from error
            raise away(error, self.address.place, 0.0) from error

    def close(self) -> None:
        """Close every connection; whoever waits for an absent database is told at once. Idempotent."""
        self._closing.set()
        with self._lock:
            self._drop_writer()
            self._engine.dispose()

    def add_session_hook(self, hook: SessionHook) -> None:
        """Have ``hook`` called on each new writer connection, before anything is written through it."""
        with self._lock:
            self._session_hooks.append(hook)

    def remove_session_hook(self, hook: SessionHook) -> None:
        """Undo `add_session_hook`."""
        with self._lock:
            self._session_hooks.remove(hook)

    def in_session(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` on the writer connection, for locks that live as long as it does.

        Raises:
            DatabaseAway, MarketAgentsError: as `write`.
        """
        with self._lock:
            return self._persist(lambda: self._guarded(work))

    def in_open_session(self, work: Callable[[Connection], object]) -> None:
        """Do ``work`` on the writer connection if there is one; if it breaks, its locks are gone with it."""
        with self._lock:
            if self._writer is not None:
                with suppress(*DRIVER_ERRORS):
                    self._guarded(work)

    def _persist(self, attempt: Callable[[], T]) -> T:
        started = time.monotonic()
        delay = _FIRST_DELAY
        while True:
            try:
                done = attempt()
            except DRIVER_ERRORS as error:
                self._require_in_place()
                if classify(error) is Outage.FATAL:
                    raise translate(error, self.address.place) from error
                waited = time.monotonic() - started
                # Whoever comes after one that waited in vain would only keep the end of the run waiting, too.
                if waited >= self.patience or self._given_up or self._closing.is_set():
                    self._given_up = True
                    raise away(error, self.address.place, waited) from error
                logger.info("%s: %s; trying again", self.address.place, reason(error))
            else:
                self._given_up = False
                return done
            self._closing.wait(min(delay, self.patience))
            delay = min(2 * delay, _LONGEST_DELAY)

    def _write_once(self, work: Callable[[Connection], T]) -> T:
        def transaction(connection: Connection) -> T:
            with connection.begin():
                result = work(connection)
                self.reach("before_commit")
            self.reach("after_commit")
            if self._whereabouts is not None:
                self._whereabouts.committed()
                self._require_in_place()  # else nobody would ever find what was written
            return result

        return self._guarded(transaction)

    def _guarded(self, work: Callable[[Connection], T]) -> T:
        connection = self._writer_connection()
        try:
            return work(connection)
        except DRIVER_ERRORS as error:
            if classify(error) is not Outage.RETRY:
                self._drop_writer()
            raise

    def _read_once(self, work: Callable[[Connection], T]) -> T:
        with self._reader() as connection:
            return work(connection)

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        self._require_in_place()
        with self._engine.connect() as connection:
            if self.dialect == POSTGRESQL:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    def _require_in_place(self) -> None:
        """Nothing is read from, or acknowledged by, an SQLite file that is not any more where it was opened."""
        if self._whereabouts is None or (self._moved is None and (self._whereabouts.finding() is None)):
            return
        with self._lock:
            finding = self._whereabouts.finding()
            if self._moved is None and finding is not None:
                driver = None if self._writer is None else self._writer.connection.driver_connection
                self._moved = self._whereabouts.lost(finding, driver)
                self._drop_writer()
        if self._moved is not None:
            raise DatabaseMoved(str(self._moved), self._moved.rescued)

    def _writer_connection(self) -> Connection:
        self._require_in_place()
        if self._writer is None:
            connection = self._engine.connect().execution_options(**{WRITER: True})
            try:
                for hook in self._session_hooks:
                    hook(connection, self._session)
                self._session = self._session_of(connection)
            except BaseException:  # what was taken is given back, whatever the error
                connection.invalidate()
                connection.close()
                raise
            self._writer = connection
            if self._whereabouts is not None:
                self._whereabouts.opened()
        return self._writer

    def _session_of(self, connection: Connection) -> Session | None:
        if self.dialect != POSTGRESQL:
            return None
        with connection.begin():
            row = connection.execute(_THIS_SESSION).one()
        return Session(int(row[0]), str(row[1]))

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            if self._whereabouts is not None:
                self._whereabouts.closed()
            with suppress(SQLAlchemyError, *DRIVER_ERRORS):
                writer.invalidate()
                writer.close()


def open_database(
    url: str, *, create: bool = True, patience: float = PATIENCE_SECONDS, read_only: bool = False
) -> Database:
    """Open a database, made and brought to the present schema where needed.

    Args:
        url: ``sqlite:///file``, ``postgresql://user:password@host:port/name``, or the path of a file.
        create: whether a database that does not exist is made.
        patience: seconds for which an absent database is waited for later on; at start nobody waits.
        read_only: changes nothing, not even an older schema, which is then refused.

    Raises:
        UserError: an address that cannot be read, an SQLite file that is missing, read-only or damaged.
        DatabaseUnreachable: PostgreSQL does not answer or refuses, or the database cannot be made.
        SchemaVersionError: the database is newer than the program, or another program's.
    """
    address = parse_address(url)
    engine = _connect(address, create=create and not read_only, read_only=read_only)
    database = Database(engine, address, patience=0.0, read_only=read_only)
    try:
        _prepare(database)
    except DRIVER_ERRORS as error:
        database.close()
        raise _refused(address, error) from error
    except BaseException:  # what was taken is given back, whatever the error
        database.close()
        raise
    database.patience = patience
    return database


def open_again(url: str, *, patience: float = PATIENCE_SECONDS) -> Database:
    """Open a database that was in use a moment ago, and wait for one that is away meanwhile.

    Args:
        url: as for `open_database`.
        patience: seconds for which it is waited for.

    Raises:
        DatabaseAway: it stayed away, or cannot be used any more.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return open_database(url, create=False)
        except UserError as error:
            if not isinstance(error, DatabaseUnreachable) or time.monotonic() > deadline:
                raise DatabaseAway(str(error)) from error
        time.sleep(_LONGEST_DELAY)


def _connect(address: Address, *, create: bool, read_only: bool = False) -> Engine:
    if address.path is not None:
        return open_file(address, address.path, create=create, read_only=read_only)
    return open_server(address, create=create)


def _refused(address: Address, error: Exception) -> UserError:
    known = translate(error, address.place)
    if isinstance(known, UserError):
        return known
    if address.path is None:
        return unreachable(address, error)
    return UserError(f"{address.place} cannot be used ({reason(error)}): close other programs that use it")


def _prepare(database: Database) -> None:
    address = database.address
    with database._reader() as connection:
        state, version = read_version(connection)
    refuse_unusable(state, version, address.place)
    if database.read_only:
        if state is not SchemaState.CURRENT:
            raise UserError(f"{_behind(address, state, version)}: run market-agents db upgrade")
        return
    if address.path is not None:
        use_write_ahead_log(address.path)
    if state is not SchemaState.CURRENT:
        database._write_once(lambda connection: ensure_current(connection, address.place, address.path))


def check_database(url: str) -> str:
    """Look at a database without changing it, and say on one line how it stands.

    Raises:
        UserError, DatabaseUnreachable, SchemaVersionError: as `open_database` with ``create=False``.
    """
    address = parse_address(url)
    with Database(_connect(address, create=False), address) as database:
        if address.path is not None:
            check_integrity(address.path, address.place)
        with database.read() as connection:
            state, version = read_version(connection)
    refuse_unusable(state, version, address.place)
    if state is SchemaState.CURRENT:
        return f"{address.display}: schema {version}, up to date"
    return f"{_behind(address, state, version)}: run market-agents db upgrade"


def _behind(address: Address, state: SchemaState, version: str | None) -> str:
    stands = "is empty" if state is SchemaState.EMPTY else f"has schema {version}"
    return f"{address.display} {stands}, the program's is {SCHEMA_VERSION}"


def upgrade_database(url: str) -> str:
    """Bring a database to the present schema, an SQLite file copied first, and say so on one line.

    Raises:
        UserError, DatabaseUnreachable, SchemaVersionError: as `open_database`.
    """
    with open_database(url) as database:
        return f"{database.display}: schema {SCHEMA_VERSION}, up to date"
