"""Private schedules: what each further unit is worth to a buyer or costs a seller, in ticks."""

from __future__ import annotations

from random import Random
from typing import Literal

SMALLEST_STEP = 0.02
"""The least relative step between one unit's value and the next, unless the largest is smaller still."""


def generate_schedule(
    rng: Random, *, base: int, num_units: int, noise_factor: float, direction: Literal["buyer", "seller"]
) -> tuple[int, ...]:
    """Draw a trader's values (falling) or costs (rising), unit by unit.

    The first unit has the base value. Each further one is worth U[min(0.02, noise_factor), noise_factor] less
    to a buyer, or costs a seller that much more, than the one before it. Steps are taken before rounding to
    ticks, so that rounding errors do not add up; no unit is worth less than one tick.

    Args:
        rng: where the steps are drawn from, ``num_units − 1`` of them.
        base: ticks, at least 1.
        num_units: units in the schedule, 0 or more.
        noise_factor: the largest relative step, from 0 to 1.
        direction: ``buyer`` for values, ``seller`` for costs.

    Returns:
        ``num_units`` whole numbers of ticks in the order of trading.

    Raises:
        ValueError: an argument is out of its range.
    """
    if base < 1:
        raise ValueError(f"base must be at least one tick, not {base}")
    if num_units < 0:
        raise ValueError(f"num_units must not be below 0, not {num_units}")
    if not 0 <= noise_factor <= 1:
        raise ValueError(f"noise_factor must be between 0 and 1, not {noise_factor}")
    sign = -1 if direction == "buyer" else 1
    exact = float(base)
    schedule = [base] if num_units else []
    for _ in range(num_units - 1):
        exact *= 1 + sign * rng.uniform(min(SMALLEST_STEP, noise_factor), noise_factor)
        schedule.append(max(1, round(exact)))
    return tuple(schedule)


def step_schedule(
    rank: int, *, first: int, step: int, unit_step: int, num_units: int, direction: Literal["buyer", "seller"]
) -> tuple[int, ...]:
    """One trader's part of a demand or supply that moves in equal steps from trader to trader (Smith 1962).

    The k-th unit (from 0) of the trader at ``rank`` is worth first − rank·step − k·unit_step to a buyer and costs a
    seller first + rank·step + k·unit_step. So no trader's schedule depends on how many there are.

    Args:
        rank: the trader's place on its side of the market, from 0.
        first: ticks, the first trader's first unit.
        step: ticks from one trader to the next, 0 or more.
        unit_step: ticks from one unit of a trader to its next, 0 or more.
        num_units: units in the schedule.
        direction: ``buyer`` for values, ``seller`` for costs.

    Returns:
        ``num_units`` whole numbers of ticks in the order of trading; below 0 where the steps lead there.
    """
    sign = -1 if direction == "buyer" else 1
    return tuple(first + sign * (rank * step + unit * unit_step) for unit in range(num_units))


def uniform_schedule(
    rng: Random, *, low: int, high: int, num_units: int, direction: Literal["buyer", "seller"]
) -> tuple[int, ...]:
    """Draw each unit's value or cost from U{low..high} and order them: values falling, costs rising.

    Args:
        rng: where ``num_units`` draws come from.
        low: ticks, the lowest possible.
        high: ticks, the highest possible, at least ``low``.
        num_units: units in the schedule.
        direction: ``buyer`` for values, ``seller`` for costs.

    Returns:
        ``num_units`` whole numbers of ticks in the order of trading.
    """
    drawn = (rng.randint(low, high) for _ in range(num_units))
    return tuple(sorted(drawn, reverse=direction == "buyer"))


def spread_base(rng: Random, base: int, spread: float) -> int:
    """One trader's own base value: base · (1 + U[−spread, spread]), rounded, at least one tick.

    Args:
        rng: where the one draw comes from; a spread of 0 draws too, so that later draws do not depend on it.
        base: ticks, at least 1.
        spread: relative half-width, from 0 to 1.

    Raises:
        ValueError: an argument is out of its range.
    """
    if base < 1:
        raise ValueError(f"base must be at least one tick, not {base}")
    if not 0 <= spread <= 1:
        raise ValueError(f"spread must be between 0 and 1, not {spread}")
    return max(1, round(base * (1 + rng.uniform(-spread, spread))))
