"""The schema's version in a database: recognised, brought up to date with a backup, or refused."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from enum import Enum
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from market_agents.errors import SchemaVersionError
from market_agents.failpoints import reach
from market_agents.storage.files import replace_file
from market_agents.storage.schema import SCHEMA_VERSION, VERSION_TABLE

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
# Any constant will do, as long as every version of the program uses the same.
_MIGRATION_LOCK = 0x6D61726B65740001


class SchemaState(Enum):
    """How a database's schema stands to the program's."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


def read_version(connection: Connection) -> tuple[SchemaState, str | None]:
    """The state of the connected database's schema, and its version where it has one."""
    tables = _table_names(connection)
    if VERSION_TABLE not in tables:
        return (SchemaState.FOREIGN if tables else SchemaState.EMPTY), None
    found = connection.scalars(text(f"SELECT version_num FROM {VERSION_TABLE}")).all()  # noqa: S608  (a constant)
    if not found:
        return (SchemaState.EMPTY if tables == {VERSION_TABLE} else SchemaState.FOREIGN), None
    version = str(found[0])
    if version == SCHEMA_VERSION:
        return SchemaState.CURRENT, version
    return (SchemaState.NEWER if version > SCHEMA_VERSION else SchemaState.OLDER), version


def _table_names(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return set(connection.scalars(text(query)))


def refuse_unusable(state: SchemaState, version: str | None, place: str) -> None:
    """Raise where the database must not be touched.

    Raises:
        SchemaVersionError: it belongs to another program, or to a later version of this one.
    """
    if state is SchemaState.FOREIGN:
        raise SchemaVersionError(
            f"{place} holds tables of another program: name an empty or new database; nothing was changed"
        )
    if state is SchemaState.NEWER:
        raise SchemaVersionError(
            f"{place} has schema {version}, this program knows {SCHEMA_VERSION}: "
            "install the newer market-agents that wrote it, or name another database; nothing was changed"
        )


def ensure_current(connection: Connection, place: str, path: Path | None) -> None:
    """Bring an empty or older database up to date, inside the caller's transaction for writing.

    Args:
        connection: whose transaction keeps other writers out (on SQLite), or will do so here (PostgreSQL).
        place: which database, for messages.
        path: the SQLite file, copied before an older schema is changed; None on PostgreSQL.

    Raises:
        SchemaVersionError: see `refuse_unusable`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    state, version = read_version(connection)
    refuse_unusable(state, version, place)
    if state is SchemaState.CURRENT:
        return
    if state is SchemaState.OLDER and version is not None:
        if path is not None:
            logger.warning("%s has schema %s: copied to %s", place, version, back_up(path, version))
            reach("migration.copied")
        logger.warning("%s is being brought from schema %s to %s", place, version, SCHEMA_VERSION)
    _migrate(connection)
    reach("migration.commit.before")


def _migrate(connection: Connection) -> None:
    # Imported here: most databases are current, and reading them needs no Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def back_up(path: Path, version: str) -> Path:
    """Copy an SQLite file consistently, beside itself and over nothing; returns the copy's path."""
    copy = path.with_name(f"{path.name}.schema-{version}.backup")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.schema-{version}.backup-{number}")
    return replace_file(copy, partial(_copy, path))


def _copy(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
