"""Trading strategies from the literature, by the names used in the configuration."""

from __future__ import annotations

from collections.abc import Callable

from market_agents.agents.strategies.strategy import Strategy
from market_agents.agents.strategies.zero_intelligence import ConstrainedZeroIntelligence

STRATEGIES: dict[str, Callable[[float | None], Strategy]] = {
    "zi_c": ConstrainedZeroIntelligence,
}
"""Each takes ``max_relative_spread`` and gives a new trader's rule."""

__all__ = ["STRATEGIES", "ConstrainedZeroIntelligence", "Strategy"]
