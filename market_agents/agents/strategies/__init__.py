"""Trading strategies from the literature, by the names used in the configuration and in the laboratory."""

from __future__ import annotations

from market_agents.agents.strategies.fixed import FixedQuote, LinearDoubleAuction, Shaver, Truthful
from market_agents.agents.strategies.kaplan import Kaplan
from market_agents.agents.strategies.naming import STRATEGIES, make_crowd, make_strategy
from market_agents.agents.strategies.populations import POPULATION_NAMES, make_population
from market_agents.agents.strategies.strategy import Ear, MarketView, QuotingStrategy, Shout, Strategy
from market_agents.agents.strategies.zero_intelligence import (
    ConstrainedZeroIntelligence,
    UnconstrainedZeroIntelligence,
)

__all__ = [
    "POPULATION_NAMES",
    "STRATEGIES",
    "ConstrainedZeroIntelligence",
    "Ear",
    "FixedQuote",
    "Kaplan",
    "LinearDoubleAuction",
    "MarketView",
    "QuotingStrategy",
    "Shaver",
    "Shout",
    "Strategy",
    "Truthful",
    "UnconstrainedZeroIntelligence",
    "make_crowd",
    "make_population",
    "make_strategy",
]
