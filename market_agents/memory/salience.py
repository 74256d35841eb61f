"""What of a round in a market is worth keeping for good: what was refused, missed, better or worse than ever, new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

JUMP = 0.1
"""Change of the last price from one round to the next, as a share, that is worth keeping."""


@dataclass(frozen=True, slots=True)
class MarketRound:
    """One agent's round in a market; amounts in currency.

    Attributes:
        limit: value or cost of its next unit; None where it has none left.
        units: units traded.
        earned: its surplus.
        last_price: of the latest trade that it saw; None before the first.
        refused: why its last order was refused; empty where it was not.
        price_before: the last price a round earlier.
        best: the most that it earned in an earlier round; None in its first.
        worst: the least.
    """

    buying: bool
    limit: float | None
    units: int
    earned: float
    last_price: float | None
    refused: str = ""
    price_before: float | None = None
    best: float | None = None
    worst: float | None = None


def salient(happened: MarketRound) -> Iterator[str]:
    """Every salient event of a round, one sentence each."""
    if happened.refused:
        yield f"Your order was refused: {happened.refused}"
    price, limit = happened.last_price, happened.limit
    if price is not None and limit is not None and not happened.units:
        gain = limit - price if happened.buying else price - limit
        if gain > 0:
            worth = "value" if happened.buying else "cost"
            yield f"You traded nothing, though the last price was {price:g} and your {worth} {limit:g}."
    if happened.best is not None and happened.earned > happened.best:
        yield f"You earned more than in any round before: {happened.earned:g}."
    if happened.worst is not None and happened.earned < happened.worst:
        yield f"You earned less than in any round before: {happened.earned:g}."
    before = happened.price_before
    if price is not None and before and abs(price / before - 1) >= JUMP:
        yield f"The last price went from {before:g} to {price:g}."
