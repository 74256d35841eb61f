"""Gains from trade, in the unit of the prices given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from market_agents.economics.orders import Side

Money = TypeVar("Money", int, float)


def buyer_surplus(values: Sequence[Money], price: Money) -> Money:
    """Σ(value − price) over the units bought at one price; negative where the buyer lost."""
    return sum(values) - price * len(values)


def seller_surplus(costs: Sequence[Money], price: Money) -> Money:
    """Σ(price − cost) over the units sold at one price; negative where the seller lost."""
    return price * len(costs) - sum(costs)


def equilibrium_profit(limits: Iterable[float], side: Side, price: float | None) -> float:
    """π: a trader's profit if all units that gain at the equilibrium price were traded at it.

    Args:
        limits: the trader's values (a buyer, `Side.BID`) or costs (a seller, `Side.ASK`).
        side: which of the two they are.
        price: P0; None, where a market has no equilibrium price, means that nothing trades.
    """
    if price is None:
        return 0.0
    sign = 1 if side is Side.BID else -1
    return float(sum(max(0.0, sign * (limit - price)) for limit in limits))
