"""What zero-intelligence traders reach in a market of given values and costs: the yardstick of reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from statistics import fmean
from typing import Any

from market_agents.laboratory import simulate_market
from market_agents.reporting.report import Baseline, Regime

MOST_UNITS = 1_500
"""Units simulated in all: many sessions of a small market, few of a large one."""

MOST_SESSIONS = 50


def baselines_of(config: Mapping[str, Any]) -> Callable[[Regime], Baseline | None]:
    """What zero intelligence reaches in each stretch of rounds of a run.

    Args:
        config: the run's, as it is stored.
    """
    tick = Decimal(str(config.get("tick_size", 0.01)))
    return lambda regime: _of_regime(regime.values, regime.costs, tick)


@lru_cache(maxsize=64)
def _of_regime(
    values: tuple[tuple[Decimal, ...], ...], costs: tuple[tuple[Decimal, ...], ...], tick: Decimal
) -> Baseline | None:
    """A page that shows a run again and again simulates its markets once."""
    return zero_intelligence_baseline(values, costs, tick)


def zero_intelligence_baseline(
    values: Sequence[Sequence[Decimal]], costs: Sequence[Sequence[Decimal]], tick: Decimal
) -> Baseline | None:
    """Mean efficiency and alpha of ZI-C in a continuous double auction, over sessions of one period.

    Args:
        values: of each buyer's units, in currency.
        costs: of each seller's units, in currency.
        tick: currency of one tick.

    Returns:
        None where one side of the market is empty.
    """
    if not any(values) or not any(costs):
        return None
    ticks = [[[int(unit / tick) for unit in units] for units in side] for side in (values, costs)]
    units = sum(len(trader) for side in ticks for trader in side)
    sessions = min(max(MOST_UNITS // units, 1), MOST_SESSIONS)
    highest = max(unit for side in ticks for trader in side for unit in trader)
    periods = [
        simulate_market(
            *ticks,
            trader="zi_c",
            institution="lob",
            periods=1,
            seed=seed,
            max_price=max(2 * highest, 1),
            activations=30 * units,
        )[0]
        for seed in range(1, sessions + 1)
    ]
    efficiencies = [period.efficiency for period in periods if period.efficiency is not None]
    alphas = [period.alpha for period in periods if period.alpha is not None]
    return Baseline(
        efficiency=fmean(efficiencies) if efficiencies else None,
        alpha=fmean(alphas) if alphas else None,
        sessions=sessions,
    )
