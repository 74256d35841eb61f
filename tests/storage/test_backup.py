"""Backups: the same digests in either kind of database, taken while a run writes, never half, never overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Connection, Table

from market_agents.errors import DatabaseAway, UserError
from market_agents.meta_orchestrator import Start
from market_agents.storage import (
    Database,
    Lease,
    back_up,
    bulk,
    digest,
    get_run,
    open_database,
    restore,
    tables,
    write_step,
)
from market_agents.storage.answers import find_answer, keep_answers
from market_agents.storage.backup import copy_rows
from market_agents.storage.rows import Values
from tests.end_to_end.stage import call, play
from tests.rig.postgres import PostgresServer
from tests.storage.samples import new_run, outcome

SMALL = {"num_agents": 4, "max_rounds": 1}


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> str:
    """The address of a database with a finished run and a fork that sorts before it."""
    play(tmp_path, database_url, SMALL, start=Start(run_id="one"))
    assert (
        call(tmp_path, "fork", "one", "--at-round", "1", "--run-id", "a", "--database", database_url).code
        == 0
    )
    return database_url


def fingerprints(url: str) -> list[object]:
    with open_database(url, create=False) as database:
        return [
            (digest(database, run_id), tables(database, run_id), get_run(database, run_id).started_at)
            for run_id in ("a", "one")
        ]


def test_there_and_back_in_either_kind_of_database(
    filled: str, tmp_path: Path, postgres_url: str, request: pytest.FixtureRequest
) -> None:
    expected, file = fingerprints(filled), tmp_path / "saved.db"
    saved = call(tmp_path, "db", "backup", "saved.db", "--database", filled)
    assert saved.code == 0, saved.err
    assert "2 runs" in saved.out
    assert fingerprints(str(file)) == expected
    targets = [f"sqlite:///{tmp_path / 'again.db'}"]
    if filled != postgres_url:
        targets.append(postgres_url)
    for target in targets:
        made = call(tmp_path, "db", "restore", "saved.db", "--database", target)
        assert made.code == 0, made.err
        assert fingerprints(target) == expected
        assert call(tmp_path, "replay", "one", "--quiet", "--database", target).code == 0
        refused = call(tmp_path, "db", "restore", "saved.db", "--database", target)
        assert (refused.code, len(refused.complaints)) == (2, 1)
        assert "already" in refused.complaints[0]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_backup_is_one_moment_of_a_run_that_goes_on(
    database: Database, lease: Lease, tmp_path: Path
) -> None:
    agent = {"agent_index": 1, "role": "buyer", "name": "A", "persona": {}, "endowment": {}}
    for number in range(3):
        write_step(lease, f"step{number}", {"agents": [{**agent, "agent_id": f"agent_{number}"}]})
        assert back_up(database, tmp_path / f"{number}.db")["agents"] == number + 1
    for number in range(3):
        with open_database(str(tmp_path / f"{number}.db")) as copy:
            assert tables(copy, "run")["agents"] == tables(copy, "run")["steps"] == number + 1
            assert get_run(copy, "run").status == "interrupted"


def test_a_backup_is_never_overwritten_and_never_half(
    database: Database, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with pytest.raises(UserError, match="never overwritten"):
        back_up(database, taken)
    assert taken.read_text() == "mine"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("market_agents.storage.backup._become", full)
    with pytest.raises(UserError, match="No space left"):
        back_up(database, tmp_path / "new.db")
    assert [path.name for path in tmp_path.iterdir() if "new.db" in path.name] == []


def test_answers_kept_for_later_runs_are_saved_though_their_runs_are_gone(
    database_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    asked = outcome(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    many = {f"key {number}": {**asked, "response": f"{number} 🍓"} for number in range(3)}
    with open_database(database_url) as database:
        database.write(lambda connection: keep_answers(connection, "deleted", many))
        back_up(database, tmp_path / "saved.db")
    other = postgres_server.create_database("others")
    try:
        with open_database(other) as database:
            mine = {"key 1": {**asked, "response": "mine"}}
            database.write(lambda connection: keep_answers(connection, "own", mine))
        restore(tmp_path / "saved.db", other)
        restore(tmp_path / "saved.db", str(tmp_path / "again.db"))
        for url, second in ((other, "mine"), (str(tmp_path / "again.db"), "1 🍓")):
            with open_database(url) as database:
                found = database.query(lambda connection: [find_answer(connection, key) for key in many])
            assert [row and row["response"] for row in found] == ["0 🍓", second, "2 🍓"]
    finally:
        postgres_server.drop_database("others")


def test_D02_a_copy_whose_acknowledgement_is_lost_is_whole(postgres_url: str, tmp_path: Path) -> None:
    losses = ["after_commit"]

    def lose(moment: str) -> None:
        if moment in losses:
            losses.remove(moment)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    with open_database(str(tmp_path / "market.db")) as source, open_database(postgres_url) as target:
        with new_run(source, "one"):
            target.reach = lose
            copy_rows(source, target)
        assert not losses
        assert get_run(target, "one").run_id == "one"
        with pytest.raises(UserError, match="holds runs already"):
            copy_rows(source, target)


def test_D01_a_server_that_is_killed_during_a_copy_is_waited_for(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, stops = bulk.insert, [lambda: postgres_server.restart(hard=True)]

    def interrupted(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
        if stops and table.name == "steps":
            stops.pop()()
        insert(connection, table, rows)

    play(tmp_path, f"sqlite:///{tmp_path / 'market.db'}", SMALL, start=Start(run_id="one"))
    with open_database(str(tmp_path / "market.db")) as database:
        back_up(database, tmp_path / "saved.db")
        expected = digest(database, "one")
    monkeypatch.setattr(bulk, "insert", interrupted)
    restore(tmp_path / "saved.db", postgres_url)
    assert not stops
    with open_database(postgres_url) as database:
        assert digest(database, "one") == expected
        stops.append(lambda: postgres_server.restart(hard=True))
        back_up(database, tmp_path / "again.db")
        assert not stops
        database.patience = 0
        stops.append(postgres_server.kill_hard)
        try:
            with pytest.raises(DatabaseAway, match="give the command again"):
                back_up(database, tmp_path / "never.db")
        finally:
            postgres_server.start()
    assert not [path.name for path in tmp_path.iterdir() if "never.db" in path.name]
    with open_database(str(tmp_path / "again.db")) as copy:
        assert digest(copy, "one") == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET seed = 0",
        "DELETE FROM runs",
        "DROP TABLE backup_contents",
        "UPDATE backup_contents SET rows = 9",
    ],
)
def test_what_was_tampered_with_is_not_restored(tmp_path: Path, sqlite_url: str, statement: str) -> None:
    with open_database(sqlite_url) as database, new_run(database, "run"):
        back_up(database, tmp_path / "saved.db")
    with closing(sqlite3.connect(tmp_path / "saved.db")) as connection, connection:
        connection.execute(statement)
    with pytest.raises(UserError, match=r"damaged|no backup"):
        restore(tmp_path / "saved.db", str(tmp_path / "again.db"))
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize(
    "content", [None, b"", b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_what_is_no_backup_is_not_restored(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "saved.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"saved\.db"):
        restore(file, str(tmp_path / "again.db"))
    assert not (tmp_path / "again.db").exists()


def test_a_backup_that_cannot_be_read_is_told(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "saved.db").write_bytes(b"")
    monkeypatch.setattr("shutil.copyfile", closed)
    for url in (postgres_url, str(tmp_path / "again.db")):
        with pytest.raises(UserError, match=r"saved\.db cannot be copied .*Permission denied"):
            restore(tmp_path / "saved.db", url)


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_nothing_is_restored_beside_the_log_of_a_former_database(tmp_path: Path, end: str) -> None:
    """SQLite would take the log for the restored file's own, and its old rows with it."""
    with open_database(str(tmp_path / "market.db")) as database, new_run(database, "run"):
        back_up(database, tmp_path / "saved")
    left = tmp_path / f"other.db{end}"
    left.write_bytes(b"rows")
    with pytest.raises(UserError, match=f"other.db{end} is left of a database"):
        restore(tmp_path / "saved", str(tmp_path / "other.db"))
    assert left.read_bytes() == b"rows"
    assert not (tmp_path / "other.db").exists()
