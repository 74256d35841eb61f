"""What sessions came to, measure by measure; the names are those of the columns of ``auction_rounds``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple

from market_agents.economics.dynamics import (
    deviation_by_trade_number,
    late_share,
    price_autocorrelation,
    rank_correlation,
    slope,
)
from market_agents.economics.losses import LossAudit, audit_losses
from market_agents.economics.metrics import gini
from market_agents.experiments.estimates import Estimate, estimate_mean, jackknife
from market_agents.experiments.sessions import Session
from market_agents.laboratory import PeriodResult


class Measure(NamedTuple):
    """A measure of one period.

    Attributes:
        unit: what it is counted in; empty for shares and coefficients.
        of: computes it; None where it is not defined.
    """

    unit: str
    of: Callable[[PeriodResult], float | None]


def _loss_audit(period: PeriodResult) -> LossAudit | None:
    bought = [period.buyers.count(place) for place in range(len(period.values))]
    sold = [period.sellers.count(place) for place in range(len(period.costs))]
    return audit_losses(period.values, period.costs, bought, sold)


def _loss(part: str) -> Measure:
    """One part of the loss audit."""

    def of(period: PeriodResult) -> float | None:
        audit = _loss_audit(period)
        return None if audit is None else float(getattr(audit, part))

    return Measure("", of)


def _traded(limits: Sequence[Sequence[int]], places: Iterable[int]) -> list[int]:
    """The limit of the unit in each trade."""
    seen = dict.fromkeys(range(len(limits)), 0)
    units = []
    for place in places:
        units.append(limits[place][seen[place]])
        seen[place] += 1
    return units


def _buyers_order(period: PeriodResult) -> float | None:
    return rank_correlation(_traded(period.values, period.buyers))


def _sellers_order(period: PeriodResult) -> float | None:
    return rank_correlation([-cost for cost in _traded(period.costs, period.sellers)])


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "trades": Measure("", lambda period: period.quantity),
        "efficiency": Measure("", lambda period: period.efficiency),
        "intramarginal_loss_buyers": _loss("intramarginal_buyers"),
        "intramarginal_loss_sellers": _loss("intramarginal_sellers"),
        "extramarginal_loss_buyers": _loss("extramarginal_buyers"),
        "extramarginal_loss_sellers": _loss("extramarginal_sellers"),
        "mean_price": Measure("", lambda period: period.mean_price),
        "smith_alpha": Measure("%", lambda period: period.alpha),
        "price_autocorrelation": Measure("", lambda period: price_autocorrelation(period.prices)),
        "profit_dispersion": Measure("", lambda period: period.profit_dispersion),
        "profit_gini": Measure("", lambda period: gini(period.profits)),
        "rank_correlation_buyers": Measure("", _buyers_order),
        "rank_correlation_sellers": Measure("", _sellers_order),
        "late_trade_share": Measure("", lambda period: late_share(period.times, period.activations)),
        "mean_spread": Measure("", lambda period: period.mean_spread),
        "mean_bid_depth": Measure("", lambda period: period.mean_bid_depth),
        "mean_ask_depth": Measure("", lambda period: period.mean_ask_depth),
        "activations": Measure("", lambda period: period.activations),
    }
)
"""By name."""


def summarize_sessions(sessions: Sequence[Session], days: slice = slice(None)) -> dict[str, Estimate]:
    """Each measure's mean over sessions; sessions, not their periods, are the independent observations.

    Args:
        sessions: of one treatment.
        days: which periods of each count.
    """
    summary = {}
    for name, measure in MEASURES.items():
        observations = []
        for session in sessions:
            defined = [found for period in session[days] if (found := measure.of(period)) is not None]
            if defined:
                observations.append(fmean(defined))
        summary[name] = estimate_mean(observations)
    return summary


def deviations(sessions: Sequence[Session]) -> list[float]:
    """RMSD_k over all periods of all sessions, each price against the equilibrium of its own period."""
    return deviation_by_trade_number(
        [
            [price - period.equilibrium.price for price in period.prices]
            for session in sessions
            for period in session
            if period.equilibrium.price is not None
        ],
        0.0,
    )


def deviation_slope(sessions: Sequence[Session]) -> Estimate:
    """The slope of RMSD_k on k, in ticks a trade; NaN where fewer than two numbers are reached."""

    def of(some: Sequence[Session]) -> float:
        found = slope(deviations(some))
        return math.nan if found is None else found

    return jackknife(sessions, of)
