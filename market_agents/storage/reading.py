"""The rows of a run, streamed in the order of their natural keys, the same order in either database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from market_agents.errors import MarketAgentsError, RunRefused
from market_agents.storage.database import Database
from market_agents.storage.rows import Values
from market_agents.storage.schema import metadata, runs

_PAGE = 1000

Only: TypeAlias = Mapping[str, object]
"""What rows must be like: values by column, or collections of values."""


def tables(database: Database, run_id: str) -> dict[str, int]:
    """How many rows each table holds of a run; by name, empty tables included.

    Raises:
        RunRefused: no such run.
    """
    with database.read() as connection:
        require_run(connection, run_id)
        return {
            name: int(
                connection.scalar(select(func.count()).select_from(table).where(table.c.run_id == run_id))
                or 0
            )
            for name, table in sorted(metadata.tables.items())
        }


def has_more_rows(database: Database, run_id: str, rows: int) -> bool:
    """Whether a run has more rows than that in all tables; a long run is not counted to its end."""
    left = rows
    with database.read() as connection:
        for _, table in sorted(metadata.tables.items()):
            some = select(table.c.run_id).where(table.c.run_id == run_id).limit(left + 1).subquery()
            left -= int(connection.scalar(select(func.count()).select_from(some)) or 0)
            if left < 0:
                return True
    return False


def fetch(
    database: Database,
    table: str,
    run_id: str,
    only: Only | None = None,
    columns: Sequence[str] | None = None,
    *,
    in_order: bool = True,
) -> Iterator[dict[str, object]]:
    """The rows of a table that belong to a run, in natural-key order; amounts as ``Decimal``.

    Args:
        database: where the run is.
        table: the table's name.
        run_id: the run.
        only: values that columns must have, by column; of a collection, one of its values.
        columns: those that are wanted; all unless told, which takes its time where there are many rows.
        in_order: False where the caller sorts them itself, which lets the database find a few of many more quickly.

    Raises:
        MarketAgentsError: no such table.
        RunRefused: no such run.
    """
    try:
        known = metadata.tables[table]
    except KeyError:
        raise MarketAgentsError(
            f"there is no table {table!r}; there are: {', '.join(sorted(metadata.tables))}"
        ) from None
    wanted = [known.c[name] for name in columns] if columns is not None else list(known.columns)
    names = [column.name for column in wanted]
    with database.read() as connection:
        require_run(connection, run_id)
        for values in stream(connection, known, run_id, only, wanted, in_order=in_order):
            yield dict(zip(names, values, strict=True))


def counted(
    database: Database, table: str, run_id: str, by: Sequence[str], only: Only | None = None
) -> list[tuple[object, ...]]:
    """How many rows of a run share their values in some columns: those values and the count, the most first.

    Args:
        database: where the run is.
        table: the table's name.
        run_id: the run.
        by: columns.
        only: values that columns must have, by column.
    """
    known = metadata.tables[table]
    columns = [known.c[name] for name in by]
    conditions = _conditions(known, only)
    count = func.count().label("count")
    query = (
        select(*columns, count)
        .where(known.c.run_id == run_id, *conditions)
        .group_by(*columns)
        .order_by(count.desc(), *columns)
    )
    return database.query(lambda connection: [tuple(row) for row in connection.execute(query)])


def require_run(connection: Connection, run_id: str) -> None:
    """Make sure that the run exists.

    Raises:
        RunRefused: no such run.
    """
    if connection.scalar(select(runs.c.run_id).where(runs.c.run_id == run_id)) is None:
        raise RunRefused(f"there is no run {run_id[:120]!r} in this database: see market-agents runs")


def stream(
    connection: Connection,
    table: Table,
    run_id: str,
    only: Only | None = None,
    columns: Sequence[Column[Any]] | None = None,
    *,
    in_order: bool = True,
) -> Iterator[Values]:
    """The rows as tuples in the order of the columns, the table's unless told, never all in memory at once."""
    query = select(*(columns or table.columns)).where(table.c.run_id == run_id, *_conditions(table, only))
    if in_order:
        query = query.order_by(*table.primary_key)
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for row in result:
            yield tuple(row)


def _conditions(table: Table, only: Only | None) -> list[ColumnElement[bool]]:
    return [
        table.c[column].in_(value)
        if isinstance(value, set | frozenset | list | range)
        else table.c[column] == value
        for column, value in (only or {}).items()
    ]
