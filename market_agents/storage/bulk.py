"""Many rows at once: COPY on PostgreSQL, ``executemany`` on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from io import StringIO

from psycopg2.extras import execute_values
from sqlalchemy import Connection, Table

from market_agents.errors import WriteConflict
from market_agents.storage.rows import Row, Values, codec, pages


def insert(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert canonical rows within the caller's transaction.

    Raises:
        the driver's own error if a key is taken or a rule of the schema broken; `Database.write` names it.
    """
    if not rows:
        return
    table_codec = codec(table)
    columns = _quoted(table_codec.names)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table_codec.names))
        for page in pages(rows):
            connection.exec_driver_sql(
                f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})',  # noqa: S608  (names of the schema)
                table_codec.sqlite(page),
            )
        return
    with closing(connection.connection.cursor()) as cursor:
        for page in pages(rows):
            lines = StringIO("".join(table_codec.copied(page)))
            cursor.copy_expert(f'COPY "{table.name}" ({columns}) FROM STDIN', lines)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def update(connection: Connection, table: Table, parts: Sequence[Row]) -> None:
    """Set the given columns of rows found by their key, within the caller's transaction.

    Args:
        connection: in a transaction.
        table: where.
        parts: canonical values by column, key included, from `Codec.encode_part`.

    Raises:
        WriteConflict: a row to be updated is not there.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for part in parts:
        groups.setdefault(tuple(sorted(part)), []).append(part)
    for names, group in groups.items():
        changed = [name for name in names if name not in codec(table).key]
        if not changed:
            continue
        found = _update_group(connection, table, names, changed, group)
        if found != len(group):
            raise WriteConflict(
                f"{len(group) - found} of {len(group)} rows to be updated are not in {table.name}"
            )


def _update_group(
    connection: Connection, table: Table, names: Sequence[str], changed: Sequence[str], group: Sequence[Row]
) -> int:
    table_codec = codec(table)
    types = dict(zip(table_codec.names, table_codec.types, strict=True))
    if connection.dialect.name == "sqlite":
        ordered = [*changed, *table_codec.key]
        sets = ", ".join(f'"{name}" = ?' for name in changed)
        where = " AND ".join(f'"{name}" = ?' for name in table_codec.key)
        result = connection.exec_driver_sql(
            f'UPDATE "{table.name}" SET {sets} WHERE {where}',  # noqa: S608  (names of the schema)
            [
                tuple(None if part[name] is None else types[name].sqlite(part[name]) for name in ordered)
                for part in group
            ],
        )
        return result.rowcount
    sets = ", ".join(f'"{name}" = given."{name}"' for name in changed)
    where = " AND ".join(f'stored."{name}" = given."{name}"' for name in table_codec.key)
    # A collation belongs to the column and not into a cast.
    types_in_sql = [
        table.columns[name].type.compile(connection.dialect).partition(" COLLATE")[0] for name in names
    ]
    template = ", ".join(f"CAST(%s AS {type_in_sql})" for type_in_sql in types_in_sql)
    with closing(connection.connection.cursor()) as cursor:
        execute_values(
            cursor,
            f'UPDATE "{table.name}" AS stored SET {sets} '  # noqa: S608  (names of the schema)
            f"FROM (VALUES %s) AS given ({_quoted(names)}) WHERE {where}",
            [
                tuple(None if part[name] is None else types[name].text(part[name]) for name in names)
                for part in group
            ],
            template=f"({template})",
            page_size=len(group),
        )
        return int(cursor.rowcount)
