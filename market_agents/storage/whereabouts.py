"""Whether an SQLite file that is being written to is still where it was opened, and its rows saved if it is not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

from market_agents.errors import DatabaseMoved
from market_agents.storage.files import replace_file

_BESIDE = ("-wal", "-shm")

_Identity = tuple[int, int] | None


class Whereabouts:
    """Where one SQLite file is.

    SQLite goes on writing to a file that was removed, renamed or replaced, and to a log that was, without an error:
    whoever opens the path afterwards would not find those rows. Two looks cost some microseconds.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: _Identity = None
        self._beside: tuple[_Identity, ...] | None = None

    def opened(self) -> None:
        """Remember the file, since it has been opened to write; later it must still be the first one."""
        self._file = self._file or _identity(self._path)

    def closed(self) -> None:
        """Forget the logs, which SQLite removes when nobody has the file open any more."""
        self._beside = None

    def committed(self) -> None:
        """Remember the logs beside the file, which stay as long as it is open."""
        if self._beside is None:
            self._beside = self._logs()

    def finding(self) -> str | None:
        """What has become of the file; None where all is as it was."""
        if self._file is None:
            return None
        found = _identity(self._path)
        if found != self._file:
            return "was removed or renamed" if found is None else "was replaced by another file"
        if self._beside is not None and self._beside != self._logs():
            return "lost its write-ahead log"
        return None

    def lost(self, finding: str, connection: sqlite3.Connection | None) -> DatabaseMoved:
        """Save what an open connection still holds, and tell what has happened and how to go on.

        Args:
            finding: what has become of the file.
            connection: one that is open on the file as it was, without a transaction; None where there is none.
        """
        what = f"{self._path} {finding} while the run wrote to it"
        copy = _saved(self._path, connection)
        if copy is None:
            return DatabaseMoved(f"{what}: put it back with what was beside it, and resume the run", "")
        return DatabaseMoved(
            f"{what}: all its rows were saved to {copy}; resume the run there", f"sqlite:///{copy}"
        )

    def _logs(self) -> tuple[_Identity, ...]:
        return tuple(_identity(self._path.with_name(self._path.name + end)) for end in _BESIDE)


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _saved(path: Path, connection: sqlite3.Connection | None) -> Path | None:
    """A copy of the open database in the nearest folder that is still there; None where none can be made."""
    if connection is None:
        return None
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    names = (f"{path.name}.rescued-{os.getpid()}{f'-{again}' if again else ''}" for again in count())
    copy = next(folder / name for name in names if not (folder / name).exists())

    def write(file: Path) -> None:
        with closing(sqlite3.connect(file)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")

    try:
        return replace_file(copy, write)
    except (OSError, sqlite3.Error):
        return None
