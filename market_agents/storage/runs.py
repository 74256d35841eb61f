"""The life of a run in the database: created, owned, ended, listed, removed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select, update

from market_agents.errors import MarketAgentsError, RunRefused
from market_agents.storage.database import Database
from market_agents.storage.forks import forks_of, rounds_finished, take_over_outcomes
from market_agents.storage.leases import Lease, begin_epoch, is_alive, take, this_process
from market_agents.storage.rows import codec
from market_agents.storage.schema import runs

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FIRST_EPOCH = 1
_NAMED = 10

LATEST = "latest"
"""Stands for the id of the last run begun, unless a run is called so."""


class RunStatus(StrEnum):
    """Where a run stands; it knows what may come next."""

    RUNNING = "running"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    BUDGET_EXHAUSTED = "budget_exhausted"

    @property
    def successors(self) -> frozenset[RunStatus]:
        """The statuses that may follow this one. A completed run is final; any other may be resumed."""
        if self is RunStatus.RUNNING:
            return frozenset(RunStatus)
        return frozenset() if self is RunStatus.COMPLETED else frozenset({RunStatus.RUNNING})


@dataclass(frozen=True)
class Run:
    """A run as the database knows it.

    Attributes:
        status: ``interrupted`` also where the process of a running run is gone.
        config: the whole configuration as stored.
        owner: ``host:pid`` of the last process that wrote it.
        started_at: UTC; finished_at likewise, None while it runs.
    """

    run_id: str
    status: RunStatus
    seed: int
    config: Mapping[str, object]
    config_hash: str
    code_version: str
    parent_run_id: str | None
    fork_round: int | None
    epoch: int
    owner: str
    error: str | None
    started_at: datetime
    finished_at: datetime | None


def create_run(
    database: Database,
    *,
    run_id: str,
    seed: int,
    config: Mapping[str, object],
    config_hash: str,
    code_version: str,
    parent_run_id: str | None = None,
    fork_round: int | None = None,
) -> Lease:
    """Enter a new run, running and owned by this process.

    Args:
        database: where.
        run_id: 1 to 100 letters, digits, dots, dashes and underscores.
        seed: of the run, 0 … 2**63 − 1.
        config: JSON-ready.
        config_hash: over the keys that determine results.
        code_version: of the program.
        parent_run_id: for a fork, the run that it branches from.
        fork_round: for a fork, the first round of its own.

    Raises:
        RunRefused: the id is taken or not an id, or the parent is unknown.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise RunRefused(
            f"{run_id[:120]!r} is no run id: use 1 to 100 letters, digits, dots, dashes, underscores"
        )
    row = {
        "status": RunStatus.RUNNING,
        "seed": seed,
        "config": config,
        "config_hash": config_hash,
        "code_version": code_version,
        "parent_run_id": parent_run_id,
        "fork_round": fork_round,
        "epoch": _FIRST_EPOCH,
        "owner": this_process(),
        "started_at": datetime.now(UTC),
    }
    codec(runs).encode(run_id, row)  # refuses bad values before a lock is taken
    lock = take(database, run_id)

    def enter(connection: Connection) -> None:
        known = connection.execute(_run(run_id)).mappings().one_or_none()
        if known is not None:
            # An acknowledgement may have been lost: then the row is the one written a moment ago.
            if (known["owner"], known["started_at"]) == (row["owner"], row["started_at"]):
                return
            raise RunRefused(f"run {run_id} exists already: choose another id, or resume it")
        if parent_run_id is not None and connection.execute(_run(parent_run_id)).first() is None:
            raise _unknown(connection, parent_run_id)
        connection.execute(insert(runs).values(run_id=run_id, **row))
        if parent_run_id is not None and fork_round is not None:
            take_over_outcomes(connection, parent_run_id, run_id, fork_round)

    try:
        database.write(enter)
    except BaseException:  # what was taken is given back, whatever the error
        lock.release()
        raise
    return Lease(database, run_id, _FIRST_EPOCH, lock)


def acquire(database: Database, run_id: str) -> Lease:
    """Become the owner of an existing run; writes of its former owner are refused from now on.

    The status stays as it is; the caller decides with `set_status`.

    Raises:
        RunRefused: no such run, or a living process owns it.
    """
    get_run(database, run_id)
    lock = take(database, run_id)
    try:
        epoch = database.write(lambda connection: begin_epoch(connection, run_id))
    except BaseException:  # what was taken is given back, whatever the error
        lock.release()
        raise
    return Lease(database, run_id, epoch, lock)


def set_status(lease: Lease, status: RunStatus, error: str | None = None) -> None:
    """Tell where the run stands now, with the error that ended it, if any.

    Raises:
        MarketAgentsError: this status cannot follow the present one.
        WriteConflict: the run is not ours any more.
    """
    now = datetime.now(UTC)

    def change(connection: Connection) -> None:
        lease.fence(connection)
        present = RunStatus(connection.execute(_run(lease.run_id)).mappings().one()["status"])
        if status is not present and status not in present.successors:
            raise MarketAgentsError(f"run {lease.run_id} is {present}: it cannot become {status}")
        finished = None if status is RunStatus.RUNNING else now
        connection.execute(
            update(runs)
            .where(runs.c.run_id == lease.run_id)
            .values(status=status, error=error, finished_at=finished)
        )

    lease.database.write(change)


def get_run(database: Database, run_id: str) -> Run:
    """One run.

    Raises:
        RunRefused: no such run; names some that exist.
    """

    def find(connection: Connection) -> RowMapping:
        row = connection.execute(_run(run_id)).mappings().one_or_none()
        if row is None:
            raise _unknown(connection, run_id)
        return row

    return _as_seen(database, database.query(find))


def find_run_id(database: Database, word: str) -> str:
    """The whole id of the run that a user names by it, by its beginning, or, the last one begun, as ``latest``.

    Raises:
        RunRefused: no such run, or several that begin so; names some that exist.
    """

    def find(connection: Connection) -> str:
        if connection.scalar(select(runs.c.run_id).where(runs.c.run_id == word)) is not None:
            return word
        # In Python, for SQLite's LIKE knows no capitals; ids are short and runs are few.
        query = select(runs.c.run_id).order_by(runs.c.started_at.desc(), runs.c.run_id)
        known: list[str] = list(connection.scalars(query))
        if word == LATEST and known:
            return known[0]
        near = [run_id for run_id in known if word and run_id.startswith(word)]
        if len(near) > 1:
            named = ", ".join(near[:_NAMED]) + (", …" if len(near) > _NAMED else "")
            raise RunRefused(f"{len(near)} runs begin with {word[:120]!r}: {named}")
        if not near:
            raise _unknown(connection, word)
        return near[0]

    return database.query(find)


def require_rounds(database: Database, run_id: str, rounds: int) -> None:
    """Make sure that so many rounds of a run are recorded whole.

    Raises:
        RunRefused: no such run, or it has not come so far.
    """
    finished = database.query(lambda connection: rounds_finished(connection, run_id))
    if finished < rounds:
        raise RunRefused(
            f"run {run_id} has finished {finished} of its rounds: "
            f"it can be forked at round {finished + 1} at the latest"
        )


def forks(database: Database, run_id: str) -> tuple[str, ...]:
    """The runs that were forked from a run, by id."""
    return database.query(lambda connection: forks_of(connection, run_id))


def list_runs(database: Database, limit: int | None = None, offset: int = 0) -> list[Run]:
    """Runs, the latest first: all, or at most ``limit`` of them after the first ``offset``."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id).limit(limit).offset(offset)
    rows = database.query(lambda connection: connection.execute(query).mappings().all())
    return [_as_seen(database, row) for row in rows]


def delete_run(database: Database, run_id: str) -> None:
    """Remove a run with all its rows.

    Raises:
        RunRefused: no such run, a living process owns it, or forks of it need its journal.
    """
    get_run(database, run_id)
    lock = take(database, run_id)
    try:
        database.write(lambda connection: _delete(connection, run_id))
    finally:
        lock.release()


def _delete(connection: Connection, run_id: str) -> None:
    forks = forks_of(connection, run_id)
    if forks:
        raise RunRefused(
            f"run {run_id} has forks that begin with its rounds: delete {', '.join(forks)} first"
        )
    connection.execute(delete(runs).where(runs.c.run_id == run_id))


def _run(run_id: str) -> Select[tuple[object, ...]]:
    return select(runs).where(runs.c.run_id == run_id)


def _unknown(connection: Connection, run_id: str) -> RunRefused:
    latest = select(runs.c.run_id).order_by(runs.c.started_at.desc()).limit(_NAMED)
    known = ", ".join(connection.scalars(latest)) or "none yet"
    return RunRefused(f"there is no run {run_id[:120]!r} in this database; the latest are: {known}")


def _as_seen(database: Database, row: RowMapping) -> Run:
    values = dict(row)
    status = RunStatus(values.pop("status"))
    if status is RunStatus.RUNNING and not is_alive(database, row["run_id"]):
        status = RunStatus.INTERRUPTED
    return Run(status=status, **values)
