"""Answers kept for later runs: the one table that belongs to no run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import Column, Connection, MetaData, Table, delete, func, select, text

from market_agents.storage.columns import Instant, Money, Name, Whole, Words
from market_agents.storage.database import Database
from market_agents.storage.rows import Row, Values, codec
from market_agents.storage.schema import llm_requests, metadata

shared_metadata: Final = MetaData(naming_convention=metadata.naming_convention)

cached_answers = Table(
    "cached_answers",
    shared_metadata,
    Column("run_id", Name(), nullable=False),
    Column("cache_key", Name(), primary_key=True),
    Column("request_key", Name(), nullable=False),
    Column("requested_model", Words(), nullable=False),
    Column("returned_model", Words(), nullable=False),
    Column("response", Words(), nullable=False),
    Column("finish_reason", Words(), nullable=False),
    Column("prompt_tokens", Whole(big=True), nullable=False),
    Column("completion_tokens", Whole(big=True), nullable=False),
    Column("cached_tokens", Whole(big=True), nullable=False),
    Column("cost", Money(20, 10), nullable=True),
    Column("created_at", Instant(), nullable=False),
)
"""``run_id`` is the run that paid for the answer, which may be deleted since."""

_GIVEN = tuple(column.name for column in cached_answers.columns if column.name not in {"run_id", "cache_key"})


@dataclass(frozen=True)
class CacheCount:
    """What is kept of one model.

    Attributes:
        model: as it was asked for.
        answers: kept.
        tokens: in and out, that they took.
        cost: US dollars that they cost, as far as prices are known.
    """

    model: str
    answers: int
    tokens: int
    cost: Decimal


def find_answer(connection: Connection, cache_key: str) -> Row | None:
    """The answer kept under a key, as columns of ``llm_requests``."""
    columns = [cached_answers.c[name] for name in _GIVEN if name not in {"request_key", "cost", "created_at"}]
    query = select(*columns).where(cached_answers.c.cache_key == cache_key)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def keep_answers(connection: Connection, run_id: str, rows: Mapping[str, Row]) -> None:
    """Keep answers under their keys; one that is there already stays.

    Args:
        connection: in a transaction.
        run_id: who paid.
        rows: outcomes as columns of ``llm_requests``, by cache key.
    """
    names = [column.name for column in cached_answers.columns]
    if not rows:
        return
    table_codec = codec(cached_answers)
    # In one order, so that two runs that keep the same answers at once do not wait for each other in a circle.
    values = [
        table_codec.encode(run_id, {"cache_key": key, **{name: rows[key][name] for name in _GIVEN}})
        for key in sorted(rows)
    ]
    stored: Sequence[Sequence[object]] = (
        table_codec.sqlite(values)
        if connection.dialect.name == "sqlite"
        else [table_codec.texts(row) for row in values]
    )
    places = ", ".join(f":{name}" for name in names)
    statement = text(
        f"INSERT INTO cached_answers ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  (names of the schema)
    )
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in stored])


def unkept(connection: Connection, rows: Sequence[Values]) -> list[Values]:
    """Those of a page of the table's rows under whose keys nothing is kept yet."""
    place = codec(cached_answers).names.index("cache_key")
    key = cached_answers.c.cache_key
    kept = set(connection.scalars(select(key).where(key.in_([row[place] for row in rows]))))
    return [row for row in rows if row[place] not in kept]


def cache_counts(database: Database) -> Sequence[CacheCount]:
    """What is kept, by model."""
    columns = cached_answers.c
    query = (
        select(
            columns.requested_model,
            func.count(),
            func.sum(columns.prompt_tokens + columns.completion_tokens),
            func.sum(columns.cost),
        )
        .group_by(columns.requested_model)
        .order_by(columns.requested_model)
    )
    rows = database.query(lambda connection: connection.execute(query).all())
    return [
        CacheCount(str(name), int(count), int(tokens), Decimal(cost or 0))
        for name, count, tokens, cost in rows
    ]


def cache_hits(database: Database) -> int:
    """How many asks of all runs were answered from what is kept."""
    query = select(func.sum(llm_requests.c.from_cache))
    return database.query(lambda connection: int(connection.scalar(query) or 0))


def clear_cache(database: Database, model: str | None = None) -> int:
    """Forget what is kept, of one model or of all; the journals of runs keep what they have. Returns how many."""
    statement = delete(cached_answers)
    if model is not None:
        statement = statement.where(cached_answers.c.requested_model == model)
    return database.write(lambda connection: int(connection.execute(statement).rowcount))
