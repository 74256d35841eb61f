"""What a run has spent so far, as its caps count it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, Select, func, select

from market_agents.storage.database import Database
from market_agents.storage.schema import llm_intents, llm_requests


@dataclass(frozen=True)
class Spending:
    """What the asks of a run came to, attempts that nobody heard of counted at their worst.

    Attributes:
        calls: HTTP requests.
        tokens: in and out.
        cost: US dollars, as far as prices are known.
    """

    calls: int
    tokens: int
    cost: Decimal


@dataclass(frozen=True)
class Unconfirmed:
    """What a run may have paid without hearing of an answer: time ran out, a line broke, its process was killed.

    Attributes:
        keys: the asks behind it, as in ``llm_requests``, in order.
        attempts: HTTP requests.
        tokens: that they may have taken at most.
        cost: US dollars that they may have cost at most.
    """

    keys: Sequence[str] = ()
    attempts: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)


def spending(database: Database, run_id: str) -> Spending:
    """Sum up what a run itself spent, but for what waits in batches.

    Answers from a cache, and those of a fork's parents, cost nothing. What was in flight when a process ended counts
    at its worst; asks in a batch will be answered, and count then.
    """
    asks, intents = llm_requests.c, llm_intents.c
    answered = select(
        func.sum(asks.attempts),
        func.sum(asks.prompt_tokens + asks.completion_tokens).filter(asks.from_cache == 0),
        func.sum(asks.unconfirmed_tokens),
        func.sum(asks.cost),
        func.sum(asks.unconfirmed_cost),
    ).where(asks.run_id == run_id)
    alone = intents.batch.is_(None)
    open_yet = select(
        func.sum(intents.attempts),
        func.sum(intents.unconfirmed_tokens),
        func.sum(intents.unconfirmed_cost),
        func.sum(intents.reserved_calls).filter(alone),
        func.sum(intents.reserved_tokens).filter(alone),
        func.sum(intents.reserved_cost).filter(alone),
    ).where(intents.run_id == run_id)

    def work(connection: Connection) -> Spending:
        calls, known, perhaps_tokens, cost, perhaps = connection.execute(answered).one()
        attempts, tokens, dollars, sent, sent_tokens, sent_dollars = connection.execute(open_yet).one()
        return Spending(
            calls=_count(calls, attempts, sent),
            tokens=_count(known, perhaps_tokens, tokens, sent_tokens),
            cost=_dollars(cost, perhaps, dollars, sent_dollars),
        )

    return database.query(work)


def unconfirmed(database: Database, run_id: str) -> Unconfirmed:
    """Sum up what a run may have paid without an answer; asks that still wait in a batch are none of it."""
    asks, intents = llm_requests.c, llm_intents.c
    answered = (
        select(asks.request_key, asks.unconfirmed_attempts, asks.unconfirmed_tokens, asks.unconfirmed_cost)
        .where(asks.run_id == run_id, asks.unconfirmed_attempts > 0)
        .order_by(asks.created_at, asks.request_key)
    )
    open_yet = (
        select(
            intents.request_key,
            (intents.unconfirmed_attempts + intents.reserved_calls).label("unconfirmed_attempts"),
            (intents.unconfirmed_tokens + intents.reserved_tokens).label("unconfirmed_tokens"),
            (intents.unconfirmed_cost + intents.reserved_cost).label("unconfirmed_cost"),
        )
        .where(
            intents.run_id == run_id,
            intents.batch.is_(None),
            intents.unconfirmed_attempts + intents.reserved_calls > 0,
        )
        .order_by(intents.request_key)
    )

    def work(connection: Connection) -> Unconfirmed:
        rows = [*_rows(connection, answered), *_rows(connection, open_yet)]
        return Unconfirmed(
            keys=tuple(str(row["request_key"]) for row in rows),
            attempts=_count(*(row["unconfirmed_attempts"] for row in rows)),
            tokens=_count(*(row["unconfirmed_tokens"] for row in rows)),
            cost=_dollars(*(row["unconfirmed_cost"] for row in rows)),
        )

    return database.query(work)


def _rows(connection: Connection, query: Select[tuple[str, int, int, Decimal]]) -> Sequence[RowMapping]:
    return connection.execute(query).mappings().all()


def _count(*amounts: int | None) -> int:
    return sum(int(amount or 0) for amount in amounts)


def _dollars(*amounts: Decimal | None) -> Decimal:
    return sum((Decimal(amount or 0) for amount in amounts), Decimal(0))
