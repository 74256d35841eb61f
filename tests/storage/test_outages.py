"""What a driver's error means: wait, connect again, or give up, and what is told."""

from __future__ import annotations

import sqlite3

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy.exc import OperationalError

from market_agents.errors import MarketAgentsError, UserError, WriteConflict
from market_agents.storage.outages import Outage, classify, is_broken, reason, translate


class Coded(psycopg2.OperationalError):
    """A server's error with a code of choice."""

    def __init__(self, code: str | None) -> None:
        super().__init__("the server said so\nDETAIL: a secret row")
        self._code = code

    @property
    def pgcode(self) -> str | None:  # type: ignore[override]
        return self._code


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("said SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("40001", Outage.RETRY),
        ("40P01", Outage.RETRY),
        ("55P03", Outage.RETRY),
        ("57P01", Outage.RECONNECT),
        ("57P02", Outage.RECONNECT),
        ("57P03", Outage.RECONNECT),
        ("08006", Outage.RECONNECT),
        ("53100", Outage.RECONNECT),
        ("53300", Outage.RECONNECT),
        ("25006", Outage.RECONNECT),
        (None, Outage.RECONNECT),
        ("23505", Outage.FATAL),
        ("42P01", Outage.FATAL),
        ("42501", Outage.FATAL),
        ("22003", Outage.FATAL),
    ],
)
def test_D05_D06_D07_D08_postgresql(code: str | None, meaning: Outage) -> None:
    assert classify(Coded(code)) is meaning
    assert classify(OperationalError("INSERT", {"key": "a secret"}, Coded(code))) is meaning


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_BUSY, Outage.RETRY),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Outage.RETRY),
        (sqlite3.SQLITE_FULL, Outage.RECONNECT),
        (sqlite3.SQLITE_IOERR_WRITE, Outage.RECONNECT),
        (sqlite3.SQLITE_READONLY, Outage.FATAL),
        (sqlite3.SQLITE_CORRUPT, Outage.FATAL),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Outage.FATAL),
    ],
)
def test_D09_D10_sqlite(code: int, meaning: Outage) -> None:
    assert classify(sqlite_error(code)) is meaning


def test_other_errors_are_final() -> None:
    assert classify(ValueError("mine")) is Outage.FATAL
    assert classify(psycopg2.ProgrammingError("invalid dsn")) is Outage.FATAL


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (
            sqlite_error(sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.IntegrityError),
            WriteConflict,
            "there already",
        ),
        (
            sqlite_error(sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.IntegrityError),
            MarketAgentsError,
            "breaks a rule",
        ),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.DatabaseError), UserError, "is damaged"),
        (sqlite_error(sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError), UserError, "is damaged"),
        (sqlite_error(sqlite3.SQLITE_READONLY_DIRECTORY), UserError, "is read-only"),
        (errors.UndefinedTable("no such relation"), MarketAgentsError, "no such relation"),
    ],
)
def test_errors_are_translated_into_the_programs_own(
    error: Exception, kind: type[Exception], told: str
) -> None:
    translated = translate(error, "/data/market.db")
    assert type(translated) is kind
    assert str(translated).startswith("/data/market.db")
    assert told in str(translated)


def test_what_is_told_is_one_line_without_rows_and_statements() -> None:
    wrapped = OperationalError("INSERT INTO x", {"key": "a secret"}, Coded("57P01"))
    assert reason(wrapped) == "the server said so"
    assert reason(psycopg2.OperationalError("")) == "OperationalError"
    assert not is_broken(wrapped)
