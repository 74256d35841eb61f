"""Kills the program at many random moments and holds what was resumed against what was never interrupted.

``scripts/torture`` runs it; the tests run a few moments of it. Every digest must be that of the calm run, no key may
be there twice, and the model server may have been paid for no more than was in flight at each kill.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from market_agents.errors import UserError
from market_agents.storage import digest, list_runs, open_database
from tests.end_to_end.stage import SHIPPED, Ended, query
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery
from tests.rig.postgres import PostgresServer

IN_FLIGHT = 8
AGENTS = 4
SLOW = [{"kind": "delay", "ms": 5, "jitter_ms": 15}]
AGAIN = 0.3
"""Share of the resumed runs that are killed once more while they resume."""


@dataclass
class Tally:
    """What the kills came to."""

    kills: int = 0
    runs: int = 0
    repaid: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)


class Torturer:
    """One database, one model server, and a program that is killed again and again.

    Args:
        nursery: starts the program.
        model: answers it.
        folder: where it works.
        chance: decides when it is killed.
    """

    def __init__(self, nursery: Nursery, model: FakeModel, folder: Path, chance: Random) -> None:
        self._nursery = nursery
        self._model = model
        self._folder = folder
        self._chance = chance
        model.set_faults(SLOW)

    def calm(self, url: str) -> tuple[str, int, float]:
        """Digest, requests and seconds of a run that nobody kills."""
        before, started = len(self._model.ledger()), time.monotonic()
        done = self._nursery.run(self._folder, *self._words(url))
        if done.code != 0:
            raise RuntimeError(done.err)
        requests = len(self._model.ledger()) - before
        return _digest(url), requests, time.monotonic() - started

    def torture(self, url: str, calm: tuple[str, int, float], tally: Tally) -> None:
        """One run in a fresh database, killed at a random moment, perhaps once more, and resumed to its end."""
        expected, requests, seconds = calm
        before, kills = len(self._model.ledger()), tally.kills
        words = self._words(url)
        while True:
            killed = self._is_killed(words, seconds, tally)
            if _is_stored(url):
                words = ("resume", "one", "--quiet", "--database", url)
            if not killed or self._chance.random() > AGAIN:
                break
        done = self._nursery.run(self._folder, *words)
        repaid = len(self._model.ledger()) - before - requests
        tally.runs += 1
        tally.repaid += repaid
        wrong = list(self._findings(url, done, expected, requests))
        if not 0 <= repaid <= IN_FLIGHT * (tally.kills - kills):
            wrong.append(f"{repaid} calls were paid for again after {tally.kills - kills} kills")
        tally.failed += bool(wrong)
        tally.wrong += wrong

    def _findings(self, url: str, done: Ended, expected: str, requests: int) -> Iterator[str]:
        """What is wrong with a run that was resumed to its end."""
        if done.code != 0:
            yield f"exit {done.code}: {done.err[-300:]}"
            return
        keys = [row["request_key"] for row in query(url, "SELECT request_key FROM llm_requests")]
        if _digest(url) != expected:
            yield "another digest"
        if len(keys) != len(set(keys)) or len(keys) != requests:
            yield f"{len(keys)} asks in the journal, {requests} in the calm run"

    def _is_killed(self, words: tuple[str, ...], seconds: float, tally: Tally) -> bool:
        self._nursery.start(self._folder, *words)
        time.sleep(self._chance.uniform(0, seconds))
        with suppress(ProcessLookupError):
            os.kill(self._nursery.pid, signal.SIGKILL)
        killed = self._nursery.end().code == -signal.SIGKILL
        tally.kills += killed
        return killed

    def _words(self, url: str) -> tuple[str, ...]:
        entry = f'llm_configs=[{{name: served, model: fake-model, base_url: "{self._model.base_url}"}}]'
        limits = f"request_limits={{openai: {{max_in_flight: {IN_FLIGHT}}}}}"
        changes = (f"num_agents={AGENTS}", entry, limits)
        flags = [flag for change in changes for flag in ("--set", change)]
        return ("run", str(SHIPPED), *flags, "--run-id", "one", "--quiet", "--database", url)


def _is_stored(url: str) -> bool:
    try:
        with open_database(url, create=False) as database:
            return bool(list_runs(database))
    except UserError:
        return False  # it was killed before there was a database


def _digest(url: str) -> str:
    with open_database(url, create=False) as database:
        return digest(database, "one")


def fresh_databases(kind: str, server: PostgresServer, folder: Path) -> Iterator[str]:
    """Addresses of databases that are empty, one after another."""
    number = 0
    while True:
        number += 1
        if kind == "sqlite":
            yield f"sqlite:///{folder / f'torture{number}.db'}"
        else:
            yield server.create_database(f"torture{number}")


def main() -> int:
    """Torture both kinds of database and say what came of it."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument(
        "--moments", type=int, default=50, help="runs killed on each kind of database; default 50"
    )
    parser.add_argument("--kind", choices=["sqlite", "postgresql"], help="one kind of database; default both")
    parser.add_argument("--seed", type=int, default=1, help="decides the moments; default 1")
    parser.add_argument(
        "--seconds", type=float, default=1500, help="begin no run after so long; default 1500"
    )
    given = parser.parse_args()
    deadline, failed = time.monotonic() + given.seconds, False
    with Nursery() as nursery, FakeModel() as model, PostgresServer() as server:
        for kind in [given.kind] if given.kind else ["sqlite", "postgresql"]:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                torturer = Torturer(nursery, model, folder, Random(given.seed))
                databases = fresh_databases(kind, server, folder)
                calm, tally = torturer.calm(next(databases)), Tally()
                while tally.runs < given.moments and time.monotonic() < deadline:
                    torturer.torture(next(databases), calm, tally)
            failed = failed or bool(tally.wrong) or tally.runs < given.moments
            sys.stdout.write(
                f"{kind}: {tally.runs - tally.failed} of {tally.runs} runs as if nothing had been, "
                f"{tally.kills} kills, {tally.repaid} calls paid for again (at most {IN_FLIGHT} a kill)\n"
            )
            sys.stdout.writelines(f"  {line}\n" for line in tally.wrong)
            sys.stdout.flush()
    sys.stdout.write(f"seed {given.seed}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
