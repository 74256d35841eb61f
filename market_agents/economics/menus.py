"""Menus of choices that reveal a preference: Holt and Laury's lotteries, and payments now or in a month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

Lottery = Literal["A", "B"]
Payment = Literal["sooner", "later"]

PROBABILITIES: Final = tuple(tenth / 10 for tenth in range(1, 11))
"""The chance of the higher prize in each row of the lottery menu, the same for both lotteries."""

SAFE_PRIZES: Final = (2.00, 1.60)
"""Higher and lower prize of lottery A (Holt and Laury 2002, Table 1)."""

RISKY_PRIZES: Final = (3.85, 0.10)
"""Higher and lower prize of lottery B."""

_RISK_BOUNDS: Final = (-1.0, -0.95, -0.49, -0.15, 0.15, 0.41, 0.68, 0.97, 1.37, 2.0)
# The menu cannot tell no safe choice from one, nor nine from ten.
RISK_INTERVALS: Final = (
    (-1.0, -0.95),
    *pairwise(_RISK_BOUNDS),
    (1.37, 2.0),
)
"""By the number of safe choices, 0 to 10, the interval of the coefficient of relative risk aversion.

From Holt and Laury, "Risk Aversion and Incentive Effects", American Economic Review 92 (2002), Table 3, for
u(x) = x^(1−r) / (1−r). The two open intervals are closed at −1 and 2, the ends of a persona's scale.
"""

LATER_PAYMENT: Final = 100.0
"""What the payment in a month is worth, in the menu of payments."""

SOONER_PAYMENTS: Final = (40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 85.0, 90.0, 95.0, 100.0)
"""What is offered today instead, row by row: a multiple price list as in Coller and Williams (1999)."""

_PAYMENT_BOUNDS: Final = (0.0, *(sooner / LATER_PAYMENT for sooner in SOONER_PAYMENTS), 1.0)


@dataclass(frozen=True, slots=True)
class Revealed:
    """What choices say of a preference.

    Attributes:
        value: the midpoint of the interval, in the unit of the preference.
        low: the interval's lower end.
        high: its upper end.
        consistent: whether the choices switch at most once, in the sensible direction, and take no row in
            which the other choice is better whatever the preference.
    """

    value: float
    low: float
    high: float
    consistent: bool


def revealed_risk_aversion(choices: Sequence[Lottery]) -> Revealed:
    """The coefficient of relative risk aversion behind ten choices between lottery A (safe) and B.

    Counted are the safe choices, wherever they stand, as in the source of `RISK_INTERVALS`. A safe choice in
    the last row, where both lotteries pay their higher prize for certain, is inconsistent.

    Raises:
        ValueError: not one choice for each row.
    """
    if len(choices) != len(PROBABILITIES):
        raise ValueError(f"{len(PROBABILITIES)} choices are needed, not {len(choices)}")
    consistent = list(choices) == sorted(choices) and choices[-1] == "B"
    return _within(RISK_INTERVALS[choices.count("A")], consistent)


def revealed_discount_factor(choices: Sequence[Payment]) -> Revealed:
    """The monthly discount factor behind ten choices between a payment today and `LATER_PAYMENT` in a month.

    With n later choices the factor lies between the n-th and the next sooner payment, each as a share of the
    later one. Utility is taken as linear, so that risk aversion makes people look less patient than they are.

    Raises:
        ValueError: not one choice for each row.
    """
    if len(choices) != len(SOONER_PAYMENTS):
        raise ValueError(f"{len(SOONER_PAYMENTS)} choices are needed, not {len(choices)}")
    waits = choices.count("later")
    consistent = list(choices) == sorted(choices)
    return _within((_PAYMENT_BOUNDS[waits], _PAYMENT_BOUNDS[waits + 1]), consistent)


def lottery_choices(risk_aversion: float) -> tuple[Lottery, ...]:
    """What an expected-utility maximiser of that constant relative risk aversion takes in each row."""
    return tuple(
        "A"
        if _expected_utility(SAFE_PRIZES, chance, risk_aversion)
        > _expected_utility(RISKY_PRIZES, chance, risk_aversion)
        else "B"
        for chance in PROBABILITIES
    )


def payment_choices(discount_factor: float) -> tuple[Payment, ...]:
    """What somebody of that monthly discount factor takes in each row; ``sooner`` where both are worth the same."""
    return tuple(
        "later" if sooner < discount_factor * LATER_PAYMENT else "sooner" for sooner in SOONER_PAYMENTS
    )


def _expected_utility(prizes: tuple[float, float], chance: float, risk_aversion: float) -> float:
    higher, lower = (_utility(prize, risk_aversion) for prize in prizes)
    return chance * higher + (1 - chance) * lower


def _utility(money: float, risk_aversion: float) -> float:
    if risk_aversion == 1:
        return math.log(money)
    return math.pow(money, 1 - risk_aversion) / (1 - risk_aversion)


def _within(interval: tuple[float, float], consistent: bool) -> Revealed:
    low, high = interval
    return Revealed(round((low + high) / 2, 4), low, high, consistent)
