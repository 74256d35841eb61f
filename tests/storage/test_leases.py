"""One process at a time owns a run; the lock dies with it, and what it writes too late is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from sqlalchemy import text

from market_agents.errors import ExitCode, RunRefused, WriteConflict
from market_agents.storage import (
    Database,
    Lease,
    RunStatus,
    acquire,
    create_run,
    delete_run,
    get_run,
    is_alive,
    list_runs,
    open_database,
    record_event,
    set_status,
    write_step,
)
from market_agents.storage.leases import this_process
from market_agents.storage.locks import FileRunLock
from tests.rig.postgres import PostgresServer
from tests.storage.samples import new_run, order, stored

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from market_agents.storage import acquire, open_database
lease = acquire(open_database(sys.argv[1]), "run")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_owns_it(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_process_is_refused_and_told_who_owns_the_run(database_url: str) -> None:
    with open_database(database_url) as database:
        new_run(database, "run").release()
        with another_process_owns_it(database_url) as process:
            for attempt in (acquire, delete_run):
                with pytest.raises(RunRefused, match=rf"run run is owned by \S+:{process.pid}\b") as refused:
                    attempt(database, "run")
                assert refused.value.exit_code is ExitCode.USER_MISTAKE
            assert is_alive(database, "run")
            assert get_run(database, "run").status is RunStatus.RUNNING


def test_a_killed_process_frees_its_run(database_url: str) -> None:
    with open_database(database_url) as database:
        new_run(database, "run").release()
        with another_process_owns_it(database_url) as process:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            wait_until_free(database)
            assert [run.status for run in list_runs(database)] == [RunStatus.INTERRUPTED]
            with acquire(database, "run") as lease:
                assert lease.epoch == 3
                assert get_run(database, "run").owner == this_process()
                assert list_runs(database)[0].status is RunStatus.RUNNING


def wait_until_free(database: Database) -> None:
    """PostgreSQL notices a moment later that its client is gone."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if not is_alive(database, "run"):
            return
    raise AssertionError("the run of a dead process is still owned")


def test_a_paused_owner_cannot_write_after_a_takeover(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"orders": [order(1)]})
    # As if this process had slept while its lock was lost and another had gone on.
    database.write(
        lambda connection: connection.execute(
            text("UPDATE runs SET epoch = epoch + 1, owner = 'elsewhere:42'")
        )
    )
    for attempt in (
        lambda: write_step(lease, "r2", {"orders": [order(2)]}),
        lambda: write_step(lease, "r1", {"orders": [order(1)]}),
        lambda: set_status(lease, RunStatus.COMPLETED),
        lambda: record_event(lease, level="info", kind="late", message="too late"),
    ):
        with pytest.raises(WriteConflict, match="taken over by elsewhere:42"):
            attempt()
    assert stored(database, "orders", "order_id") == [(1,)]
    assert stored(database, "runs", "status") == [("running",)]


def test_the_same_process_cannot_own_a_run_twice(database: Database, lease: Lease) -> None:
    with pytest.raises(RunRefused, match="owned by"):
        acquire(database, "run")
    with open_database(database.address.url.render_as_string(hide_password=False)) as second:
        with pytest.raises(RunRefused, match=f"owned by {this_process()}"):
            acquire(second, "run")
        assert is_alive(second, "run")
    lease.release()
    with acquire(database, "run") as again:
        assert again.epoch == 2


def test_a_released_lease_writes_nothing_and_can_be_released_again(database: Database, lease: Lease) -> None:
    lease.release()
    lease.release()
    assert not is_alive(database, "run")
    with pytest.raises(WriteConflict, match="given back"):
        write_step(lease, "r1", {"orders": [order(1)]})


def test_a_run_that_was_deleted_takes_no_rows(database: Database, lease: Lease) -> None:
    database.write(lambda connection: connection.execute(text("DELETE FROM runs")))
    with pytest.raises(WriteConflict, match="deleted"):
        write_step(lease, "r1", {"orders": [order(1)]})


def test_several_runs_are_owned_side_by_side(database: Database, lease: Lease) -> None:
    with new_run(database, "second") as second:
        write_step(second, "r1", {"orders": [order(1)]})
        write_step(lease, "r1", {"orders": [order(1)]})
        second.release()
        assert (is_alive(database, "run"), is_alive(database, "second")) == (True, False)


def test_a_taken_run_id_leaves_no_lock_behind(database: Database, lease: Lease) -> None:
    lease.release()
    with pytest.raises(RunRefused, match="exists already"):
        new_run(database, "run")
    assert not is_alive(database, "run")
    assert get_run(database, "run").epoch == 1


def test_after_a_restart_of_the_server_the_lock_is_taken_again(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with open_database(postgres_url) as database, open_database(postgres_url) as other:
        lease = new_run(database, "run")
        postgres_server.restart(hard=True)
        assert not is_alive(other, "run")
        write_step(lease, "r1", {"orders": [order(1)]})
        assert is_alive(other, "run")
        with pytest.raises(RunRefused):
            acquire(other, "run")
        lease.release()
        assert not is_alive(other, "run")


def test_a_run_taken_over_during_an_outage_is_lost_to_its_former_owner(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with open_database(postgres_url) as database, open_database(postgres_url) as other:
        lease = new_run(database, "run")
        postgres_server.restart(hard=True)
        with acquire(other, "run"):
            for _ in range(2):
                with pytest.raises(WriteConflict, match="taken over"):
                    write_step(lease, "r1", {"orders": [order(1)]})
        assert stored(other, "orders", "order_id") == []


def test_D04_a_broken_session_that_the_server_still_keeps_is_ended(postgres_url: str) -> None:
    with open_database(postgres_url) as database:
        lease = new_run(database, "run")
        # The client forgets its connection, as after a cut cable; the server keeps it with the lock.
        kept = database._writer
        database._writer = None
        assert write_step(lease, "r1", {"orders": [order(1)]})
        assert is_alive(database, "run")
        lease.release()
        assert kept is not None
        kept.invalidate()
        kept.close()


def test_ids_that_could_be_paths_are_refused(database: Database) -> None:
    for run_id in ("", "../x", "a/b", ".hidden", "x" * 101, "a b", "ä", "a\n"):
        with pytest.raises(RunRefused, match="no run id"):
            create_run(database, run_id=run_id, seed=1, config={}, config_hash="", code_version="")
    with new_run(database, "Run_1.2-x"):
        assert is_alive(database, "Run_1.2-x")


def test_P08_a_file_that_is_reached_by_a_link_has_the_same_owner(tmp_path: Path) -> None:
    (tmp_path / "linked.db").symlink_to(tmp_path / "market.db")
    with (
        open_database(str(tmp_path / "market.db")) as database,
        new_run(database, "run"),
        open_database(str(tmp_path / "linked.db")) as linked,
        pytest.raises(RunRefused, match=f"owned by {this_process()}"),
    ):
        acquire(linked, "run")


def test_nothing_is_left_beside_the_file_when_runs_have_ended(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "market.db")) as database:
        first, second = (new_run(database, name) for name in ("one", "two"))
        first.release()
        assert (tmp_path / "market.db.locks" / "two").exists()
        second.release()
        assert {run.status for run in list_runs(database)} == {RunStatus.INTERRUPTED}
    assert [path.name for path in tmp_path.iterdir()] == ["market.db"]


def test_what_a_killed_process_left_is_cleared_away_by_the_next_look(tmp_path: Path) -> None:
    url = str(tmp_path / "market.db")
    with open_database(url) as database:
        new_run(database, "run").release()
        with another_process_owns_it(url) as owner:
            assert is_alive(database, "run")
            owner.kill()
            owner.wait()
        assert not is_alive(database, "run")
    assert [path.name for path in tmp_path.iterdir()] == ["market.db"]


def test_a_lock_that_comes_and_goes_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    inside: list[str] = []
    most: list[int] = []

    def hold(run_id: str) -> None:
        for _ in range(10):
            lock = FileRunLock(tmp_path / "market.db", run_id)
            while not lock.take():
                pass
            inside.append(run_id)
            most.append(inside.count(run_id))
            lock.is_held()
            FileRunLock(tmp_path / "market.db", "nobody").is_held()
            inside.remove(run_id)
            lock.release()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(hold, run_id) for run_id in ("one", "one", "one", "two")]:
            done.result()
    assert set(most) == {1}
    assert not (tmp_path / "market.db.locks").exists()


def test_the_file_goes_while_its_lock_is_still_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or another process could take the lock of a file that is then removed, and a third that of a new one."""
    lock = FileRunLock(tmp_path / "market.db", "run")
    assert lock.take()
    refused: list[Path] = []
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        with pytest.raises(Timeout):
            FileLock(path).acquire(timeout=0)
        refused.append(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", watched)
        lock.release()
    assert refused == [lock.path]
    assert not lock.path.exists()
