"""What a run has spent so far, as its caps count it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from market_agents.storage.database import Database
from market_agents.storage.schema import llm_requests


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


def spending(database: Database, run_id: str) -> Spending:
    """Sum up what a run itself spent: answers from a cache, and those of a fork's parents, cost nothing."""
    columns = llm_requests.c
    query = select(
        func.sum(columns.attempts),
        func.sum(columns.prompt_tokens + columns.completion_tokens).filter(columns.from_cache == 0),
        func.sum(columns.unconfirmed_tokens),
        func.sum(columns.cost),
        func.sum(columns.unconfirmed_cost),
    ).where(columns.run_id == run_id)
    calls, known, unconfirmed, cost, perhaps = database.query(
        lambda connection: connection.execute(query).one()
    )
    return Spending(
        calls=int(calls or 0),
        tokens=int(known or 0) + int(unconfirmed or 0),
        cost=Decimal(cost or 0) + Decimal(perhaps or 0),
    )
