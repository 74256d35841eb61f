"""Backups, restores and migrations that are killed: what was there is whole, and the same command ends the work."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config

from market_agents.storage import check_database, versions
from market_agents.storage.address import parse_address
from market_agents.storage.database import Database
from market_agents.storage.schema import VERSION_TABLE
from market_agents.storage.sqlite_file import open_file
from tests.end_to_end.stage import SHIPPED
from tests.faults.killer import Killer, Tally, digest_of, has_run

FIRST_SCHEMA = "0001"
COPIES = {"backup.written": 1}
MIGRATIONS = {"migration.copied": 1, "migration.commit.before": 1}


class KilledCopies:
    """A database with one run, saved and brought back again and again, killed over it.

    Args:
        killer: starts and kills the program.
        url: an empty database.
    """

    def __init__(self, killer: Killer, url: str) -> None:
        self._killer = killer
        self._url = url
        self._number = 0
        self.digest = play(killer, url)
        self._seconds = self._run("db", "backup", str(self._file()), "--database", url)

    def torture(self, target: str, tally: Tally) -> None:
        """A backup and its restore into another empty database, each perhaps killed, and then done again."""
        file = self._file()
        saving = ("db", "backup", str(file), "--database", self._url)
        restoring = ("db", "restore", str(file), "--database", target)
        wrong = []
        for words, made in ((saving, f"sqlite:///{file}"), (restoring, target)):
            killed = self._killer.strike(words, self._seconds, COPIES, tally)
            if killed and not has_run(made):
                self._run(*words)
            if digest_of(made) != self.digest:
                wrong.append(f"{words[1]}: another digest")
        if digest_of(self._url) != self.digest:
            wrong.append("the database that was saved has another digest")
        tally.count(wrong)

    def _file(self) -> Path:
        self._number += 1
        return self._killer.folder / f"{parse_address(self._url).dialect}{self._number}.saved"

    def _run(self, *words: str) -> float:
        return complete(self._killer, words)


class KilledMigrations:
    """An SQLite file of the first schema, brought up to date again and again, killed over it.

    Args:
        killer: starts and kills the program.
        url: a database that does not exist yet.
    """

    def __init__(self, killer: Killer, url: str) -> None:
        self._killer = killer
        self._file = parse_address(url).path
        self._digest = play(killer, url)
        self._seconds = self._upgrade(self._old(f"{url}.first"))

    def torture(self, url: str, tally: Tally) -> None:
        """A migration of a fresh old file, perhaps killed, and then done again."""
        self._old(url)
        self._killer.strike(("db", "upgrade", "--database", url), self._seconds, MIGRATIONS, tally)
        self._upgrade(url)
        tally.count(list(self._findings(url)))

    def _findings(self, url: str) -> Iterator[str]:
        path = parse_address(url).path
        assert path is not None
        if digest_of(url) != self._digest:
            yield "another digest after the migration"
        if not check_database(url).endswith("up to date"):
            yield check_database(url)
        for copy in path.parent.glob(f"{path.name}.schema-*"):
            with closing(sqlite3.connect(copy)) as file:
                found = file.execute(f"SELECT version_num, run_id FROM {VERSION_TABLE}, runs").fetchall()
            if found != [(FIRST_SCHEMA, "one")]:
                yield f"{copy.name} is no copy of what was there"

    def _upgrade(self, url: str) -> float:
        return complete(self._killer, ("db", "upgrade", "--database", url))

    def _old(self, url: str) -> str:
        """The run, in a file of the first schema."""
        address = parse_address(url)
        assert address.path is not None
        config = Config()
        config.set_main_option("script_location", str(versions.MIGRATIONS))
        with Database(open_file(address, address.path, create=True), address) as database:

            def make(connection: object) -> None:
                config.attributes["connection"] = connection
                command.upgrade(config, FIRST_SCHEMA)

            database.write(make)
        with closing(sqlite3.connect(address.path)) as file, file:
            file.execute("ATTACH ? AS present", (str(self._file),))
            for (table,) in file.execute(
                "SELECT name FROM main.sqlite_master WHERE type = 'table'"
            ).fetchall():
                if table != VERSION_TABLE:
                    names = [row[1] for row in file.execute(f"PRAGMA main.table_info({table})")]
                    columns = ", ".join(f'"{name}"' for name in names)
                    file.execute(
                        f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table}"
                    )
        return url


def play(killer: Killer, url: str) -> str:
    """Run the shipped configuration, small and for free, and return its digest."""
    complete(
        killer,
        (
            "run",
            str(SHIPPED),
            "--offline",
            "--set",
            "num_agents=4",
            "--run-id",
            "one",
            "--quiet",
            "--database",
            url,
        ),
    )
    return digest_of(url)


def complete(killer: Killer, words: Sequence[str]) -> float:
    """Let the program do its work undisturbed; returns the seconds that it took.

    Raises:
        RuntimeError: it could not.
    """
    started = time.monotonic()
    done = killer.nursery.run(killer.folder, *words)
    if done.code != 0:
        raise RuntimeError(f"{' '.join(words[:2])}, exit {done.code}: {done.err[-300:]}")
    return time.monotonic() - started
