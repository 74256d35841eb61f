"""PostgreSQL databases: reached quickly or not at all, and made where they are missing."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg2
from psycopg2 import errorcodes, sql
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from market_agents.errors import DatabaseUnreachable, UserError
from market_agents.storage.address import Address
from market_agents.storage.columns import canonical_json
from market_agents.storage.outages import DRIVER_ERRORS, reason

CONNECT_SECONDS = 5

# A step of many rows or a migration takes as long as it takes, whatever a server allows its other users. Asked of
# pg_settings, since not every version knows all three.
_NO_TIMEOUTS = (
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN "
    "('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)


def open_server(address: Address, *, create: bool) -> Engine:
    """An engine whose database exists and answers; its schema is not looked at.

    Raises:
        DatabaseUnreachable: no answer, a refusal, or no such database and none is to be made.
        UserError: the database is not encoded in UTF-8, or has no schema for tables.
    """
    engine = _engine(address)
    started = time.monotonic()
    try:
        _check_use(engine, address)
    except DRIVER_ERRORS as error:
        engine.dispose()
        # A server that let us wait would let us wait again. The library counts whole seconds.
        answered = time.monotonic() - started < CONNECT_SECONDS - 1
        if not (answered and _is_missing(address)):
            raise unreachable(address, error) from None
        if not create:
            raise DatabaseUnreachable(
                f"there is no database at {address.place}: name another with --database"
            ) from None
        _create_database(address)
        _check_use(engine, address)
    return engine


def _engine(address: Address) -> Engine:
    defaults: dict[str, str | int] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "market-agents",
        "client_encoding": "utf8",
        # A peer that vanished without a word is noticed within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    engine = create_engine(
        address.url,
        hide_parameters=True,
        json_serializer=canonical_json,
        pool_pre_ping=True,
        pool_size=2,
        connect_args={name: value for name, value in defaults.items() if name not in address.url.query},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(_NO_TIMEOUTS)
        connection.commit()

    return engine


def _check_use(engine: Engine, address: Address) -> None:
    query = "SELECT current_setting('server_encoding'), current_schema(), current_setting('search_path')"
    with engine.connect() as connection:
        encoding, schema, searched = connection.exec_driver_sql(query).one()
    refusal = ""
    if encoding != "UTF8":
        refusal = f"{address.place} is encoded in {encoding}: name a database with ENCODING 'UTF8'"
    elif schema is None:
        refusal = (
            f"{address.place} has no schema for the tables, since search_path is {str(searched)[:80]!r} and none in it "
            "exists or may be used: have one made with CREATE SCHEMA, or correct search_path in --database, of the "
            "role or of the database"
        )
    if refusal:
        engine.dispose()
        raise UserError(refusal)


def _is_missing(address: Address) -> bool:
    """Whether the server answers but has no such database; the first error's text depends on its language."""
    try:
        with closing(_maintenance_connection(address)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (address.url.database,))
            return cursor.fetchone() is None
    except psycopg2.Error:
        return False


def _maintenance_connection(address: Address) -> psycopg2.extensions.connection:
    given = address.url.translate_connect_args(username="user", database="dbname")
    arguments = {"connect_timeout": CONNECT_SECONDS, **given, **address.url.query, "dbname": "postgres"}
    connection: psycopg2.extensions.connection = psycopg2.connect(**arguments)
    connection.autocommit = True
    return connection


def _create_database(address: Address) -> None:
    name = sql.Identifier(address.url.database or "")
    try:
        with closing(_maintenance_connection(address)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(name))
    except psycopg2.Error as error:
        # Of two who create it at once, one may see the second of these.
        if error.pgcode not in {errorcodes.DUPLICATE_DATABASE, errorcodes.UNIQUE_VIOLATION}:
            raise DatabaseUnreachable(
                f"there is no database at {address.place} and it could not be created ({reason(error)}): "
                "have it created, or name another"
            ) from None


def unreachable(address: Address, error: Exception) -> DatabaseUnreachable:
    """What to tell where a server does not answer, or does not let us work."""
    said = reason(error)
    if address.url.password and len(address.url.password) > 3:
        said = said.replace(address.url.password, "***")
    return DatabaseUnreachable(
        f"PostgreSQL at {address.place} cannot be used ({said}): start the server, or correct DB_HOST, "
        "DB_PORT, DB_USER, DB_PASSWORD or --database"
    )
