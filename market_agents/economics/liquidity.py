"""Measures of a book at one moment: how far apart its sides are, and how much stands in it."""

from __future__ import annotations

from collections.abc import Iterable


def bid_ask_spread(best_bid: float | None, best_ask: float | None) -> float | None:
    """Best ask − best bid, in the unit of the prices; None where a side is empty."""
    return None if best_bid is None or best_ask is None else best_ask - best_bid


def relative_spread(best_bid: float | None, best_ask: float | None) -> float | None:
    """The spread as a share of its midpoint: (a − b) / ((a + b)/2); None where a side is empty."""
    spread = bid_ask_spread(best_bid, best_ask)
    if spread is None or best_bid is None or best_ask is None or not best_bid + best_ask:
        return None
    return 2 * spread / (best_bid + best_ask)


def book_depth(
    levels: Iterable[tuple[float, int]], best: float | None = None, within: float | None = None
) -> int:
    """Units open on one side of a book.

    Args:
        levels: price and units of each level.
        best: the best price of that side, where only levels near it count.
        within: how near, in the unit of the prices.
    """
    if best is None or within is None:
        return sum(quantity for _, quantity in levels)
    return sum(quantity for price, quantity in levels if abs(price - best) <= within)
