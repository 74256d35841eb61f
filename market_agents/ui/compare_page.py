"""Runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from market_agents.plain_text import clean
from market_agents.reporting.comparison import RunFigures, compare_runs
from market_agents.storage import RoundSummary, get_run, list_runs
from market_agents.ui.charts import Plot, line_plot, share_plot
from market_agents.ui.site import Site

MOST_COMPARED = 6
OFFERED = 100
SHOWN_DIFFERENCES = 20


def show(site: Site, request: Request) -> Response:
    """Two to six runs beside each other, or the question which.

    Raises:
        RunRefused: no such run.
    """
    asked = [clean(run_id) for run_id in request.query_params.getlist("run") if run_id]
    chosen = list(dict.fromkeys(asked))[:MOST_COMPARED]
    runs = [get_run(site.database, run_id) for run_id in chosen]
    figures: list[RunFigures] = []
    plots: list[Plot] = []
    if len(runs) > 1:
        # A comparison sums up whole runs, so it is kept as long as none of them goes on.
        version = " ".join(site.look(run.run_id).version for run in runs)
        figures, _ = site.memo.get(
            ("compared", *chosen), version, lambda: compare_runs(site.database, chosen), rests=False
        )
        plots = _plots({run.run_id: site.rounds(run) for run in runs})
    return site.page(
        "compare.html.j2",
        chosen=chosen,
        figures=figures,
        plots=plots,
        offered=[run.run_id for run in list_runs(site.database, OFFERED)],
        is_cut=len(set(asked)) > MOST_COMPARED,
        most=MOST_COMPARED,
        shown_differences=SHOWN_DIFFERENCES,
    )


def _plots(runs: dict[str, Sequence[RoundSummary]] | dict[str, list[RoundSummary]]) -> list[Plot]:
    efficiency = {
        run_id: [(entry.round, entry.efficiency) for entry in rounds if entry.efficiency is not None]
        for run_id, rounds in runs.items()
    }
    gaps = {
        run_id: [
            (entry.round, float(entry.mean_price - entry.equilibrium_price))
            for entry in rounds
            if entry.mean_price is not None and entry.equilibrium_price is not None
        ]
        for run_id, rounds in runs.items()
    }
    found = []
    if any(efficiency.values()):
        found.append(share_plot("Efficiency, share of the maximum surplus", efficiency))
    if any(gaps.values()):
        found.append(line_plot("Mean price less equilibrium price, currency per unit", gaps))
    return found
