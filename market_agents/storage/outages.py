"""What a database's failure means: whether to wait and try again, and what to tell the user if not."""

from __future__ import annotations

import sqlite3
from enum import Enum

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from market_agents.errors import DatabaseAway, MarketAgentsError, UserError, WriteConflict

DRIVER_ERRORS = (DBAPIError, psycopg2.Error, sqlite3.Error)
"""Whatever the drivers raise, wrapped by SQLAlchemy or not."""


class Outage(Enum):
    """What a failure calls for."""

    RETRY = "the transaction lost against another; the same connection will do"
    RECONNECT = "the connection or the server is gone, or the server is short of something"
    FATAL = "trying again cannot help"


_LOST_A_RACE = frozenset(
    {
        errorcodes.SERIALIZATION_FAILURE,
        errorcodes.DEADLOCK_DETECTED,
        errorcodes.LOCK_NOT_AVAILABLE,
    }
)
_GONE = frozenset(
    {
        errorcodes.ADMIN_SHUTDOWN,
        errorcodes.CRASH_SHUTDOWN,
        errorcodes.CANNOT_CONNECT_NOW,
        errorcodes.DATABASE_DROPPED,
        errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        errorcodes.READ_ONLY_SQL_TRANSACTION,  # a fail-over has not ended yet
        errorcodes.IO_ERROR,
    }
)
_GONE_CLASSES = (errorcodes.CLASS_CONNECTION_EXCEPTION, errorcodes.CLASS_INSUFFICIENT_RESOURCES)
_SQLITE_WAIT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_SHORT = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_SQLITE_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def cause(error: BaseException) -> BaseException:
    """The driver's own error behind SQLAlchemy's."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def reason(error: BaseException) -> str:
    """The driver's words on one line, statements and values left out."""
    if isinstance(error, SQLAlchemyError) and not isinstance(error, DBAPIError):
        return type(error).__name__
    lines = [line.strip() for line in str(cause(error)).splitlines() if line.strip()]
    return lines[0] if lines else type(cause(error)).__name__


def sqlite_code(error: BaseException) -> int | None:
    """SQLite's primary result code, None where it is no error of SQLite."""
    code = getattr(cause(error), "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def is_broken(error: BaseException) -> bool:
    """Whether an SQLite file is damaged or no database at all."""
    return sqlite_code(error) in _SQLITE_BROKEN


def classify(error: BaseException) -> Outage:
    """What a driver's error calls for."""
    origin = cause(error)
    code = sqlite_code(error)
    if code is not None:
        if code in _SQLITE_WAIT:
            return Outage.RETRY
        return Outage.RECONNECT if code in _SQLITE_SHORT else Outage.FATAL
    if not isinstance(origin, psycopg2.Error):
        return Outage.FATAL
    if origin.pgcode in _LOST_A_RACE:
        return Outage.RETRY
    if origin.pgcode is None:
        # Without an answer from the server there is no code: the connection broke or was refused.
        lost = isinstance(origin, psycopg2.OperationalError | psycopg2.InterfaceError)
        return Outage.RECONNECT if lost or type(origin) is psycopg2.DatabaseError else Outage.FATAL
    gone = origin.pgcode in _GONE or origin.pgcode.startswith(_GONE_CLASSES)
    return Outage.RECONNECT if gone else Outage.FATAL


def translate(error: BaseException, place: str) -> MarketAgentsError:
    """The error of this package that stands for a driver's error which no retry can cure.

    Args:
        error: from a driver.
        place: which database, without password.
    """
    origin = cause(error)
    if isinstance(origin, sqlite3.IntegrityError | psycopg2.IntegrityError):
        if _is_taken_key(origin):
            return WriteConflict(f"{place}: a row with this key is there already: {reason(error)}")
        return MarketAgentsError(f"{place}: a row breaks a rule of the schema: {reason(error)}")
    if is_broken(error):
        return UserError(
            f"{place} is damaged ({reason(error)}): restore a copy, or name another with --database"
        )
    if sqlite_code(error) == sqlite3.SQLITE_READONLY:
        return UserError(
            f"{place} is read-only: make file and folder writable, or name another with --database"
        )
    return MarketAgentsError(f"{place}: {reason(error)}")


def away(error: BaseException, place: str, waited: float) -> DatabaseAway:
    """The database stayed away for ``waited`` seconds."""
    return DatabaseAway(
        f"the database {place} did not take the data for {waited:.0f} s ({reason(error)}): "
        "bring it back and resume the run; nothing that was acknowledged is lost"
    )


def _is_taken_key(origin: BaseException) -> bool:
    if isinstance(origin, psycopg2.Error):
        return origin.pgcode == errorcodes.UNIQUE_VIOLATION
    extended = getattr(origin, "sqlite_errorcode", None)
    return extended in {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}
