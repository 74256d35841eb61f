"""SQLite files: checked before they are opened, and set up so that a committed row survives a power cut."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from market_agents.errors import SchemaVersionError, UserError
from market_agents.storage.address import Address
from market_agents.storage.columns import canonical_json
from market_agents.storage.outages import Outage, classify, is_broken, reason

BUSY_SECONDS = 30
CHECKED_BYTES = 32_000_000
WRITER = "market_agents_writer"
"""Execution option of the connection whose transactions write."""

_HEADER = b"SQLite format 3\x00"


def open_file(address: Address, path: Path, *, create: bool, read_only: bool = False) -> Engine:
    """An engine for a file that is there, or can be made; its content is not changed.

    Raises:
        UserError: the file is missing, read-only or damaged.
        SchemaVersionError: it is no SQLite database.
    """
    place = address.place
    if path.is_dir():
        raise UserError(f"{place} is a folder: name a file for the database")
    if path.exists():
        _check_existing(path, place)
    elif not create:
        raise UserError(f"there is no database at {place}: name another with --database")
    else:
        _check_folder(path.parent)
    return _engine(address, read_only=read_only)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"the folder {folder} does not exist: make it, or name another database")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"the folder {folder} is read-only: make it writable, or name another database")


def _check_existing(path: Path, place: str) -> None:
    if not os.access(path, os.R_OK | os.W_OK):
        raise UserError(
            f"{place} is read-only: make file and folder writable, or name another with --database"
        )
    _check_folder(path.parent)
    with path.open("rb") as file:
        header = file.read(len(_HEADER))
    if header and header != _HEADER:
        raise SchemaVersionError(f"{place} is not an SQLite database: name another file, nothing was changed")
    if path.stat().st_size <= CHECKED_BYTES:
        check_integrity(path, place)


def check_integrity(path: Path, place: str) -> None:
    """Read an SQLite file through.

    Raises:
        UserError: the file is damaged or cannot be read.
    """
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            finding = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        if not is_broken(error):
            raise UserError(
                f"{place} cannot be read ({reason(error)}): close other programs that use it"
            ) from error
        finding = reason(error)
    if finding != "ok":
        line = finding.splitlines()[-1]
        raise UserError(f"{place} is damaged ({line}): restore a copy, or name another with --database")


def _engine(address: Address, *, read_only: bool) -> Engine:
    engine = create_engine(
        address.url,
        hide_parameters=True,
        json_serializer=canonical_json,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin too late and too weakly; "begin" below does it.
        connection.isolation_level = None
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            if read_only:
                cursor.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(WRITER)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def use_write_ahead_log(path: Path) -> None:
    """Switch the file to WAL for good, so that readers and the writer do not wait for each other.

    The busy timeout does not cover this switch; several processes may make a new file at once, so wait here.

    Raises:
        sqlite3.Error: the file stays locked, or cannot be written.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if classify(error) is not Outage.RETRY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
