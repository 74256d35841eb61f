"""A stored run as data frames, one a table, for notebooks. Needs pandas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_agents.config import DatabaseConfig, database_url, read_environment
from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.storage import Kind, dictionary, fetch, find_run_id, get_run, open_database

if TYPE_CHECKING:
    import pandas as pd

DTYPES: Mapping[Kind, str] = {
    Kind.TEXT: "string",
    Kind.WHOLE: "Int64",
    Kind.REAL: "float64",
    Kind.MONEY: "float64",
    Kind.JSON: "object",
    Kind.INSTANT: "datetime64[us, UTC]",
}
"""Amounts are floats here, for arithmetic; ``export`` gives every digit."""


class LoadedRun:
    """A run as stored; each table is an attribute: ``run.trades``, ``run.messages``, …

    A table is read when it is first looked at, and kept. Rows are in the order of their natural key.

    Attributes:
        run_id: the run.
        status: completed, interrupted, …
        seed: the source of all chance.
        config: the whole configuration.
    """

    def __init__(self, run_id: str, url: str) -> None:
        self._url = url
        self._frames: dict[str, pd.DataFrame] = {}
        with open_database(url, create=False) as database:
            run = get_run(database, find_run_id(database, run_id))
        self.run_id = run.run_id
        self.status = str(run.status)
        self.seed = run.seed
        self.config: dict[str, Any] = dict(run.config)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables."""
        return tuple(dict.fromkeys(entry.table for entry in dictionary()))

    def table(self, name: str) -> pd.DataFrame:
        """One table.

        Raises:
            UserError: no such table, or pandas is not installed.
        """
        if name not in self._frames:
            if name not in self.tables:
                raise UserError(f"a run has no table {name!r}; tables are {', '.join(self.tables)}")
            self._frames[name] = self._read(name)
        return self._frames[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):  # what copying and pickling look for
            raise AttributeError(name)
        try:
            return self.table(name)
        except UserError as error:
            raise AttributeError(str(error)) from error

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    def __repr__(self) -> str:
        return f"<run {self.run_id}: {self.status}, seed {self.seed}>"

    def _read(self, name: str) -> pd.DataFrame:
        # Half a second to import, and an extra: only who wants data frames pays for it.
        try:
            import pandas as pd
        except ImportError as error:
            raise UserError(f"data frames need pandas: {install_command('analysis')}") from error
        entries = [entry for entry in dictionary() if entry.table == name]
        with open_database(self._url, create=False) as database:
            rows = list(fetch(database, name, self.run_id))
        return pd.DataFrame(
            {
                entry.column: pd.Series([row[entry.column] for row in rows], dtype=DTYPES[entry.kind])
                for entry in entries
            }
        )


def load_run(run_id: str, database: str | None = None, folder: Path | None = None) -> LoadedRun:
    """A stored run as data frames, finished or not.

    Args:
        run_id: as ``market-agents runs`` lists it, or the beginning of it, or ``latest``.
        database: its address, or an SQLite file; by default as for the command line.
        folder: where ``.env`` and the default SQLite file are; the working directory by default.

    Raises:
        RunRefused: no such run.
        UserError: the database is not there.
    """
    folder = folder or Path.cwd()
    return LoadedRun(run_id, database_url(DatabaseConfig(), read_environment(folder), database, folder))
