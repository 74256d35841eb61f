"""Reference markets with one sequence of units a trader."""

from __future__ import annotations

STEPS = list(range(75, 326, 25))

Side = list[tuple[int, ...]]
Market = tuple[Side, Side]


def single(limits: list[int]) -> Side:
    return [(limit,) for limit in limits]


MARKET_A: Market = (single(STEPS[::-1]), single(STEPS))
MARKET_GD: Market = (
    [(330, 225, 210), (280, 235, 220), (260, 240, 215), (305, 235, 230)],
    [(190, 235, 250), (140, 245, 260), (210, 230, 255), (165, 235, 240)],
)
