"""Short reads for those who look at a run while it is written: what changed, the latest rows, and pages of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, exists, func, select

from market_agents.storage.database import Database
from market_agents.storage.forks import rounds_finished
from market_agents.storage.leases import is_alive
from market_agents.storage.runs import Run, RunStatus, get_run
from market_agents.storage.schema import llm_requests, metadata, order_events, orders, runs, steps, trades

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Pulse:
    """What changes whenever a run goes on; all of it is read from indexes.

    Attributes:
        status: as `Run` has it.
        steps: transactions of the run so far.
        round: the latest round in which anything was asked; 0 before the first.
        asks: outcomes in that round.
        finished: rounds that are recorded whole.
    """

    status: str
    epoch: int
    steps: int
    round: int
    asks: int
    finished: int


def pulse(database: Database, run_id: str) -> Pulse:
    """Where a run stands now.

    Raises:
        RunRefused: no such run.
    """
    run = get_run(database, run_id)
    mine, place = llm_requests.c.run_id == run_id, llm_requests.c.round

    def look(connection: Connection) -> tuple[int, int, int, int]:
        written = connection.scalar(select(func.count()).select_from(steps).where(steps.c.run_id == run_id))
        latest = connection.scalar(select(func.max(place)).where(mine)) or 0
        asks = connection.scalar(select(func.count()).select_from(llm_requests).where(mine, place == latest))
        return written or 0, latest, asks or 0, rounds_finished(connection, run_id)

    return Pulse(run.status.value, run.epoch, *database.query(look))


def pulse_of_all(database: Database) -> tuple[object, ...]:
    """What changes whenever a run comes, goes, or goes on."""
    whole = select(
        func.count(), func.sum(runs.c.epoch), func.max(runs.c.started_at), func.max(runs.c.finished_at)
    )
    running = select(runs.c.run_id).where(runs.c.status == RunStatus.RUNNING).order_by(runs.c.run_id)

    def look(connection: Connection) -> tuple[Sequence[object], Sequence[str]]:
        return tuple(connection.execute(whole).one()), connection.scalars(running).all()

    counts, going = database.query(look)
    alive = [run_id for run_id in going if is_alive(database, run_id)]
    return (*counts, *((run_id, pulse(database, run_id)) for run_id in alive))


def count_runs(database: Database) -> int:
    """How many runs there are."""
    return database.query(lambda connection: connection.scalar(select(func.count()).select_from(runs))) or 0


def select_rows(
    database: Database,
    table: str,
    run: Run,
    only: Mapping[str, object] | None = None,
    *,
    order: Sequence[str] = (),
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Some rows of a run.

    Args:
        database: where the run is.
        table: the table's name.
        run: the run.
        only: values that columns must have, by column; a list allows any of its values.
        order: columns, the weightiest first, with a minus in front where the greatest comes first; default: the
            natural key.
        limit: the most rows.
        offset: rows that are left out at the start.
    """
    known = metadata.tables[table]
    conditions = [_is(known, column, value) for column, value in (only or {}).items()]
    by: list[ColumnElement[Any]] = [_by(known, name) for name in order] or list(known.primary_key.columns)
    query = (
        select(known)
        .where(known.c.run_id == run.run_id, *conditions)
        .order_by(*by)
        .limit(limit)
        .offset(offset)
    )
    return database.query(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def count_rows(database: Database, table: str, run: Run, only: Mapping[str, object] | None = None) -> int:
    """How many rows `select_rows` would find without a limit."""
    known = metadata.tables[table]
    conditions = [_is(known, column, value) for column, value in (only or {}).items()]
    query = select(func.count()).select_from(known).where(known.c.run_id == run.run_id, *conditions)
    return database.query(lambda connection: connection.scalar(query)) or 0


def _is(table: Table, column: str, value: object) -> ColumnElement[bool]:
    if isinstance(value, list):
        return table.c[column].in_(value)
    return table.c[column] == value


def _by(table: Table, name: str) -> ColumnElement[Any]:
    return table.c[name[1:]].desc() if name.startswith("-") else table.c[name]


def price_ranges(database: Database, run: Run) -> list[dict[str, Any]]:
    """Lowest and highest price and number of trades, by environment, good and round."""
    keys = (trades.c.environment, trades.c.good, trades.c.round)
    query = (
        select(
            *keys,
            func.min(trades.c.price).label("low"),
            func.max(trades.c.price).label("high"),
            func.count().label("trades"),
        )
        .where(trades.c.run_id == run.run_id)
        .group_by(*keys)
        .order_by(*keys)
    )
    return database.query(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def standing_orders(database: Database, run: Run, environment: str, number: int) -> list[dict[str, Any]]:
    """Orders of earlier rounds that were still open when a round began, with what had traded of them by then."""
    mine = (orders.c.run_id == run.run_id, orders.c.environment == environment, orders.c.round < number)
    event = order_events.c
    of_it = (
        event.run_id == orders.c.run_id,
        event.environment == orders.c.environment,
        event.order_id == orders.c.order_id,
    )
    open_still = orders.c.status.in_(["open", "partially_filled"]) | exists().where(
        *of_it, event.round >= number
    )
    before = (
        select(func.coalesce(func.max(event.filled_quantity), 0))
        .where(*of_it, event.round < number)
        .correlate(orders)
        .scalar_subquery()
    )
    query = select(orders, before.label("filled_before")).where(*mine, open_still).order_by(orders.c.order_id)
    return database.query(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def profits_by_round(database: Database, run: Run, agent_id: str) -> dict[int, Any]:
    """An agent's profit in each round in which it traded, in currency."""
    sides = ((trades.c.buyer_id, trades.c.buyer_surplus), (trades.c.seller_id, trades.c.seller_surplus))
    found: dict[int, Any] = {}
    with database.read() as connection:
        for who, surplus in sides:
            query = select(trades.c.round, surplus).where(trades.c.run_id == run.run_id, who == agent_id)
            for number, gained in connection.execute(query):
                found[number] = found.get(number, 0) + gained
    return found
