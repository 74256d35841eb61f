"""Reference markets of the literature: one sequence of values or costs, in cents, for each trader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

Limits = tuple[tuple[int, ...], ...]


class Market(NamedTuple):
    """Values of each buyer's units, and costs of each seller's."""

    values: Limits
    costs: Limits


def _single(limits: Sequence[int]) -> Limits:
    return tuple((limit,) for limit in limits)


_STEPS = range(75, 326, 25)

MARKETS: Mapping[str, Market] = MappingProxyType(
    {
        "A": Market(_single(_STEPS[::-1]), _single(_STEPS)),
        "B": Market(_single(_STEPS[::-1]), _single([200] * 11)),
        "C": Market(_single([200] * 11), _single([50] * 6)),
        "D": Market(_single([320] * 6), _single([200] * 11)),
        "GD": Market(
            ((330, 225, 210), (280, 235, 220), (260, 240, 215), (305, 235, 230)),
            ((190, 235, 250), (140, 245, 260), (210, 230, 255), (165, 235, 240)),
        ),
    }
)
"""A to D have the shapes of Smith (1962) and of Cliff & Bruten (1997), GD is that of Gjerstad & Dickhaut (1998)."""


def in_currency(limits: Limits) -> tuple[tuple[float, ...], ...]:
    """A reference market's values or costs in currency, of which a hundred cents are one."""
    return tuple(tuple(cents / 100 for cents in units) for units in limits)
