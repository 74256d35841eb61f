"""Locks on a run that die with the process that holds them."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text

from market_agents.errors import UserError, WriteConflict
from market_agents.storage.database import Database, Session

_TAKE_SECONDS = 0.3
_RETAKE_SECONDS = 10.0
_PAUSE = 0.05
_TRIES = 20

_HOLDER = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = CAST(:high AS oid) AND objid = CAST(:low AS oid)"
)
_END_SESSION = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid = :pid AND CAST(backend_start AS text) = :started"
)


class RunLock(Protocol):
    """An exclusive lock on one run."""

    def take(self) -> bool:
        """Take it without waiting long; False where somebody else holds it."""

    def release(self) -> None:
        """Give it back. Idempotent."""

    def is_held(self) -> bool:
        """Whether anybody holds it, this object included."""


def run_lock(database: Database, run_id: str) -> RunLock:
    """The lock of a run in this database, not yet taken."""
    path = database.address.path
    if path is None:
        return AdvisoryRunLock(database, run_id)
    # One file has one lock, by whatever links it is reached.
    return FileRunLock(path.resolve(), run_id)


class FileRunLock:
    """An operating-system lock on the file ``<database>.locks/<run_id>``."""

    def __init__(self, database: Path, run_id: str) -> None:
        self.path = database.with_name(f"{database.name}.locks") / run_id
        self._lock = FileLock(self.path, thread_local=False)

    def take(self) -> bool:
        """Take it; waits a moment, since `is_held` of another process takes it in passing."""
        try:
            self._acquire()
        except Timeout:
            return False
        except OSError as error:
            raise UserError(
                f"the lock {self.path} cannot be made ({error.strerror}): see to its folder"
            ) from error
        return True

    def _acquire(self) -> None:
        for left in range(_TRIES, -1, -1):
            try:
                self.path.parent.mkdir(exist_ok=True)
                self._lock.acquire(timeout=_TAKE_SECONDS, poll_interval=_PAUSE)
            except (FileExistsError, FileNotFoundError):
                # Another run ended in between and took the folder with it: mkdir saw it, and then it was gone.
                if not left:
                    raise
            else:
                return

    def release(self) -> None:
        """Give it back, and leave nothing behind: who waits for the file notices that it is gone and makes another."""
        self._leave(self._lock)

    def is_held(self) -> bool:
        """Whether anybody holds it."""
        if self._lock.is_locked:
            return True
        if not self.path.exists():
            return False
        probe = FileLock(self.path, thread_local=False)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return True
        except FileNotFoundError:  # its holder has just left, and took the folder with it
            return False
        self._leave(probe)
        return False

    def _leave(self, lock: FileLock) -> None:
        if lock.is_locked:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        lock.release(force=True)
        with suppress(OSError):  # others hold locks beside it
            self.path.parent.rmdir()


class AdvisoryRunLock:
    """A PostgreSQL advisory lock held by the database's writer connection.

    The lock is lost exactly when the process cannot write any more. A new writer connection takes it again
    before anything is written; where the server still keeps our broken session, that session is ended.
    """

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id
        self._taken = False
        digest = hashlib.sha256(f"market_agents/{run_id}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "big", signed=True)
        self._halves = {
            "high": int.from_bytes(digest[:4], "big"),
            "low": int.from_bytes(digest[4:8], "big"),
        }

    def take(self) -> bool:
        """Take it, unless anybody, this process included, holds it."""
        self._taken = self._database.in_session(self._take_free)
        if self._taken:
            self._database.add_session_hook(self._take_again)
        return self._taken

    def release(self) -> None:
        """Give it back; where the server is away, it has given it back already."""
        if not self._taken:
            return
        self._taken = False
        self._database.remove_session_hook(self._take_again)
        self._database.in_open_session(self._unlock)

    def is_held(self) -> bool:
        """Whether anybody holds it."""
        return self._database.query(self._holder) is not None

    def _take_free(self, connection: Connection) -> bool:
        with connection.begin():
            # A session may take its own lock again and again, so look first.
            return self._holder(connection) is None and self._try(connection)

    def _take_again(self, connection: Connection, before: Session | None) -> None:
        deadline = time.monotonic() + _RETAKE_SECONDS
        while True:
            with connection.begin():
                if self._try(connection):
                    return
                holder = self._holder(connection)
                ours = before is not None and holder == before.pid
                if ours and before is not None:
                    connection.execute(_END_SESSION, {"pid": before.pid, "started": before.started})
            if (holder is not None and not ours) or time.monotonic() > deadline:
                raise WriteConflict(
                    f"run {self._run_id} was taken over by another process while the database was away"
                )
            time.sleep(_PAUSE)

    def _try(self, connection: Connection) -> bool:
        return bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}))

    def _unlock(self, connection: Connection) -> None:
        with connection.begin():
            if self._holder(connection) is not None:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})

    def _holder(self, connection: Connection) -> int | None:
        pid = connection.scalar(_HOLDER, self._halves)
        return None if pid is None else int(pid)
