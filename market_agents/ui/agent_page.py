"""An agent: who it is, what it has, and each of its decisions from prompt to profit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from market_agents.errors import RunRefused, UserError
from market_agents.plain_text import clean
from market_agents.reporting import Trail, trail
from market_agents.storage import Run, profits_by_round, select_rows
from market_agents.ui.site import Site, number

SHOWN_MEMORIES = 12


def show(site: Site, request: Request) -> Response:
    """The page of an agent in one round.

    Raises:
        RunRefused: no such run, or no such agent in it.
    """
    run = site.run(request)
    agent_id = clean(request.path_params["agent_id"])
    version = site.look(run.run_id).version
    found = select_rows(site.database, "agents", run, {"agent_id": agent_id})
    if not found:
        raise RunRefused(f"run {run.run_id} has no agent {agent_id[:80]!r}; its page lists them")
    agent = found[0]
    last = max((entry.round for entry in site.rounds(run)), default=1)
    chosen = number(request, "round", last, 1, last)
    profits = profits_by_round(site.database, run, agent_id)
    mine = {"agent_id": agent_id, "round": chosen}
    return site.page(
        "agent.html.j2",
        run=run,
        version=version,
        is_pending=False,
        agent=agent,
        beside=_beside(site, run, int(agent["agent_index"])),
        round=chosen,
        last=last,
        profits=profits,
        profit=sum(profits.values(), Decimal(0)),
        trail=_trail(site, run, agent_id, chosen),
        holdings=select_rows(site.database, "allocations", run, mine),
        observations=_observations(site, run, mine),
        memories=select_rows(site.database, "agent_memories", run, mine, limit=SHOWN_MEMORIES),
    )


def _beside(site: Site, run: Run, place: int) -> tuple[str | None, str | None]:
    """The agents before and after."""
    near = {
        row["agent_index"]: str(row["agent_id"])
        for row in select_rows(site.database, "agents", run, {"agent_index": [place - 1, place + 1]})
    }
    return near.get(place - 1), near.get(place + 1)


def _trail(site: Site, run: Run, agent_id: str, chosen: int) -> Trail | None:
    try:
        return trail(site.database, run.run_id, agent_id, chosen)
    except UserError:
        return None  # nothing of it is stored in that round, which the page says


def _observations(site: Site, run: Run, mine: Mapping[str, object]) -> Mapping[tuple[str, int], object]:
    """What came back to it, by environment and sub-round."""
    rows: Sequence[Mapping[str, Any]] = select_rows(site.database, "observations", run, mine)
    return {(str(row["environment"]), int(row["sub_round"])): row["content"] for row in rows}
