"""Experiments on laboratory markets: treatments, sessions over processes, estimates, and the reference results."""

from market_agents.economics.reference_markets import MARKETS
from market_agents.experiments.estimates import Estimate, estimate_mean, jackknife
from market_agents.experiments.reference import EXPERIMENTS, Bench, Finding, verify
from market_agents.experiments.sessions import Session, Treatment, run_sessions, workers
from market_agents.experiments.summary import (
    MEASURES,
    Measure,
    deviation_slope,
    deviations,
    summarize_sessions,
)

__all__ = [
    "EXPERIMENTS",
    "MARKETS",
    "MEASURES",
    "Bench",
    "Estimate",
    "Finding",
    "Measure",
    "Session",
    "Treatment",
    "deviation_slope",
    "deviations",
    "estimate_mean",
    "jackknife",
    "run_sessions",
    "summarize_sessions",
    "verify",
    "workers",
]
