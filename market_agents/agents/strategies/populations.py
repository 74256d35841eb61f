"""Whole populations of a strategy, whose members may share what they hear."""

from __future__ import annotations

from collections.abc import Callable

from market_agents.agents.strategies.fixed import FixedQuote, LinearDoubleAuction, Shaver, Truthful
from market_agents.agents.strategies.kaplan import kaplan_population
from market_agents.agents.strategies.naming import FIXED, make_crowd
from market_agents.agents.strategies.strategy import QuotingStrategy
from market_agents.agents.strategies.zero_intelligence import (
    ConstrainedZeroIntelligence,
    UnconstrainedZeroIntelligence,
)

_LONERS: dict[str, Callable[[], QuotingStrategy]] = {
    "zi_c": ConstrainedZeroIntelligence,
    "zi_u": UnconstrainedZeroIntelligence,
    "truthful": Truthful,
    "giveaway": Truthful,
    "shaver": Shaver,
    "linear": LinearDoubleAuction,
}

POPULATION_NAMES = (*sorted([*_LONERS, "fixed:PRICE", "gd", "kaplan", "zip"]), "module:Class")
"""What `make_population` knows."""


def make_population(name: str, size: int, seed: int) -> list[QuotingStrategy]:
    """Traders of one kind.

    Args:
        name: one of `POPULATION_NAMES`; ``fixed:200`` always quotes 200, and ``module:Class`` is a class of a user's
            own, derived from `QuotingStrategy` and made without arguments.
        size: how many.
        seed: where chance in what they learn comes from; draws of single quotes come from each trader's stream.

    Raises:
        ValueError: an unknown name.
        UserError: the class cannot be used.
    """
    if name in _LONERS:
        return [_LONERS[name]() for _ in range(size)]
    price = name.removeprefix(FIXED)
    if price != name:
        if price.isdecimal():
            return [FixedQuote(int(price)) for _ in range(size)]
    elif ":" in name:
        return make_crowd(name, range(size), seed)
    if name == "kaplan":
        return kaplan_population(size, seed)
    # Only these two need numpy, which takes longer to import than most sessions to run.
    if name == "zip":
        from market_agents.agents.strategies.zip import zip_population

        return zip_population(size, seed)
    if name == "gd":
        from market_agents.agents.strategies.gd import gd_population

        return gd_population(size, seed)
    raise ValueError(f"unknown trader {name!r}; known are {', '.join(POPULATION_NAMES)}")
