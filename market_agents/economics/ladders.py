"""Several open quotes of one trader: which of them give way to a new one, and which unit the new one is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar


class Standing(Protocol):
    """What counts of an open quote."""

    @property
    def order_id(self) -> int:
        """Its order's id."""

    @property
    def price(self) -> int:
        """In ticks."""

    @property
    def remaining(self) -> int:
        """Units not yet traded."""


class OwnQuote(NamedTuple):
    """An open quote as its owner sees it; ``price`` in ticks, ``remaining`` in units."""

    order_id: int
    price: int
    remaining: int


StandingT = TypeVar("StandingT", bound=Standing)


def giving_way(
    standing: Sequence[StandingT], quantity: int, *, most: int, units_left: int, named: int | None = None
) -> list[StandingT]:
    """The open quotes that a new one replaces.

    That is the one it names; then the oldest give way until there is a place for the new one, and a unit left for
    each unit of all that stand.

    Args:
        standing: the trader's open quotes, the oldest first.
        quantity: units of the new one.
        most: how many may stand, the new one included.
        units_left: units that the trader may still trade.
        named: the id of the one that the new one is to replace; None where it names none.
    """
    gone = [quote for quote in standing if quote.order_id == named]
    kept = [quote for quote in standing if quote.order_id != named]
    units = quantity + sum(quote.remaining for quote in kept)
    while kept and (len(kept) >= most or units > units_left):
        oldest = kept.pop(0)
        units -= oldest.remaining
        gone.append(oldest)
    return gone


def unit_to_quote(
    units: Sequence[int],
    standing: Sequence[Standing],
    *,
    most: int,
    buying: bool,
    named: int | None = None,
) -> int:
    """Value or cost of the best unit that a new quote for one unit can be for.

    Each quote that stays keeps a unit at which it loses nothing, whichever of them trades first: a trader's quotes
    trade in the order of their prices, and its units in theirs. Of the first m + 1 units, m quotes take the last ones
    that cover them.

    Args:
        units: values or costs still open, in ticks, in the order of trading, the best first; at least one.
        standing: the trader's open quotes, the oldest first.
        most: how many may stand, the new one included.
        buying: whether units are values.
        named: the id of the quote that the new one is to replace.
    """
    sign = 1 if buying else -1
    gone = giving_way(standing, 1, most=most, units_left=len(units), named=named)
    kept = sorted(-sign * q.price for q in standing if q not in gone for _ in range(q.remaining))
    place = len(kept)
    while place and sign * units[place] >= -kept[place - 1]:
        place -= 1
    return units[place]
