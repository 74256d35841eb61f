"""What tests of whole runs share: a run in this process, the program in one of its own, and plain SQL."""

from __future__ import annotations

import io
import logging
import os
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg2
import psycopg2.extras
import pytest

from market_agents.cli import main
from market_agents.meta_orchestrator import MetaOrchestrator, RunResult, Start, load_config
from market_agents.storage import digest, open_database
from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "orchestrator_config.yaml"
CANARY = "sk-canary-7f3a9b1c5d"
SECONDS = 600.0  # a ceiling for what ends by itself; no test waits for it
DRESSING = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")

Row = dict[str, Any]
Changes = Mapping[str, object]


def asked(model: FakeModel | str, **entry: object) -> list[dict[str, object]]:
    """``llm_configs`` with one entry, whose endpoint is a model server or an address."""
    address = model if isinstance(model, str) else model.base_url
    return [{"name": "served", "client": "openai", "model": "fake-model", "base_url": address, **entry}]


def in_flight(calls: int) -> dict[str, object]:
    """``request_limits`` that allow so many calls at the same time."""
    return {"openai": {"max_in_flight": calls}}


def play(
    folder: Path,
    database: str,
    changes: Changes | None = None,
    *,
    start: Start | None = None,
    config: Path = SHIPPED,
) -> RunResult:
    """A run in this process, with keys of the file changed."""
    loaded = load_config(config, list((changes or {}).items()))
    return MetaOrchestrator(loaded, start=start, database=database, folder=folder).run()


def fingerprint(url: str, run_id: str) -> str:
    """A run's digest."""
    with open_database(url, create=False) as database:
        return digest(database, run_id)


def query(url: str, statement: str) -> list[Row]:
    """Rows by SQL that both kinds of database understand, through their plain drivers."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.row_factory = sqlite3.Row
            return [dict(row) for row in file.execute(statement)]
    with (
        closing(psycopg2.connect(url)) as server,
        server.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
    ):
        cursor.execute(statement)
        return [dict(row) for row in cursor.fetchall()]


def change(url: str, statement: str) -> None:
    """Carry out SQL that returns nothing, and commit."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            file.execute(statement)
        return
    with closing(psycopg2.connect(url)) as server, server, server.cursor() as cursor:
        cursor.execute(statement)


def table(url: str, name: str, run_id: str) -> list[Row]:
    """All rows of a run in a table, in no order."""
    return query(url, f"SELECT * FROM {name} WHERE run_id = '{run_id}'")


def status_of(url: str, run_id: str) -> str:
    """The status as it is stored."""
    return str(table(url, "runs", run_id)[0]["status"])


@dataclass(frozen=True)
class Ended:
    """A program that has ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """What it complained of."""
        return [
            line.removeprefix("market-agents: ")
            for line in self.err.splitlines()
            if line.startswith("market-agents: ")
        ]


class Shell:
    """A folder in which the program is started, as a process of its own.

    Args:
        folder: the working directory.
        variables: the environment besides what every process has.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if name not in DRESSING}
        self.environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables}

    @property
    def python(self) -> str:
        """This interpreter, as a shell is told of it."""
        return shlex.quote(sys.executable)

    def start(
        self, *arguments: str, program: Sequence[str] = ("-m", "market_agents")
    ) -> subprocess.Popen[str]:
        """Start the program without waiting for it; its output is piped."""
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, program: Sequence[str] = ("-m", "market_agents"), said: str = "") -> Ended:
        """Run the program to its end; ``said`` is its standard input."""
        process = self.start(*arguments, program=program)
        return ended(process, said)

    def line(self, command: str) -> Ended:
        """Carry out a line as the shell understands it."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


def call(folder: Path, *words: str, said: str = "") -> Ended:
    """A verb in this process, as the console script would call it in a folder; what it changes here is put back."""
    out, err, root = io.StringIO(), io.StringIO(), logging.getLogger("market_agents")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in DRESSING:
            patch.delenv(name, raising=False)
        patch.chdir(folder)
        patch.setattr(sys, "stdin", io.StringIO(said))
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(root, "handlers", [])
        patch.setattr(root, "propagate", root.propagate)
        patch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
        level = root.level
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            root.setLevel(level)
            for handler in root.handlers:
                handler.close()
    return Ended(code, out.getvalue(), err.getvalue())


def ended(process: subprocess.Popen[str], said: str = "") -> Ended:
    """Wait for a started program."""
    try:
        out, err = process.communicate(said, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out, err)


class Living(Protocol):
    """A started program."""

    def poll(self) -> int | None:
        """Its exit code, None while it lives."""


def until_asked(model: FakeModel, requests: int, process: Living) -> None:
    """Wait until the server has seen so many requests; the program must still be running then."""
    deadline = time.monotonic() + SECONDS
    while len(model.ledger()) < requests:
        assert process.poll() is None, "the program has ended"
        assert time.monotonic() < deadline, "the program asks too little"
