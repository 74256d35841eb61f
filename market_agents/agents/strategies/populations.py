"""Whole populations of a strategy, whose members may share what they hear."""

from __future__ import annotations

from collections.abc import Callable

from market_agents.agents.strategies.fixed import FixedQuote, LinearDoubleAuction, Shaver, Truthful
from market_agents.agents.strategies.kaplan import kaplan_population
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

POPULATION_NAMES = tuple(sorted([*_LONERS, "fixed:PRICE", "gd", "kaplan", "zip"]))
"""What `make_population` knows."""


def make_population(name: str, size: int, seed: int) -> list[QuotingStrategy]:
    """Traders of one kind.

    Args:
        name: one of `POPULATION_NAMES`; ``fixed:200`` always quotes 200.
        size: how many.
        seed: where chance in what they learn comes from; draws of single quotes come from each trader's stream.

    Raises:
        ValueError: an unknown name.
    """
    if name in _LONERS:
        return [_LONERS[name]() for _ in range(size)]
    if name.startswith("fixed:") and name[6:].isdecimal():
        return [FixedQuote(int(name[6:])) for _ in range(size)]
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
