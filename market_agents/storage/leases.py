"""The right to write a run: a lock that dies with its process, and an epoch that every write carries."""

from __future__ import annotations

import os
import socket
from types import TracebackType

from sqlalchemy import Connection, select, update

from market_agents.errors import RunRefused, WriteConflict
from market_agents.storage.database import Database
from market_agents.storage.locks import RunLock, run_lock
from market_agents.storage.schema import runs


def this_process() -> str:
    """The name under which this process owns runs: ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Lease:
    """One process's right to write one run, until released; a context manager.

    Attributes:
        database: where the run is.
        run_id: the run.
        epoch: counts the run's owners, from 1; writes of an earlier epoch are refused.
    """

    def __init__(self, database: Database, run_id: str, epoch: int, lock: RunLock) -> None:
        self.database = database
        self.run_id = run_id
        self.epoch = epoch
        self._lock: RunLock | None = lock

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"Lease({self.run_id!r}, epoch={self.epoch})"

    def release(self) -> None:
        """Give the run back; nothing can be written with this lease any more. Idempotent."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def fence(self, connection: Connection) -> None:
        """Make sure, inside a transaction, that the run is still ours until that transaction ends.

        Raises:
            WriteConflict: another process took the run over, it was deleted, or this lease was released.
        """
        if self._lock is None:
            raise WriteConflict(
                f"run {self.run_id} was given back by this process: acquire it again to write"
            )
        query = select(runs.c.epoch, runs.c.owner).where(runs.c.run_id == self.run_id)
        # PostgreSQL: a share lock keeps a new owner waiting until this transaction is through.
        row = connection.execute(query.with_for_update(read=True)).one_or_none()
        if row is None:
            raise WriteConflict(f"run {self.run_id} is not in the database any more: it was deleted")
        if row.epoch != self.epoch:
            raise WriteConflict(
                f"run {self.run_id} was taken over by {row.owner}: this process must not write it any more"
            )


def take(database: Database, run_id: str) -> RunLock:
    """Take a run's lock.

    Raises:
        RunRefused: a living process holds it; names that process.
    """
    lock = run_lock(database, run_id)
    if not lock.take():
        owner = database.query(lambda connection: _owner(connection, run_id))
        raise RunRefused(
            f"run {run_id} is owned by {owner or 'another process'}: wait for it, or end that process"
        )
    return lock


def _owner(connection: Connection, run_id: str) -> str | None:
    return connection.scalar(select(runs.c.owner).where(runs.c.run_id == run_id))


def begin_epoch(connection: Connection, run_id: str) -> int:
    """Enter this process as the run's owner, inside a transaction, and return the new epoch."""
    connection.execute(
        update(runs).where(runs.c.run_id == run_id).values(epoch=runs.c.epoch + 1, owner=this_process())
    )
    return int(connection.execute(select(runs.c.epoch).where(runs.c.run_id == run_id)).scalar_one())


def is_alive(database: Database, run_id: str) -> bool:
    """Whether a living process, this one included, owns the run."""
    return run_lock(database, run_id).is_held()
