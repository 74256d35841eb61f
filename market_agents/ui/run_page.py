"""One run, while it happens and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from market_agents.storage import (
    Database,
    RoundSummary,
    Run,
    RunStatus,
    count_rows,
    forks,
    leaderboard,
    price_ranges,
    resource_use,
    select_rows,
)
from market_agents.ui.charts import MOST_DOTS, Plot, price_plot, share_plot
from market_agents.ui.runs_page import cost_of, environments_of, mean_efficiency, models_of
from market_agents.ui.site import Site, paging

ROUNDS_ON_A_PAGE = 10
AGENTS_ON_A_PAGE = 20
SHOWN_TRADES = 8
SHOWN_MESSAGES = 8
SHOWN_TROUBLES = 8
MOST_PLOTS = 4


def show(site: Site, request: Request) -> Response:
    """The page of a run."""
    run = site.run(request)
    version = site.look(run.run_id).version
    rounds = site.rounds(run)
    standings, is_fresh = site.of_run("standings", run, lambda: leaderboard(site.database, run.run_id))
    plots, are_fresh = site.of_run("plots", run, lambda: _plots(site.database, run))
    listed = paging(request, "rounds", ROUNDS_ON_A_PAGE, len(rounds))
    people = paging(request, "agents", AGENTS_ON_A_PAGE, len(standings))
    latest = list(reversed(rounds))
    return site.page(
        "run.html.j2",
        run=run,
        version=version,
        is_pending=not (is_fresh and are_fresh),
        facts=_facts(site, run),
        counts=_counts(run, rounds),
        plots=plots,
        rounds=latest[listed.offset : listed.offset + listed.size],
        round_paging=listed,
        standings=list(enumerate(standings))[people.offset : people.offset + people.size],
        agent_paging=people,
        trades=select_rows(
            site.database, "trades", run, order=("-round", "-sub_round", "-trade_id"), limit=SHOWN_TRADES
        ),
        messages=latest_messages(site.database, run, rounds),
        troubles=_troubles(site.database, run),
        resume=site.how_to_resume(run),
    )


def _facts(site: Site, run: Run) -> Mapping[str, object]:
    use = resource_use(site.database, run.run_id)
    return {
        "environments": environments_of(run),
        "models": models_of(run),
        "agents": run.config.get("num_agents"),
        "ended": run.finished_at or datetime.now(UTC),
        "forks": forks(site.database, run.run_id),
        "use": use,
    }


def _counts(run: Run, rounds: Sequence[RoundSummary]) -> Mapping[str, Any]:
    budget: Any = run.config.get("budget") or {}
    efficiencies = [entry.efficiency for entry in rounds if entry.efficiency is not None]
    return {
        "round": rounds[-1].round if rounds else 0,
        "rounds": run.config.get("max_rounds", 0),
        "is_done": run.status is RunStatus.COMPLETED,
        "asks": sum(entry.asks for entry in rounds),
        "unanswered": sum(entry.unanswered for entry in rounds),
        "calls": sum(entry.calls for entry in rounds),
        "tokens": sum(entry.tokens for entry in rounds),
        "cost": cost_of(rounds),
        "max_cost": budget.get("max_cost"),
        "max_calls": budget.get("max_calls"),
        "max_tokens": budget.get("max_tokens"),
        "trades": sum(entry.trades for entry in rounds),
        "messages": sum(entry.messages for entry in rounds),
        "efficiency": mean_efficiency(rounds),
        "last_efficiency": efficiencies[-1] if efficiencies else None,
        "has_market": any(entry.has_market for entry in rounds),
    }


def _plots(database: Database, run: Run) -> list[Plot]:
    """Prices of each market, and efficiency."""
    rows = select_rows(database, "auction_rounds", run)
    ranges = price_ranges(database, run)
    few = sum(entry["trades"] for entry in ranges) <= MOST_DOTS
    deals = select_rows(database, "trades", run) if few else []
    markets = dict.fromkeys((row["environment"], row["good"]) for row in [*rows, *ranges])
    found = [
        price_plot(
            market[1] if len({name for name, _ in markets}) == 1 else f"{market[1]} in {market[0]}",
            [row for row in rows if _market(row) == market],
            [row for row in ranges if _market(row) == market],
            [row for row in deals if _market(row) == market],
        )
        for market in list(markets)[:MOST_PLOTS]
    ]
    series = {
        (good if len(markets) > 1 else "this run"): [
            (row["round"], row["efficiency"])
            for row in rows
            if _market(row) == (environment, good) and row["efficiency"] is not None
        ]
        for environment, good in list(markets)[:MOST_PLOTS]
    }
    if any(series.values()):
        found.append(share_plot("Efficiency, share of the maximum surplus", series))
    return found


def _market(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["environment"], row["good"]


def latest_messages(database: Database, run: Run, rounds: Sequence[RoundSummary]) -> list[dict[str, Any]]:
    """The last messages, the latest first; only the last round with any is looked at."""
    spoken = [entry.round for entry in rounds if entry.messages]
    if not spoken:
        return []
    return select_rows(
        database,
        "messages",
        run,
        {"environment": environments_of(run), "round": spoken[-1]},
        order=("-sub_round", "-message_id"),
        limit=SHOWN_MESSAGES,
    )


def _troubles(database: Database, run: Run) -> tuple[list[dict[str, Any]], int]:
    only = {"level": ["warning", "error", "critical"]}
    found = select_rows(database, "run_events", run, only, order=("-seq",), limit=SHOWN_TROUBLES)
    return found, count_rows(database, "run_events", run, only)
