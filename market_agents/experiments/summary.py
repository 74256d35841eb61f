"""What sessions came to, measure by measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType

from market_agents.economics.dynamics import late_share, price_autocorrelation, rank_correlation
from market_agents.economics.losses import LossAudit, audit_losses
from market_agents.economics.metrics import gini
from market_agents.experiments.estimates import Estimate, estimate_mean
from market_agents.experiments.sessions import Session
from market_agents.laboratory import PeriodResult

Measure = Callable[[PeriodResult], float | None]


def _loss_audit(period: PeriodResult) -> LossAudit | None:
    bought = [period.buyers.count(place) for place in range(len(period.values))]
    sold = [period.sellers.count(place) for place in range(len(period.costs))]
    return audit_losses(period.values, period.costs, bought, sold)


def _intramarginal(period: PeriodResult) -> float | None:
    audit = _loss_audit(period)
    return None if audit is None else audit.intramarginal_buyers + audit.intramarginal_sellers


def _extramarginal(period: PeriodResult) -> float | None:
    audit = _loss_audit(period)
    return None if audit is None else audit.extramarginal_buyers + audit.extramarginal_sellers


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
        "efficiency": lambda period: period.efficiency,
        "lost: intramarginal units not traded": _intramarginal,
        "lost: extramarginal units traded": _extramarginal,
        "trades": lambda period: period.quantity,
        "mean price": lambda period: period.mean_price,
        "Smith's alpha, %": lambda period: period.alpha,
        "profit dispersion": lambda period: period.profit_dispersion,
        "Gini of profits": lambda period: gini(period.profits),
        "autocorrelation of price changes": lambda period: price_autocorrelation(period.prices),
        "rank correlation, buyers": _buyers_order,
        "rank correlation, sellers": _sellers_order,
        "share of late trades": lambda period: late_share(period.times, period.activations),
        "activations": lambda period: period.activations,
    }
)
"""By name; each of one period, None where it is not defined."""


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
            defined = [found for period in session[days] if (found := measure(period)) is not None]
            if defined:
                observations.append(fmean(defined))
        summary[name] = estimate_mean(observations)
    return summary
