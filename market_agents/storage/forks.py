"""What a fork takes over from its parent: the outcomes of the rounds that they have in common, already paid for."""

from __future__ import annotations

import re

from sqlalchemy import Connection, func, insert, literal, select
from sqlalchemy.sql.elements import ColumnElement

from market_agents.storage.schema import llm_requests, runs, steps

_ROUND_END = re.compile(r"r(\d{1,9})/end")
_SPENT = {
    "attempts",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "cost",
    "unconfirmed_attempts",
    "unconfirmed_tokens",
    "unconfirmed_cost",
}


def take_over_outcomes(connection: Connection, parent_run_id: str, run_id: str, before_round: int) -> None:
    """Copy the parent's journal of all rounds before ``before_round``, inside the transaction that enters the fork.

    The copies name the run that asked, and cost nothing: sums over a run tell what that run spent.
    """
    source = llm_requests.c.source_run_id
    changed: dict[str, ColumnElement[object]] = {
        "run_id": literal(run_id),
        "source_run_id": func.coalesce(source, llm_requests.c.run_id),
        **{name: literal(0) for name in _SPENT},
    }
    names = [column.name for column in llm_requests.columns]
    taken = select(*(changed.get(name, llm_requests.c[name]).label(name) for name in names)).where(
        llm_requests.c.run_id == parent_run_id, llm_requests.c.round < before_round
    )
    connection.execute(insert(llm_requests).from_select(names, taken))


def rounds_finished(connection: Connection, run_id: str) -> int:
    """How many rounds of a run are recorded whole."""
    query = select(steps.c.step_key).where(steps.c.run_id == run_id, steps.c.step_key.like("r%/end"))
    ends = [_ROUND_END.fullmatch(key) for key in connection.scalars(query)]
    return max((int(end.group(1)) for end in ends if end), default=0)


def forks_of(connection: Connection, run_id: str) -> tuple[str, ...]:
    """The runs that were forked from a run, by id."""
    query = select(runs.c.run_id).where(runs.c.parent_run_id == run_id).order_by(runs.c.run_id)
    return tuple(connection.scalars(query))
