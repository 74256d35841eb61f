"""The list of runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from market_agents.storage import RoundSummary, Run, count_runs, list_runs
from market_agents.ui.site import Site, paging

RUNS_ON_A_PAGE = 25
PATIENCE_SECONDS = 0.3
"""What a page may take to count what is not known yet; the rest is shown as pending, and asked for again."""


@dataclass(frozen=True)
class Entry:
    """A run in the list.

    Attributes:
        rounds: what is known of its rounds; None where it is still to be counted.
    """

    run: Run
    rounds: Sequence[RoundSummary] | None

    @property
    def environments(self) -> str:
        """Their names, in order."""
        return ", ".join(map(str, environments_of(self.run)))

    @property
    def models(self) -> str:
        """Which models may decide."""
        return models_of(self.run)

    @property
    def last(self) -> int:
        """The round that it has come to."""
        return max((entry.round for entry in self.rounds or ()), default=0)

    @property
    def cost(self) -> Decimal | None:
        """US dollars; None where a price is unknown."""
        return cost_of(self.rounds or ())

    @property
    def efficiency(self) -> float | None:
        """Mean over the rounds that have one."""
        return mean_efficiency(self.rounds or ())


def show(site: Site, request: Request) -> Response:
    """The latest runs, page by page."""
    version = site.look("").version
    found = paging(request, "page", RUNS_ON_A_PAGE, count_runs(site.database))
    entries = []
    started = time.monotonic()
    for run in list_runs(site.database, found.size, found.offset):
        is_late = time.monotonic() - started > PATIENCE_SECONDS
        rounds = site.known_rounds(run) if is_late else site.rounds(run)
        entries.append(Entry(run, rounds))
    return site.page(
        "runs.html.j2",
        entries=entries,
        paging=found,
        version=version,
        is_pending=any(entry.rounds is None for entry in entries),
    )


def environments_of(run: Run) -> list[str]:
    """The environments of a run, in order."""
    order: Any = run.config.get("environment_order", [])
    return [str(name) for name in order]


def models_of(run: Run) -> str:
    """The models of a run, or the strategy where no model decides."""
    agents: Any = run.config.get("agent_config", {})
    if not agents.get("use_llm", True):
        return str(agents.get("strategy", ""))
    entries: Any = run.config.get("llm_configs", [])
    return ", ".join(dict.fromkeys(str(entry.get("model")) for entry in entries))


def cost_of(rounds: Sequence[RoundSummary]) -> Decimal | None:
    """What rounds cost in US dollars; None where a price is unknown."""
    costs = [entry.cost for entry in rounds]
    return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def mean_efficiency(rounds: Sequence[RoundSummary]) -> float | None:
    """Mean efficiency over the rounds that have one."""
    found = [entry.efficiency for entry in rounds if entry.efficiency is not None]
    return sum(found) / len(found) if found else None
