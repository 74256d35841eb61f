"""Opening databases: made where missing, refused in one clear line where they cannot be used, patient later on."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg2
import pytest
from sqlalchemy import Connection, text

from market_agents.errors import DatabaseAway, DatabaseUnreachable, ExitCode, SchemaVersionError, UserError
from market_agents.storage import Database, Lease, check_database, open_again, open_database, write_step
from market_agents.storage.address import parse_address
from tests.end_to_end.stage import change
from tests.rig.ports import free_port
from tests.rig.postgres import PostgresServer
from tests.storage.samples import new_run, one_of_each, order, stored

ROOT = Path(__file__).parents[2]


LONG = 600.0
"""Seconds that nobody waits: half of them tell on any machine who waited from who did not."""


def refusal(url: str, *, create: bool = True, patience: float = 0.0) -> str:
    """What the user is told; one line, exit 2, and not the password."""
    with pytest.raises(UserError) as refused:
        open_database(url, create=create, patience=patience)
    told = str(refused.value)
    assert "\n" not in told
    assert refused.value.exit_code is ExitCode.USER_MISTAKE
    password = urlsplit(url).password
    assert not password or password not in told
    return told


@pytest.mark.parametrize(
    ("text_given", "display", "place"),
    [
        ("sqlite:///market.db", "sqlite:///market.db", "market.db"),
        ("sqlite:////tmp/a b.db", "sqlite:////tmp/a b.db", "/tmp/a b.db"),
        ("runs/market.db", "sqlite:///runs/market.db", "runs/market.db"),
        ("postgresql://u:p%40ss@h/d", "postgresql://u@h/d", "h:5432/d"),
        ("postgres://h:99/d", "postgresql://h:99/d", "h:99/d"),
        (
            "postgresql+psycopg2://u@h/d?password=x&sslmode=require",
            "postgresql://u@h/d?sslmode=require",
            "h:5432/d",
        ),
    ],
)
def test_addresses_are_shown_without_their_password(text_given: str, display: str, place: str) -> None:
    address = parse_address(text_given)
    assert (address.display, address.place) == (display, place)
    assert parse_address(address.display).display == display


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://root:secret@h/d", "mysql is not a database for market-agents"),
        ("postgresql://u:secret@h:port/d", "cannot be read"),
        ("postgresql://u:secret@h:5432", "names no database"),
        ("sqlite://", "must be a file"),
        (":memory:", "must be a file"),
        ("", "must be a file"),
        ("sqlite:///a.db?mode=ro", "takes no options"),
    ],
)
def test_addresses_that_make_no_sense_are_refused(url: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as refused:
        parse_address(url)
    assert "secret" not in str(refused.value)


def test_a_fresh_database_is_made_and_ready(database_url: str) -> None:
    with open_database(database_url) as database, new_run(database, "run") as lease:
        assert write_step(lease, "r1", one_of_each())
    with open_database(database_url, create=False) as database:
        assert stored(database, "orders", "order_id") == [(1,), (2,)]


def test_sqlite_is_set_up_to_survive(sqlite_url: str) -> None:
    with open_database(sqlite_url) as database:
        for reading in (database.query, database.write):
            settings = reading(
                lambda connection: [
                    connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                ]
            )
            assert settings == ["wal", 2, 1, 30_000]


def test_a_missing_postgresql_database_is_made(postgres_server: PostgresServer) -> None:
    url = postgres_server.url('new "market" é')
    try:
        assert "there is no database" in refusal(url, create=False)
        with open_database(url) as database, new_run(database, "run"):
            assert (
                database.query(lambda connection: connection.scalar(text("SHOW server_encoding"))) == "UTF8"
            )
        with open_database(url, create=False) as database:
            assert stored(database, "runs", "run_id") == [("run",)]
    finally:
        postgres_server.drop_database('new "market" é')


@pytest.fixture
def humble_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a missing database, for a role that may not create it."""
    with closing(psycopg2.connect(postgres_server.url())) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE humble LOGIN PASSWORD 'secret-1234'")
        connection.commit()
        yield f"postgresql://humble:secret-1234@127.0.0.1:{postgres_server.port}/absent"
        cursor.execute("DROP ROLE humble")
        connection.commit()


def test_a_role_that_may_not_create_is_told(humble_url: str) -> None:
    assert "could not be created (permission denied to create database)" in refusal(humble_url)


def test_a_wrong_password_is_told_and_not_repeated(postgres_server: PostgresServer) -> None:
    url = f"postgresql://market:wrong-password@127.0.0.1:{postgres_server.port}/postgres"
    told = refusal(url)
    assert "password authentication failed" in told
    assert f"127.0.0.1:{postgres_server.port}/postgres" in told


def test_a_closed_port_is_told_at_once() -> None:
    port = free_port()
    started = time.monotonic()
    told = refusal(f"postgresql://u:secret-1234@127.0.0.1:{port}/market", patience=LONG)
    assert f"127.0.0.1:{port}/market" in told
    assert "DB_HOST" in told
    assert time.monotonic() - started < LONG / 2


def test_a_server_that_never_answers_is_given_up_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market_agents.storage.postgresql_server.CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(DatabaseUnreachable):
            open_database(f"postgresql://u:secret-1234@127.0.0.1:{silent.getsockname()[1]}/market")
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_database_in_another_encoding_is_refused(postgres_server: PostgresServer) -> None:
    with closing(psycopg2.connect(postgres_server.url())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        assert "encoded in LATIN1" in refusal(postgres_server.url("latin"))
    finally:
        postgres_server.drop_database("latin")


def test_a_search_path_that_leads_to_no_schema_is_told(postgres_url: str) -> None:
    url = postgres_url + "?options=-csearch_path%3Dnowhere"
    for create in (True, False):
        told = refusal(url, create=create)
        assert "search_path is 'nowhere'" in told
        assert "CREATE SCHEMA" in told
        assert "start the server" not in told
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA nowhere")
        connection.commit()
    with open_database(url) as database, new_run(database, "run"):
        assert stored(database, "runs", "run_id") == [("run",)]


def test_files_that_cannot_be_databases(tmp_path: Path) -> None:
    assert "is a folder" in refusal(str(tmp_path))
    assert "does not exist" in refusal(str(tmp_path / "no" / "market.db"))
    assert "there is no database" in refusal(str(tmp_path / "market.db"), create=False)
    assert not (tmp_path / "market.db").exists()


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("All my work of the last three years. " * 100)
    with pytest.raises(SchemaVersionError, match="not an SQLite database"):
        open_database(str(path))
    assert path.read_text() == "All my work of the last three years. " * 100
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", [100, 4096, -3000])
def test_D13_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, place: int) -> None:
    path = tmp_path / "market.db"
    with open_database(str(path)) as database, new_run(database, "run") as lease:
        write_step(lease, "r1", {"orders": [order(number) for number in range(300)]})
    content = bytearray(path.read_bytes())
    begin = place % len(content)
    content[begin : begin + 2000] = b"\xa5" * 2000
    path.write_bytes(content)
    assert "is damaged" in refusal(str(path))
    with pytest.raises(UserError, match="is damaged"):
        check_database(str(path))
    assert path.read_bytes() == content


def test_an_empty_file_is_a_fresh_database(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    path.touch()
    with open_database(str(path)) as database:
        assert stored(database, "runs", "run_id") == []


# The libraries are loaded once, and then four processes begin at the same moment.
OPEN_BY_FOUR = """
import os, sys
import alembic.command
from market_agents.storage import open_database
for _ in range(4):
    if os.fork() == 0:
        open_database(sys.argv[1]).close()
        sys.exit(0)
sys.exit(sum(os.wait()[1] != 0 for _ in range(4)))
"""

# Root may write everywhere, so the child becomes nobody, once everything it needs is imported.
OPEN_AS_NOBODY = """
import os, sys
from market_agents.storage import open_database
open_database(sys.argv[2]).close()
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
open_database(sys.argv[1])
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_D13_a_read_only_database_is_refused(what: str, sqlite_url: str) -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        path = folder / "market.db"
        open_database(str(path)).close()
        folder.chmod(0o777 if what == "file" else 0o555)
        path.chmod(0o444 if what == "file" else 0o666)
        command = [sys.executable, "-c", OPEN_AS_NOBODY, str(path), sqlite_url]
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert result.returncode == 1
        last = result.stderr.splitlines()[-1]
        assert last.startswith("market_agents.errors.UserError: ")
        assert "is read-only: make" in last
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_several_processes_may_make_the_same_database_at_once(database_url: str) -> None:
    command = [sys.executable, "-c", OPEN_BY_FOUR, database_url]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "up to date" in check_database(database_url)


def test_threads_write_one_after_another_and_read_beside(database: Database, lease: Lease) -> None:
    def write(begin: int) -> None:
        for number in range(begin, begin + 10):
            write_step(lease, f"step {number}", {"orders": [order(number)]})

    threads = [threading.Thread(target=write, args=(100 * begin,)) for begin in range(6)]
    for thread in threads:
        thread.start()
    with database.read() as connection:
        seen = {connection.scalar(text("SELECT COUNT(*) FROM orders")) for _ in range(20)}
        for thread in threads:
            thread.join()
        seen.add(connection.scalar(text("SELECT COUNT(*) FROM orders")))
    assert len(seen) == 1, "one reader sees one state of the database"
    assert len(stored(database, "orders", "order_id")) == 60


def test_a_restarted_server_is_waited_for(postgres_server: PostgresServer, postgres_url: str) -> None:
    with open_database(postgres_url, patience=LONG) as database, new_run(database, "run") as lease:
        write_step(lease, "before", {"orders": [order(1)]})
        postgres_server.kill_hard()
        again = threading.Timer(0.5, postgres_server.start)
        again.start()
        try:
            assert write_step(lease, "after", {"orders": [order(2)]})
        finally:
            again.join()
        assert stored(database, "orders", "order_id") == [(1,), (2,)]
        postgres_server.restart()
        assert database.query(lambda connection: connection.scalar(text("SELECT 1"))) == 1


def test_D03_a_server_that_stays_away_stops_the_run_resumably(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = open_database(postgres_url, patience=0.3)
    lease = new_run(database, "run")
    postgres_server.kill_hard()
    for attempt in (
        lambda: write_step(lease, "r1", {"orders": [order(1)]}),
        lambda: database.query(lambda connection: connection.scalar(text("SELECT 1"))),
        lambda: stored(database, "orders", "order_id"),
    ):
        with pytest.raises(DatabaseAway, match="resume the run") as away:
            attempt()
        assert away.value.exit_code is ExitCode.STOPPED
        assert "\n" not in str(away.value)
    database.patience = LONG
    started = time.monotonic()
    lease.release()
    database.close()
    assert time.monotonic() - started < LONG / 2


def test_closing_ends_the_waiting_for_an_absent_server(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = open_database(postgres_url, patience=LONG)
    lease = new_run(database, "run")
    postgres_server.kill_hard()
    threading.Timer(0.3, database.close).start()
    started = time.monotonic()
    with pytest.raises(DatabaseAway):
        write_step(lease, "r1", {"orders": [order(1)]})
    assert time.monotonic() - started < LONG / 2


def test_D06_deadlocks_and_lost_races_are_tried_again(postgres_url: str) -> None:
    with open_database(postgres_url) as database:
        tries: list[str] = []

        def work(connection: object) -> str:
            tries.append("try")
            if len(tries) < 3:
                raise psycopg2.errors.lookup(["40001", "40P01"][len(tries) - 1])
            return "done"

        assert database.write(work) == "done"
    assert len(tries) == 3


def test_D10_a_locked_sqlite_file_stops_the_run_resumably(sqlite_url: str) -> None:
    with open_database(sqlite_url, patience=0) as database, new_run(database, "run") as lease:
        database.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 50"))
        assert database.address.path is not None
        with closing(sqlite3.connect(database.address.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseAway, match="locked"):
                write_step(lease, "r1", {"orders": [order(1)]})
            other.execute("ROLLBACK")
        assert write_step(lease, "r1", {"orders": [order(1)]})


def test_errors_of_ones_own_leave_nothing_behind(database: Database, lease: Lease) -> None:
    def work(connection: object) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        database.write(work)
    assert write_step(lease, "r1", {"orders": [order(1)]})


def test_passwords_are_not_in_what_a_database_shows_of_itself(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with open_database(postgres_url) as database:
        for shown in (database.display, repr(database), database.address.place):
            assert postgres_server.password not in shown
            assert "p%40ss" not in shown


def test_D01_what_was_open_a_moment_ago_is_waited_for(
    postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_database(postgres_url).close()
    postgres_server.kill_hard()
    with pytest.raises(DatabaseAway, match="cannot be used"):
        open_again(postgres_url, patience=0)
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: postgres_server.start())
    monkeypatch.setattr("market_agents.storage.database.time", clock)
    open_again(postgres_url).close()


def test_D07_what_was_waited_for_in_vain_is_not_waited_for_again(sqlite_url: str) -> None:
    tries: list[int] = []

    def full(_: Connection) -> None:
        tries.append(1)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    def given_up() -> int:
        tries.clear()
        with pytest.raises(DatabaseAway, match="disk is full"):
            database.write(full)
        return len(tries)

    with open_database(sqlite_url, patience=0.2) as database:
        assert given_up() > 1
        assert given_up() == 1
        database.write(lambda connection: connection.execute(text("SELECT 1")).scalar())
        assert given_up() > 1, "it came back meanwhile"


def test_D03_a_server_that_ends_long_statements_does_not_end_a_step(postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2].partition("?")[0]
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        change(postgres_url, f"ALTER DATABASE {name} SET {setting} = '50ms'")
    with open_database(postgres_url) as database:
        database.write(lambda connection: connection.execute(text("SELECT pg_sleep(0.2)")))
        idle = database.query(
            lambda connection: connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
        )
    assert idle == "0"
