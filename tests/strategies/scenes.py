"""What a trader sees, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from market_agents.economics.ladders import OwnQuote


@dataclass
class Scene:
    """A market view with everything said."""

    buying: bool = True
    limit: int = 100
    units_left: int = 1
    best_bid: int | None = None
    best_ask: int | None = None
    last_price: int | None = None
    max_price: int | None = 400
    progress: float = 0.0
    own_quotes: Sequence[OwnQuote] = ()


def observation(
    role: str = "buyer",
    units: tuple[float, ...] = (1.0,),
    *,
    tick_size: float = 0.01,
    max_price: float | None = 4.0,
    best_bid: float | None = None,
    best_ask: float | None = None,
    trade_prices: tuple[float, ...] = (),
    round_number: int = 1,
) -> dict[str, Any]:
    """What `DoubleAuction.observe` shows, as far as strategies look at it."""
    return {
        "round": round_number,
        "role": role,
        "tick_size": tick_size,
        "max_price": max_price,
        "best_bid": best_bid,
        "best_ask": best_ask,
        "last_price": trade_prices[-1] if trade_prices else None,
        "trade_prices": list(trade_prices),
        "values" if role == "buyer" else "costs": list(units),
    }
