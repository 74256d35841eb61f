"""Asks under way and the batches they went into: kept before anything is sent, gone with the outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, select

from market_agents.storage import bulk
from market_agents.storage.rows import Row, Values, codec
from market_agents.storage.schema import llm_batches, llm_intents


def replace_intents(connection: Connection, run_id: str, intents: Sequence[Values]) -> None:
    """Keep intents, canonical rows of ``llm_intents``, in place of those of the same asks."""
    if not intents:
        return
    key = codec(llm_intents).names.index("request_key")
    latest = {str(values[key]): values for values in intents}
    forget_intents(connection, run_id, latest)
    bulk.insert(connection, llm_intents, list(latest.values()))


def forget_intents(connection: Connection, run_id: str, keys: Collection[str]) -> None:
    """Drop the intents of asks that have an outcome."""
    if keys:
        mine = (llm_intents.c.run_id == run_id, llm_intents.c.request_key.in_(keys))
        connection.execute(delete(llm_intents).where(*mine))


def replace_batch(connection: Connection, run_id: str, batch: Row) -> None:
    """Keep a batch as it is now."""
    values = codec(llm_batches).encode(run_id, batch)
    mine = (llm_batches.c.run_id == run_id, llm_batches.c.batch == batch["batch"])
    connection.execute(delete(llm_batches).where(*mine))
    bulk.insert(connection, llm_batches, [values])


def read_intents(connection: Connection, run_id: str) -> list[Row]:
    """What was under way when the run was last owned, as columns of ``llm_intents``, by key."""
    query = select(llm_intents).where(llm_intents.c.run_id == run_id).order_by(llm_intents.c.request_key)
    return [dict(row) for row in connection.execute(query).mappings()]


def read_batches(connection: Connection, run_id: str) -> list[Row]:
    """The run's batches in their order, as columns of ``llm_batches``."""
    query = select(llm_batches).where(llm_batches.c.run_id == run_id).order_by(llm_batches.c.batch)
    return [dict(row) for row in connection.execute(query).mappings()]
