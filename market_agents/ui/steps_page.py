"""A round step by step: the order book and the talk as they stood after any single happening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from market_agents.storage import Database, Run, select_rows, standing_orders
from market_agents.ui.charts import Plot, round_plot
from market_agents.ui.runs_page import environments_of
from market_agents.ui.site import Site, number
from market_agents.ui.timeline import CONTINUOUS, Book, Happening, RoundRows, book_after, happenings

SHOWN_MESSAGES = 12
SHOWN_LEVELS = 10
SHOWN_TRADES = 10


def show(site: Site, request: Request) -> Response:
    """The page of a round at one step of it."""
    run = site.run(request)
    version = site.look(run.run_id).version
    rounds = site.rounds(run)
    last = max((entry.round for entry in rounds), default=1)
    chosen = number(request, "round", last, 1, last)
    environment = _chosen(request.query_params.get("environment", ""), environments_of(run))
    parts, _ = site.of_run(
        f"round {chosen} {environment}", run, lambda: read_round(site.database, run, chosen, environment)
    )
    cohorts = _cohorts(parts)
    cohort = _chosen(request.query_params.get("cohort", ""), cohorts)
    steps = [step for step in happenings(parts) if not cohort or step.row.get("cohort_id") in {None, cohort}]
    at = number(request, "at", len(steps), 0, len(steps))
    so_far = steps[:at]
    market = next((part for part in parts if part.orders or part.standing), None)
    return site.page(
        "steps.html.j2",
        run=run,
        version=version,
        is_pending=False,
        round=chosen,
        last=last,
        environment=environment,
        environments=environments_of(run),
        cohort=cohort,
        cohorts=cohorts,
        steps=steps,
        at=at,
        now=so_far[-1] if so_far else None,
        topics=_topics(so_far, cohort),
        messages=[step for step in so_far if step.what == "message"][-SHOWN_MESSAGES:],
        talks=any(part.messages or part.topics for part in parts),
        said=sum(step.what == "message" for step in so_far),
        trades=[step.row for step in so_far if step.what == "trade"][: -SHOWN_TRADES - 1 : -1],
        traded=sum(step.what == "trade" for step in so_far),
        book=_book(market, so_far),
        levels=SHOWN_LEVELS,
        plot=_plot(site.database, run, chosen, steps, so_far),
    )


def _chosen(given: str, known: Sequence[str]) -> str:
    return given if given in known else ""


def read_round(database: Database, run: Run, chosen: int, environment: str) -> list[RoundRows]:
    """The rows of a round, of one environment or of all in order."""
    names = [environment] if environment else environments_of(run)
    return [_part(database, run, chosen, name) for name in names]


def _part(database: Database, run: Run, chosen: int, name: str) -> RoundRows:
    mine = {"environment": name, "round": chosen}
    orders = select_rows(database, "orders", run, mine)
    trades = select_rows(database, "trades", run, mine)
    return RoundRows(
        environment=name,
        is_continuous=_setting(run, name, "institution") in CONTINUOUS,
        topics=select_rows(database, "topics", run, mine),
        messages=select_rows(database, "messages", run, mine),
        orders=orders,
        order_events=select_rows(database, "order_events", run, mine) if orders or trades else [],
        trades=trades,
        standing=_standing(database, run, chosen, name),
    )


def _setting(run: Run, environment: str, key: str) -> object:
    configs: Any = run.config.get("environment_configs", {})
    return (configs.get(environment) or {}).get(key)


def _cohorts(parts: Sequence[RoundRows]) -> list[str]:
    found = {str(row["cohort_id"]) for part in parts for row in [*part.topics, *part.messages]}
    return sorted(found, key=lambda name: (len(name), name))


def _topics(steps: Sequence[Happening], cohort: str) -> list[Mapping[str, Any]]:
    """Topics set so far; of one cohort, or where there are few."""
    found = [step.row for step in steps if step.what == "topic"]
    return found if cohort or len(found) <= 3 else []


def _standing(database: Database, run: Run, chosen: int, environment: str) -> list[dict[str, Any]]:
    """Orders that the rounds before left open, where orders outlive their round."""
    if _setting(run, environment, "order_lifetime") in {None, "round"}:
        return []
    return standing_orders(database, run, environment, chosen)


def _book(market: RoundRows | None, steps: Sequence[Happening]) -> Book | None:
    if market is None:
        return None
    return book_after([step for step in steps if step.environment == market.environment], market.standing)


def _plot(
    database: Database, run: Run, chosen: int, steps: Sequence[Happening], so_far: Sequence[Happening]
) -> Plot | None:
    all_deals = [step.row for step in steps if step.what == "trade"]
    if not all_deals:
        return None
    environment = all_deals[0]["environment"]
    rows = select_rows(database, "auction_rounds", run, {"environment": environment, "round": chosen})
    band = None
    if len(rows) == 1 and rows[0]["equilibrium_price_low"] is not None:
        low, high = rows[0]["equilibrium_price_low"], rows[0]["equilibrium_price_high"]
        band = (float(low), float(low if high is None else high))
    return round_plot(all_deals, band, sum(step.what == "trade" for step in so_far))
