"""Runs side by side: what each came to, and in which keys their configurations differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, SupportsFloat

from market_agents.config import config_difference
from market_agents.storage import Database, RoundSummary, fetch, get_run, round_summaries, totals


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run came to; means are over rounds that have the number, None where none has.

    Attributes:
        rounds: rounds that left anything behind.
        mean_price: of the rounds' mean prices, in currency.
        price_gap: of mean price less equilibrium price, in currency.
        efficiency: share of maximum surplus.
        smith_alpha: percent of the equilibrium price.
        cost: US dollars; None where a price is unknown.
        differences: decisive keys whose values differ from the first run's, ``key: first -> this``.
    """

    run_id: str
    status: str
    seed: int
    rounds: int
    trades: int
    mean_price: float | None
    price_gap: float | None
    efficiency: float | None
    smith_alpha: float | None
    messages: int
    asks: int
    calls: int
    cost: float | None
    differences: tuple[str, ...] = ()


def compare_runs(database: Database, run_ids: Sequence[str]) -> list[RunFigures]:
    """The runs in the order given, finished or not.

    Raises:
        RunRefused: no such run.
    """
    first = get_run(database, run_ids[0])
    return [_figures(database, run_id, first.config) for run_id in run_ids]


def _figures(database: Database, run_id: str, first: Mapping[str, object]) -> RunFigures:
    run = get_run(database, run_id)
    rounds = round_summaries(database, run_id)
    whole = totals(database, run_id).whole
    alphas: list[Any] = [row["smith_alpha"] for row in fetch(database, "auction_rounds", run_id)]
    return RunFigures(
        run_id=run_id,
        status=run.status.value,
        seed=run.seed,
        rounds=len(rounds),
        trades=sum(entry.trades for entry in rounds),
        mean_price=_mean(entry.mean_price for entry in rounds),
        price_gap=_mean(map(_gap, rounds)),
        efficiency=_mean(entry.efficiency for entry in rounds),
        smith_alpha=_mean(alphas),
        messages=sum(entry.messages for entry in rounds),
        asks=whole.asks,
        calls=whole.attempts,
        cost=None if whole.cost is None else float(whole.cost),
        differences=tuple(config_difference(first, run.config)),
    )


def _gap(entry: RoundSummary) -> float | None:
    if entry.mean_price is None or entry.equilibrium_price is None:
        return None
    return float(entry.mean_price - entry.equilibrium_price)


def _mean(values: Iterable[SupportsFloat | None]) -> float | None:
    found = [float(value) for value in values if value is not None]
    return fmean(found) if found else None
