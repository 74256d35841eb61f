"""How much the agents of a run thought, counted where the thoughts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, func, select, union

from market_agents.storage.database import Database
from market_agents.storage.schema import perceptions, reflections


@dataclass(frozen=True, slots=True)
class Thinking:
    """One agent's thoughts.

    Attributes:
        rounds: in which it perceived or reflected.
        changes: how often a reflection put another strategy in the place of the one before, in the same environment.
    """

    rounds: int = 0
    changes: int = 0


def thinking(database: Database, run_id: str) -> dict[str, Thinking]:
    """The thoughts of each agent that had any, by its id."""

    def work(connection: Connection) -> dict[str, Thinking]:
        rounds = {str(who): int(count) for who, count in connection.execute(_rounds(run_id))}
        changes = {str(who): int(count) for who, count in connection.execute(_changes(run_id))}
        return {who: Thinking(count, changes.get(who, 0)) for who, count in rounds.items()}

    return database.query(work)


def _rounds(run_id: str) -> Select[Any]:
    thoughts = union(
        *(
            select(table.c.agent_id, table.c.round).where(table.c.run_id == run_id)
            for table in (perceptions, reflections)
        )
    ).subquery()
    return select(thoughts.c.agent_id, func.count()).group_by(thoughts.c.agent_id)


def _changes(run_id: str) -> Select[Any]:
    of = reflections.c
    strategy = cast(of.strategy_update, Text)  # PostgreSQL does not compare JSON
    before = func.lag(strategy).over(
        partition_by=(of.agent_id, of.environment), order_by=(of.round, of.sub_round)
    )
    steps = (
        select(of.agent_id, strategy.label("after"), before.label("before"))
        .where(of.run_id == run_id)
        .subquery()
    )
    return (
        select(steps.c.agent_id, func.count())
        .where(steps.c.before != steps.c.after)
        .group_by(steps.c.agent_id)
    )
