"""Zero-intelligence traders with a budget constraint (Gode & Sunder 1993, Journal of Political Economy 101(1))."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any


class ConstrainedZeroIntelligence:
    """ZI-C: a buyer bids uniformly up to its value, a seller asks uniformly from its cost up to the highest price.

    Args:
        opening_spread: bounds the offer to this share around the limit; None for the whole range of the literature.

    Where the market names no highest price, a seller asks up to twice its cost.
    """

    def __init__(self, opening_spread: float | None = None) -> None:
        self._opening_spread = opening_spread

    def act(self, observation: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        """Offer one unit at a random price that cannot lose money; hold with no unit left."""
        buying = observation["role"] == "buyer"
        units = observation["values" if buying else "costs"]
        if not units:
            return {"action": "hold"}
        tick, limit, spread = observation["tick_size"], units[0], self._opening_spread
        if buying:
            low = tick if spread is None else max(limit * (1 - spread), tick)
            price = low + rng.random() * (limit - low)
        else:
            ceiling = observation["max_price"] or limit * 2
            high = ceiling if spread is None else min(limit * (1 + spread), ceiling)
            price = limit + rng.random() * (high - limit)
        return {"action": "bid" if buying else "ask", "price": price, "quantity": 1}
