"""Trading strategies from the literature, by the names used in the configuration and in the laboratory."""

from __future__ import annotations

from collections.abc import Callable

from market_agents.agents.strategies.fixed import FixedQuote, LinearDoubleAuction, Shaver, Truthful
from market_agents.agents.strategies.kaplan import Kaplan
from market_agents.agents.strategies.populations import POPULATION_NAMES, make_population
from market_agents.agents.strategies.strategy import Ear, MarketView, QuotingStrategy, Shout, Strategy
from market_agents.agents.strategies.zero_intelligence import (
    ConstrainedZeroIntelligence,
    UnconstrainedZeroIntelligence,
)


def _zip(_: float | None) -> Strategy:
    # numpy takes longer to import than most programs that never use it want to wait; so below.
    from market_agents.agents.strategies.zip import ZIP

    return ZIP()


def _gd(_: float | None) -> Strategy:
    from market_agents.agents.strategies.gd import GD

    return GD()


STRATEGIES: dict[str, Callable[[float | None], Strategy]] = {
    "zi_c": ConstrainedZeroIntelligence,
    "zi_u": lambda _: UnconstrainedZeroIntelligence(),
    "truthful": lambda _: Truthful(),
    "giveaway": lambda _: Truthful(),
    "shaver": lambda _: Shaver(),
    "linear": lambda _: LinearDoubleAuction(),
    "fixed": lambda spread: FixedQuote(margin=spread or 0.0),
    "kaplan": lambda _: Kaplan(),
    "zip": _zip,
    "gd": _gd,
}
"""Each takes ``max_relative_spread`` and gives a new trader's rule."""

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
    "make_population",
]
