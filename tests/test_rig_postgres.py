"""The tests' own PostgreSQL: it answers, survives a crash, keeps its port, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.rig.ports import LOOPBACK, free_port
from tests.rig.postgres import PostgresServer, installed_server

ROOT = Path(__file__).parent.parent


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.strip().startswith("Z") and bool(state.stdout.strip())


def wait_until_gone(directory: str, seconds: float = 300.0) -> bool:
    """Whether the folder and every process that names it on its command line end in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        if directory not in commands and not Path(directory).exists():
            return True
    return False


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server apart from the shared one, for tests that stop and kill it."""
    with PostgresServer() as server:
        yield server


def test_server_is_a_real_postgresql_on_loopback(postgres_server: PostgresServer) -> None:
    [(version,)] = ask(postgres_server.url(), "SELECT version()")
    assert str(version).startswith("PostgreSQL")
    assert urlsplit(postgres_server.url()).hostname == LOOPBACK
    assert ask(postgres_server.url(), "SHOW listen_addresses") == [(LOOPBACK,)]
    assert ask(postgres_server.url(), "SHOW unix_socket_directories") == [("",)]


def test_text_is_utf8_and_sorts_by_code_point(postgres_url: str) -> None:
    assert ask(postgres_url, "SHOW server_encoding") == [("UTF8",)]
    assert ask(postgres_url, "SELECT x FROM unnest(ARRAY['b', 'B', 'é', '🙂']) x ORDER BY x") == [
        ("B",),
        ("b",),
        ("é",),
        ("🙂",),
    ]


def test_server_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    pid = postgres_server.pid
    assert pid is not None
    owner = subprocess.run(["ps", "-o", "uid=", "-p", str(pid)], capture_output=True, text=True, check=True)
    assert int(owner.stdout) != 0


def test_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    url = f"postgresql://market:wrong@127.0.0.1:{postgres_server.port}/postgres"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(url)


def test_each_test_gets_an_empty_database(postgres_url: str) -> None:
    assert ask(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    ask(postgres_url, "CREATE TABLE mine (id int)")


def test_each_test_gets_an_empty_database_again(postgres_url: str) -> None:
    assert ask(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_drop_cuts_off_whoever_is_connected(own_server: PostgresServer) -> None:
    with closing(psycopg2.connect(own_server.create_database("busy"))) as connection:
        own_server.drop_database("busy")
        with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert ask(own_server.url(), "SELECT 1 FROM pg_database WHERE datname = 'busy'") == []


def test_acknowledged_rows_survive_ten_crashes(own_server: PostgresServer) -> None:
    url = own_server.create_database("crashes")
    ask(url, "CREATE TABLE trade (id int PRIMARY KEY)")
    for number in range(10):
        ask(url, f"INSERT INTO trade VALUES ({number})")
        own_server.restart(hard=True)
    assert ask(url, "SELECT count(*) FROM trade") == [(10,)]
    assert "automatic recovery in progress" in own_server.log()


def test_stopped_server_refuses_and_comes_back_on_its_port(own_server: PostgresServer) -> None:
    url = own_server.url()
    own_server.stop()
    own_server.stop()
    assert not own_server.running
    assert own_server.pid is None
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        psycopg2.connect(url)
    own_server.start()
    assert own_server.url() == url
    assert ask(url, "SELECT 1") == [(1,)]


def test_start_twice_is_refused(own_server: PostgresServer) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        own_server.start()


def test_unstarted_server_has_neither_port_nor_folder() -> None:
    server = PostgresServer()
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        server.url()
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        server.log()
    server.close()


def test_fsync_is_a_parameter(own_server: PostgresServer) -> None:
    assert ask(own_server.url(), "SHOW fsync") == [("off",)]
    with PostgresServer(fsync=True, max_connections=7, user="other", password="plain") as server:
        assert server.url() == f"postgresql://other:plain@127.0.0.1:{server.port}/postgres"
        assert ask(server.url(), "SHOW fsync") == [("on",)]
        assert ask(server.url(), "SHOW max_connections") == [("7",)]


def test_failed_start_tells_the_log_and_may_be_tried_again(own_server: PostgresServer) -> None:
    own_server.stop()
    settings = own_server.directory / "data" / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "\nno_such_setting = 1\n")
    with pytest.raises(RuntimeError, match="no_such_setting"):
        own_server.start()
    assert not own_server.running
    settings.write_text(before)
    own_server.start()
    assert ask(own_server.url(), "SELECT 1") == [(1,)]


def test_close_removes_processes_and_files() -> None:
    server = PostgresServer()
    server.start()
    directory, pid = server.directory, server.pid
    assert pid is not None
    server.close()
    server.close()
    assert not alive(pid)
    assert not directory.exists()


def test_closed_server_starts_afresh() -> None:
    server = PostgresServer()
    server.start()
    server.create_database("gone")
    server.close()
    with server:
        assert ask(server.url(), "SELECT 1 FROM pg_database WHERE datname = 'gone'") == []


def test_refused_installation_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("initdb", "postgres"):
        (tmp_path / "bin" / program).write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "share").mkdir()
    server = PostgresServer(install=tmp_path)
    with pytest.raises((RuntimeError, PermissionError)):
        server.start()
    with pytest.raises(RuntimeError, match="no folder yet"):
        server.log()


@pytest.mark.parametrize("restarting", [False, True])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_test_process_is_killed(number: signal.Signals, restarting: bool) -> None:
    script = (
        f"restarting = {restarting}\n"
        "import sys\n"
        "from tests.rig.postgres import PostgresServer\n"
        "server = PostgresServer()\n"
        "server.start()\n"
        "sys.stdout.write(f'{server.pid} {server.directory}\\n')\n"
        "sys.stdout.flush()\n"
        "while restarting:\n"
        "    server.restart(hard=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        pid, directory = child.stdout.readline().split()
        assert restarting or alive(int(pid))
        child.send_signal(number)
        child.wait(300)
    assert wait_until_gone(directory)


def test_an_installation_is_copied_where_the_server_s_user_could_not_read_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = installed_server().parent
    for folder in (wheel, wheel.parent / f"{wheel.name}.libs"):
        (closed / folder.name).symlink_to(folder)
    with PostgresServer(install=closed / wheel.name / installed_server().name) as server:
        assert ask(server.url(), "SELECT 1") == [(1,)]
        # Only root runs the server as somebody else, who cannot look into the closed folder.
        assert (server.directory / "server").is_dir() is (os.geteuid() == 0)


def test_sqlite_url_names_a_file_that_does_not_exist(sqlite_url: str) -> None:
    assert sqlite_url.startswith("sqlite:///")
    assert sqlite_url.endswith("/market.db")
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_database_url_runs_on_both(database_url: str, request: pytest.FixtureRequest) -> None:
    assert database_url.split(":", maxsplit=1)[0] == request.node.callspec.params["database_url"]


def test_free_ports_lie_outside_the_outgoing_range() -> None:
    assert all(15_000 <= free_port() < 30_000 for _ in range(20))
