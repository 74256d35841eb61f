"""Where a fork comes from, and what the asks of a run amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, func, select

from market_agents.storage.database import Database
from market_agents.storage.runs import Run, get_run
from market_agents.storage.schema import llm_requests


@dataclass(frozen=True)
class Ancestor:
    """A run that a fork has rounds in common with.

    Attributes:
        run: the parent, grandparent, …
        before_round: only rounds before this one are common.
    """

    run: Run
    before_round: int


def lineage(database: Database, run_id: str) -> tuple[Ancestor, ...]:
    """The ancestors of a run, nearest first, each with the rounds that the run has in common with it.

    Raises:
        RunRefused: no such run.
    """
    found: list[Ancestor] = []
    run = get_run(database, run_id)
    while run.parent_run_id is not None and run.fork_round is not None:
        limit = min(run.fork_round, found[-1].before_round) if found else run.fork_round
        run = get_run(database, run.parent_run_id)
        found.append(Ancestor(run, limit))
    return tuple(found)


@dataclass(frozen=True)
class Asks:
    """What a number of asks amounts to.

    Attributes:
        asks: outcomes in the journal.
        attempts: HTTP requests behind them.
        cost: US dollars, None where the price of any of them is unknown.
    """

    asks: int = 0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal | None = Decimal(0)

    def __add__(self, other: Asks) -> Asks:
        return Asks(
            self.asks + other.asks,
            self.attempts + other.attempts,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            None if self.cost is None or other.cost is None else self.cost + other.cost,
        )


@dataclass(frozen=True)
class Totals:
    """The asks of a run, as a whole and by round."""

    whole: Asks
    by_round: dict[int, Asks]


def totals(database: Database, run_id: str) -> Totals:
    """Sum up the journal of a run; all zero where it holds nothing."""
    by_round = {int(str(number)): asks for (number,), asks in asks_by(database, run_id, ("round",)).items()}
    return Totals(sum(by_round.values(), Asks()), dict(sorted(by_round.items())))


def asks_by(database: Database, run_id: str, columns: Sequence[str]) -> dict[tuple[object, ...], Asks]:
    """The asks of a run that share their values in some columns, by those values.

    The table is the widest of all: ``round``, ``client``, ``status`` and ``attempts`` are read from an index in the
    order of rounds, whatever else takes its time.
    """
    of = llm_requests.c
    by = [of.round, *(of[name] for name in columns if name != "round")]
    query = (
        select(
            *by,
            func.count().label("asks"),
            func.sum(of.attempts).label("sent"),
            func.sum(of.prompt_tokens).label("prompt_tokens"),
            func.sum(of.completion_tokens).label("completion_tokens"),
            func.sum(of.cached_tokens).label("cached_tokens"),
            func.sum(of.cost).label("cost"),
            func.count(of.cost).label("priced"),
        )
        .where(of.run_id == run_id)
        .group_by(*by)
    )

    def work(connection: Connection) -> dict[tuple[object, ...], Asks]:
        found: dict[tuple[object, ...], Asks] = {}
        for row in connection.execute(query).mappings():
            values = tuple(row[name] for name in columns)
            found[values] = found.get(values, Asks()) + _asks(row)
        return found

    return database.query(work)


def _asks(row: RowMapping) -> Asks:
    return Asks(
        asks=int(row["asks"]),
        attempts=int(row["sent"]),
        prompt_tokens=int(row["prompt_tokens"]),
        completion_tokens=int(row["completion_tokens"]),
        cached_tokens=int(row["cached_tokens"]),
        cost=row["cost"] if row["priced"] == row["asks"] else None,
    )
