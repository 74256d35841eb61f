"""A small chart in characters: the last trades' prices against the band of equilibrium prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Span = tuple[str, str]
"""Text and the name of its style."""

Line = list[Span]

POINT, BAND, AXIS = "bold green", "cyan", "dim"

RULE = "─"
_TICK = " ┤"

_BLANK = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character: its left and its right column, from the top."""

_LEVELS = len(_DOTS[0])
_WIDEST_STEP = 4


def price_chart(
    prices: Sequence[int],
    band: tuple[float, float] | None,
    *,
    width: int,
    rows: int,
    label: Callable[[float], str],
) -> list[Line]:
    """One point a trade, the latest on the right, four levels a row; the band is ruled where no point is.

    Args:
        prices: in the order of trading, at least one; as many of the last as there is room for are shown.
        band: lower and upper end of the equilibrium interval, in the unit of the prices.
        width: characters of each line, labels included.
        rows: lines, at least 2.
        label: a price in few characters, for the ends of the axis.
    """
    levels = rows * _LEVELS
    margin = max(len(label(end)) for end in _ends(prices, band))
    cells = max(width - margin - len(_TICK), 1)
    prices = prices[-2 * cells :]
    highest, lowest = _ends(prices, band)
    span = highest - lowest

    def level(price: float) -> int:
        return round((highest - price) / span * (levels - 1)) if span else levels // 2

    grid = _points([level(price) for price in prices], cells, rows)
    ruled = range(level(band[1]) // _LEVELS, level(band[0]) // _LEVELS + 1) if band else range(0)
    labels = [label(highest), *[""] * (rows - 2), label(lowest)]
    return [
        [(f"{labels[row]:>{margin}}{_TICK}", AXIS), *_row(grid[row], is_ruled=row in ruled)]
        for row in range(rows)
    ]


def _ends(prices: Sequence[int], band: tuple[float, float] | None) -> tuple[float, float]:
    values = [*prices, *(band or ())]
    return max(values), min(values)


def _points(levels: Sequence[int], cells: int, rows: int) -> list[list[int]]:
    """The bits of each character of each row; few points are spread out."""
    grid = [[0] * cells for _ in range(rows)]
    step = max(min(2 * cells // len(levels), _WIDEST_STEP), 1)
    for place, level in enumerate(levels):
        column = place * step
        grid[level // _LEVELS][column // 2] |= _DOTS[column % 2][level % _LEVELS]
    return grid


def _row(cells: Sequence[int], *, is_ruled: bool) -> Line:
    line: Line = []
    for bits in cells:
        # Blanks go with the points: the fewer spans, the less there is to send.
        text, style = (RULE, BAND) if is_ruled and not bits else (chr(_BLANK + bits) if bits else " ", POINT)
        if line and line[-1][1] == style:
            line[-1] = (line[-1][0] + text, style)
        else:
            line.append((text, style))
    return line
