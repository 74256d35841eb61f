"""Strategies by name: the built-in ones, or a user's own class as ``module:Class``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from importlib import import_module

from market_agents.agents.strategies.fixed import FixedQuote, LinearDoubleAuction, Shaver, Truthful
from market_agents.agents.strategies.kaplan import Kaplan, kaplan_population
from market_agents.agents.strategies.strategy import QuotingStrategy, Strategy
from market_agents.agents.strategies.zero_intelligence import (
    ConstrainedZeroIntelligence,
    UnconstrainedZeroIntelligence,
)
from market_agents.config.checks import suggestion
from market_agents.economics.ticks import TickScale
from market_agents.errors import UserError

ONE_UNIT_TICKS = TickScale(Decimal(1))
"""The laboratory's ticks, in which its prices are given."""


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


FIXED = "fixed:"
"""Before the price that a trader always quotes."""


def make_strategy(
    name: str, opening_spread: float | None = None, scale: TickScale = ONE_UNIT_TICKS
) -> Strategy:
    """A new trader's rule.

    Args:
        name: of a built-in strategy, ``fixed:PRICE`` with a price in currency, or ``module:Class`` of a class that is
            made without arguments.
        opening_spread: ``max_relative_spread``, for those that know it.
        scale: the run's ticks, for the price.

    Raises:
        UserError: nothing of that name can be used; the text says what can.
    """
    made = STRATEGIES.get(name)
    if made is not None:
        return made(opening_spread)
    if name.startswith(FIXED):
        return _fixed(name, scale)
    module, _, attribute = name.partition(":")
    if not attribute:
        known = ", ".join(STRATEGIES)
        near = suggestion(name, STRATEGIES)
        raise UserError(f"unknown strategy {name!r}{near}; known are {known}, fixed:PRICE, or module:Class")
    try:
        strategy = getattr(import_module(module), attribute)()
    except Exception as error:  # a user's own module may raise anything at import
        raise UserError(f"{name!r} cannot be used: {type(error).__name__}: {error}") from error
    if not callable(getattr(strategy, "act", None)):
        raise UserError(f"{name!r} cannot be used: it has no method act(observation, rng)")
    own: Strategy = strategy
    return own


def _fixed(name: str, scale: TickScale) -> FixedQuote:
    try:
        price = scale.exact(Decimal(name.removeprefix(FIXED)))
    except InvalidOperation:
        raise UserError(f"{name!r}: expected a price in currency, as in fixed:99.5") from None
    except ValueError as error:
        raise UserError(f"{name!r}: {error}") from None
    if price < 1:
        raise UserError(f"{name!r}: expected at least tick_size, {scale.tick_size}")
    return FixedQuote(price)


def make_crowd(
    name: str,
    members: Sequence[int],
    seed: int,
    opening_spread: float | None = None,
    scale: TickScale = ONE_UNIT_TICKS,
) -> list[QuotingStrategy]:
    """Traders of one kind in one market, who share what they hear where their strategy learns from it.

    Args:
        name: as for `make_strategy`.
        members: a seed for each trader's own parameters.
        seed: of what they draw together.
        opening_spread: as for `make_strategy`.
        scale: as for `make_strategy`.

    Raises:
        UserError: as `make_strategy`, or the class is no `QuotingStrategy`.
    """
    if name == "zip":
        from market_agents.agents.strategies.zip import zip_population

        return zip_population(len(members), seed, members)
    if name == "gd":
        from market_agents.agents.strategies.gd import gd_population

        return gd_population(len(members), seed)
    if name == "kaplan":
        return kaplan_population(len(members), seed)
    made = [make_strategy(name, opening_spread, scale) for _ in members]
    quoting = [strategy for strategy in made if isinstance(strategy, QuotingStrategy)]
    if len(quoting) < len(made):
        raise UserError(f"{name!r} cannot quote on a floor; derive it from QuotingStrategy")
    return quoting
