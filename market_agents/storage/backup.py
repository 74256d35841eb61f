"""Backups: one SQLite file for either kind of database, consistent while runs write, checked when it is restored."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from market_agents.errors import DatabaseAway, UserError
from market_agents.failpoints import reach
from market_agents.storage import bulk
from market_agents.storage.address import parse_address
from market_agents.storage.answers import cached_answers, unkept
from market_agents.storage.database import Database, open_database
from market_agents.storage.rows import Values, codec
from market_agents.storage.schema import metadata, runs
from market_agents.storage.sqlite_file import check_integrity

CONTENTS = "backup_contents"
"""The table in which a backup says what it holds: rows and SHA-256 of each table."""

_PAGE = 2000
_TRIES = 5
"""How often a copy is begun again when its source breaks off."""
_HIDDEN = f"'{CONTENTS}'"


def back_up(database: Database, file: Path) -> dict[str, int]:
    """Copy a whole database, as it stands at one moment, into a new file; runs may go on writing meanwhile.

    The file is an SQLite database of its own, whatever kind the source is, and can be read with ``--database``.

    Args:
        database: the source.
        file: must not exist yet; it appears whole or not at all.

    Returns:
        Rows by table.

    Raises:
        UserError: the file exists, or cannot be written.
        DatabaseAway: the source stayed away; there is no file.
    """
    if file.exists():
        raise UserError(f"{file} exists already: choose another name, backups are never overwritten")
    with _partial(file) as partial:
        if database.address.path is not None:
            _copy_file(database.address.path, partial)
        else:
            with open_database(str(partial)) as copy:
                copy_rows(database, copy)
        with closing(sqlite3.connect(partial)) as connection, connection:
            found = _contents(connection)
            connection.execute(f"CREATE TABLE {CONTENTS} (name TEXT PRIMARY KEY, rows INTEGER, sha256 TEXT)")
            connection.executemany(
                f"INSERT INTO {CONTENTS} VALUES (?, ?, ?)",  # noqa: S608  (a constant)
                [(name, rows, sha) for name, (rows, sha) in found.items()],
            )
        _become(partial, file)
    return {name: rows for name, (rows, _) in found.items() if name in metadata.tables}


def restore(file: Path, url: str) -> dict[str, int]:
    """Make a database from a backup, in a file that does not exist or a PostgreSQL database without runs.

    Args:
        file: from `back_up`; it is not changed.
        url: the address of the database to be made.

    Returns:
        Rows by table.

    Raises:
        UserError: no backup, a damaged one, or a database that would be overwritten.
        DatabaseUnreachable: PostgreSQL does not answer.
        DatabaseAway: it stayed away later on; nothing is restored.
    """
    target = parse_address(url)
    if target.path is not None and target.path.exists():
        raise UserError(f"{target.place} exists already: name a new file, restoring never overwrites")
    if target.path is not None:
        _refuse_leftovers(target.path)
        with _partial(target.path) as partial:
            rows = _checked_copy(file, partial)
            _become(partial, target.path)
        return rows
    with tempfile.TemporaryDirectory() as folder:
        partial = Path(folder) / "backup.db"
        rows = _checked_copy(file, partial)
        with open_database(str(partial)) as source, open_database(url) as database:
            copy_rows(source, database)
    return rows


def _refuse_leftovers(path: Path) -> None:
    """SQLite takes a log that lies beside a file for that file's own, and would write it over the restored rows."""
    for end in ("-wal", "-journal"):
        left = path.with_name(path.name + end)
        if left.exists():
            raise UserError(
                f"{left} is left of a database that was there and may hold its last rows: put it back beside that "
                "database or remove it, or name another file"
            )


def copy_rows(source: Database, target: Database) -> None:
    """Copy every row of one database into another one, in one transaction, as the source stands at one moment.

    Answers kept for later runs that the target has already stay as they are.
    Either may break off on the way: it is waited for, and the copy is begun again.

    Raises:
        UserError: the target holds runs already.
        DatabaseAway: one of them stayed away, or broke off again and again; nothing is copied.
    """

    is_written = False

    def work(connection: Connection) -> None:
        nonlocal is_written
        if connection.scalar(select(func.count()).select_from(runs)):
            if is_written:
                return  # the commit was done, and its acknowledgement lost
            raise UserError(f"{target.address.place} holds runs already: name an empty database")
        with closing(_every_page(source)) as pages:
            for table, page in pages:
                values = codec(table).canonical(page)
                bulk.insert(
                    connection, table, unkept(connection, values) if table is cached_answers else values
                )
        is_written = True

    try:
        for _ in range(_TRIES):
            try:
                target.write(work)
            except _SourceBrokeOffError:
                source.query(lambda connection: connection.scalar(select(1)))  # waits until it is there again
            else:
                return
    except DatabaseAway as error:
        raise _given_up(str(error).partition(": bring it back")[0]) from error
    raise _given_up(f"{source.address.place} broke off {_TRIES} times")


class _SourceBrokeOffError(Exception):
    """What a copy is made of cannot be read on; nothing of the copy is kept."""


def _given_up(why: str) -> DatabaseAway:
    return DatabaseAway(f"nothing was copied, since {why}: bring it back and give the command again")


def _every_page(source: Database) -> Generator[tuple[Table, Sequence[Values]], None, None]:
    """All rows of all tables at one moment. What fails between two pages is not the source's, and goes past it."""
    try:
        with source.read() as rows:
            for table in (*metadata.sorted_tables, cached_answers):
                for page in _pages(rows, table):
                    yield table, page
    except DatabaseAway as error:
        raise _SourceBrokeOffError from error


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[Values]]:
    """All rows of a table, some at a time; runs come after the runs that they were forked from."""
    if table is runs:
        known = [tuple(row) for row in connection.execute(select(runs))]
        if known:
            yield _parents_first(known)
        return
    with connection.execution_options(yield_per=_PAGE).execute(select(table)) as result:
        for page in result.partitions():
            yield [tuple(row) for row in page]


def _parents_first(rows: Sequence[Values]) -> list[Values]:
    names = codec(runs).names
    own, parent = names.index("run_id"), names.index("parent_run_id")
    waiting, ordered = {row[own]: row for row in rows}, []
    while waiting:
        free = [row for row in waiting.values() if row[parent] not in waiting]
        ordered += free
        for row in free:
            del waiting[row[own]]
    return ordered


def _copy_file(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        # All pages in one step: a reader of the write-ahead log sees one state, and writers do not wait.
        live.backup(copy)


def _checked_copy(file: Path, target: Path) -> dict[str, int]:
    """A copy of a backup's database, held against what the backup says that it holds, in today's schema."""
    if not file.is_file():
        raise UserError(f"there is no backup at {file}: name a file that `market-agents db backup` wrote")
    try:
        shutil.copyfile(file, target)
    except OSError as error:
        raise UserError(
            f"{file} cannot be copied to {target.parent} ({error.strerror}): see to its rights and to room there"
        ) from error
    check_integrity(target, str(file))
    try:
        with closing(sqlite3.connect(target)) as connection, connection:
            told = {name: (rows, sha) for name, rows, sha in connection.execute(f"SELECT * FROM {CONTENTS}")}  # noqa: S608
            found = _contents(connection)
            connection.execute(f"DROP TABLE {CONTENTS}")
    except sqlite3.Error as error:
        raise UserError(f"{file} is no backup of market-agents: {error}") from error
    wrong = sorted(name for name in told.keys() | found.keys() if told.get(name) != found.get(name))
    if wrong:
        raise UserError(
            f"{file} is damaged, {', '.join(wrong)} is not what was saved: restore another backup"
        )
    open_database(str(target)).close()  # an older schema is brought up to date
    return {name: rows for name, (rows, _) in found.items() if name in metadata.tables}


def _contents(connection: sqlite3.Connection) -> dict[str, tuple[int, str]]:
    """Rows and SHA-256 (hex) of every table, whatever the schema's version."""
    names = connection.execute(
        f"SELECT name FROM sqlite_master WHERE type = 'table' AND name <> {_HIDDEN} ORDER BY name"  # noqa: S608
    ).fetchall()
    found: dict[str, tuple[int, str]] = {}
    for (name,) in names:
        sha, count = hashlib.sha256(), 0
        for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):  # noqa: S608  (from the schema)
            sha.update(repr(row).encode())
            count += 1
        found[name] = (count, sha.hexdigest())
    return found


@contextmanager
def _partial(file: Path) -> Iterator[Path]:
    """A name beside the file to write to first; whatever is left of it in the end is removed."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield partial
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{file} cannot be written ({error}): choose another place") from error
    finally:
        for left in (
            partial,
            *(partial.with_name(partial.name + end) for end in ("-wal", "-shm", "-journal")),
        ):
            left.unlink(missing_ok=True)


def _become(partial: Path, file: Path) -> None:
    """Make one durable file of what was written, under its name."""
    with closing(sqlite3.connect(partial)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    reach("backup.written")
    if file.exists():
        raise UserError(f"{file} was made meanwhile by somebody else: choose another name")
    partial.rename(file)
