"""What of a market its traders are told."""

from __future__ import annotations

from collections.abc import Iterable

INFORMATION = ("last_price", "best_quotes", "trades", "book")
"""The last price; the best open bid and ask; the prices of the round's last trades; the open units at each price."""

USUAL_INFORMATION = ("last_price", "best_quotes", "trades")

_IMPLIED = {"trades": "last_price", "book": "best_quotes"}


def complete(information: Iterable[str]) -> frozenset[str]:
    """All that is told where ``information`` is: trades tell the last price, and the book the best quotes.

    Raises:
        ValueError: something that is none of `INFORMATION`.
    """
    told = set(information)
    unknown = told - set(INFORMATION)
    if unknown:
        raise ValueError(f"unknown information {sorted(unknown)}; known are {', '.join(INFORMATION)}")
    return frozenset(told | {_IMPLIED[name] for name in told & _IMPLIED.keys()})
