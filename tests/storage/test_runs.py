"""The life of a run: created, ended, resumed, listed, deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg2
import pytest
from sqlalchemy import text

from market_agents.errors import MarketAgentsError, RunRefused
from market_agents.storage import (
    Database,
    Kind,
    Lease,
    Row,
    RunStatus,
    StoredJournal,
    acquire,
    delete_run,
    dictionary,
    get_run,
    list_runs,
    record_event,
    set_status,
    tables,
    write_step,
)
from market_agents.storage.leases import this_process
from market_agents.storage.schema import metadata
from tests.storage.samples import new_run, one_of_each, outcome


def test_a_run_is_stored_as_it_was_given(database: Database) -> None:
    with new_run(database, "run", seed=2**63 - 1):
        run = get_run(database, "run")
    assert (run.run_id, run.status, run.seed, run.epoch) == ("run", RunStatus.RUNNING, 2**63 - 1, 1)
    assert run.config == {"num_agents": 2, "nested": {"b": 1, "a": [1.0, None, "é"]}}
    assert (run.config_hash, run.code_version, run.owner) == ("c0ffee", "0.1", this_process())
    assert (run.parent_run_id, run.fork_round, run.error, run.finished_at) == (None, None, None, None)
    assert abs(run.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert run.started_at.tzinfo is UTC


def test_an_unknown_run_is_told_with_those_that_exist(database: Database) -> None:
    with pytest.raises(RunRefused, match="no run 'x' in this database; the latest are: none yet"):
        get_run(database, "x")
    new_run(database, "first").release()
    new_run(database, "second").release()
    for attempt in (get_run, acquire, delete_run):
        with pytest.raises(RunRefused, match="the latest are: second, first"):
            attempt(database, "x")


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.FAILED, RunStatus.BUDGET_EXHAUSTED])
def test_a_run_that_stopped_can_go_on(database: Database, lease: Lease, status: RunStatus) -> None:
    set_status(lease, status, error="the budget is spent")
    stopped = get_run(database, "run")
    assert (stopped.status, stopped.error) == (status, "the budget is spent")
    assert stopped.finished_at is not None
    lease.release()
    with acquire(database, "run") as again:
        set_status(again, RunStatus.RUNNING)
        running = get_run(database, "run")
        assert (running.status, running.error, running.finished_at) == (RunStatus.RUNNING, None, None)


def test_a_completed_run_is_final(database: Database, lease: Lease) -> None:
    set_status(lease, RunStatus.COMPLETED)
    set_status(lease, RunStatus.COMPLETED)
    for status in set(RunStatus) - {RunStatus.COMPLETED}:
        with pytest.raises(MarketAgentsError, match=f"run run is completed: it cannot become {status}"):
            set_status(lease, status)
    assert get_run(database, "run").status is RunStatus.COMPLETED


def test_every_status_knows_its_successors() -> None:
    assert RunStatus.RUNNING.successors == set(RunStatus)
    assert RunStatus.COMPLETED.successors == set()
    assert RunStatus.FAILED.successors == {RunStatus.RUNNING}


def test_runs_are_listed_the_latest_first_with_their_true_status(database: Database) -> None:
    new_run(database, "gone").release()
    with new_run(database, "done") as done:
        set_status(done, RunStatus.COMPLETED)
    with new_run(database, "alive"):
        assert [(run.run_id, run.status) for run in list_runs(database)] == [
            ("alive", RunStatus.RUNNING),
            ("done", RunStatus.COMPLETED),
            ("gone", RunStatus.INTERRUPTED),
        ]


def plain_row(table: str) -> Row:
    """A row with some value in every column that must have one."""
    values = {
        Kind.WHOLE: 1,
        Kind.REAL: 0.5,
        Kind.MONEY: Decimal(1),
        Kind.JSON: {},
        Kind.INSTANT: datetime.now(UTC),
    }
    chosen = {"change": "joined", "ended": "time", "outcome": "passed"}
    return {
        entry.column: chosen.get(entry.column) or values.get(entry.kind, "x")
        for entry in dictionary()
        if entry.table == table and entry.column != "run_id" and not entry.is_optional
    }


async def test_deleting_removes_every_row_of_that_run_and_no_other(database: Database, lease: Lease) -> None:
    with new_run(database, "other") as other:
        for one in (lease, other):
            rows = one_of_each()
            filled = {"runs", "steps", "run_events", "llm_requests", *rows}
            write_step(
                one, "r1", rows | {name: [plain_row(name)] for name in metadata.tables.keys() - filled}
            )
            record_event(one, level="info", kind="x", message="x")
            with StoredJournal(one) as journal:
                await journal.commit(outcome())
    before = tables(database, "other")
    assert [name for name, count in before.items() if not count] == []
    with pytest.raises(RunRefused, match="owned by"):
        delete_run(database, "run")
    lease.release()
    delete_run(database, "run")
    assert tables(database, "other") == before
    with database.read() as connection:
        for name in metadata.tables:
            left = connection.scalar(text(f"SELECT COUNT(*) FROM {name} WHERE run_id = 'run'"))
            assert left == 0, name
    with new_run(database, "run") as again:
        assert again.epoch == 1


def test_a_parent_is_not_deleted_before_its_forks(database: Database, lease: Lease) -> None:
    lease.release()
    with new_run(database, "fork", parent_run_id="run", fork_round=2):
        pass
    with pytest.raises(RunRefused, match="forks that begin with its rounds: delete fork first"):
        delete_run(database, "run")
    delete_run(database, "fork")
    delete_run(database, "run")
    assert list_runs(database) == []
    with pytest.raises(RunRefused, match="no run 'run'"):
        new_run(database, "orphan", parent_run_id="run", fork_round=2)


def test_a_lost_acknowledgement_creates_the_run_once(database: Database) -> None:
    lost: list[str] = []

    def lose_the_first(point: str) -> None:
        if point == "after_commit" and not lost:
            lost.append(point)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    database.reach = lose_the_first
    with new_run(database, "run") as lease:
        assert lost
        assert write_step(lease, "r1", one_of_each())
    assert [run.run_id for run in list_runs(database)] == ["run"]


@pytest.mark.parametrize(
    "change", [{"seed": 2**63}, {"seed": True}, {"config": {"x": float("nan")}}, {"config_hash": None}]
)
def test_a_run_that_cannot_be_stored_is_refused(database: Database, change: dict[str, object]) -> None:
    with pytest.raises(MarketAgentsError, match=r"^runs\."):
        new_run(database, "run", **change)
    assert list_runs(database) == []
