"""The competitive equilibrium of a market with given values and costs: what theory predicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Limits = Sequence[float] | Sequence[Sequence[float]]
"""Values or costs of single units: all in one sequence, or one sequence per trader."""


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """Where supply meets demand; prices in the unit of the values and costs.

    Attributes:
        quantity_min: units whose trade yields a strict gain.
        quantity_max: units that can be traded without a loss.
        price_low: lower end of the equilibrium price interval; None where it has none.
        price_high: upper end; None where it has none.
        price: the midpoint of the interval, P0; None where an end is missing.
        surplus: the maximum surplus S*, 0 where nothing can be traded.
    """

    quantity_min: int
    quantity_max: int
    price_low: float | None
    price_high: float | None
    price: float | None
    surplus: float


def competitive_equilibrium(values: Limits, costs: Limits) -> Equilibrium:
    """Find quantity, price interval and maximum surplus.

    With values sorted down and costs sorted up, Qmax = max{q: v_q ≥ c_q} and Qmin = #{q: v_q > c_q}. With
    Q = Qmax the prices are [max(c_Q, v_{Q+1}), min(v_Q, c_{Q+1})], and S* = Σ_{q ≤ Q}(v_q − c_q) (Smith 1962;
    Gode & Sunder 1993). A term that does not exist counts as −∞ at the lower end and +∞ at the upper one.
    So where nothing can be traded (Q = 0), the interval runs from the best value to the lowest cost: the
    prices at which nobody would trade. Only there an end can be missing, with no unit on that side of the
    market; then the price is None too.

    Args:
        values: what each unit is worth to a buyer, in any order.
        costs: what each unit costs a seller, in any order.

    Raises:
        ValueError: a value or cost is not a finite number.
    """
    demand = sorted(_flat(values), reverse=True)
    supply = sorted(_flat(costs))
    pairs = list(zip(demand, supply, strict=False))
    quantity = sum(value >= cost for value, cost in pairs)
    last_traded = slice(max(quantity - 1, 0), quantity)
    first_untraded = slice(quantity, quantity + 1)
    low = max(supply[last_traded] + demand[first_untraded], default=None)
    high = min(demand[last_traded] + supply[first_untraded], default=None)
    return Equilibrium(
        quantity_min=sum(value > cost for value, cost in pairs),
        quantity_max=quantity,
        price_low=low,
        price_high=high,
        price=None if low is None or high is None else (low + high) / 2,
        surplus=sum(value - cost for value, cost in pairs[:quantity]),
    )


def _flat(limits: Limits) -> list[float]:
    """All units in one list."""
    units: list[float] = []
    for entry in limits:
        if isinstance(entry, Sequence):
            units.extend(entry)
        else:
            units.append(entry)
    if not all(math.isfinite(unit) for unit in units):
        raise ValueError("values and costs must be finite numbers")
    return units
