"""Where values stand on a chart, and the marks that stand there, each a single path of SVG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10
from typing import Protocol

INK = "currentColor"
"""The colour of the text around the chart."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Span = tuple[float, float]


class Frame:
    """Where values stand on the picture: ``across`` from left to right, ``up`` from the bottom to the top."""

    def __init__(self, xs: Span, ys: Span, across: Span, up: Span) -> None:
        self.xs = xs if xs[0] < xs[1] else (xs[0] - 0.5, xs[1] + 0.5)
        self.ys, self.across, self.up = ys, across, up

    def x(self, value: float) -> float:
        """The place across."""
        return _placed(value, self.xs, self.across)

    def y(self, value: float) -> float:
        """The place up."""
        return _placed(value, self.ys, self.up)


def _placed(value: float, values: Span, places: Span) -> float:
    share = (min(max(value, values[0]), values[1]) - values[0]) / (values[1] - values[0])
    return places[0] + share * (places[1] - places[0])


class Mark(Protocol):
    """What can be drawn once it is known where values stand."""

    def drawn(self, frame: Frame) -> str:
        """The mark as SVG."""


class Line:
    """Points joined in their order; those that fall on the one before are left out."""

    def __init__(self, points: Sequence[Span], style: str) -> None:
        self._points, self._style = points, style

    def drawn(self, frame: Frame) -> str:
        """As `Mark`."""
        places = [f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in self._points]
        kept = [places[0], *(place for before, place in pairwise(places) if place != before)]
        return f'<path d="M{"L".join(kept)}" {self._style}/>'


class Dots:
    """Points by themselves; those that fall on another are drawn once."""

    def __init__(self, points: Sequence[Span], style: str) -> None:
        self._points, self._style = points, style

    def drawn(self, frame: Frame) -> str:
        """As `Mark`."""
        places = dict.fromkeys(f"M{frame.x(x):.1f} {frame.y(y):.1f}h0" for x, y in self._points)
        return f'<path d="{"".join(places)}" {self._style} stroke-linecap="round"/>'


class Pieces:
    """Level lines, each from one point to the next, two and two."""

    def __init__(self, ends: Sequence[Span], style: str) -> None:
        self._ends, self._style = ends, style

    def drawn(self, frame: Frame) -> str:
        """As `Mark`."""
        pieces = [
            f"M{frame.x(left[0]):.1f} {frame.y(left[1]):.1f}H{frame.x(right[0]):.1f}"
            for left, right in zip(self._ends[::2], self._ends[1::2], strict=True)
        ]
        return f'<path d="{"".join(pieces)}" {self._style}/>'


class Boxes:
    """Filled boxes: left, right, lower and upper end of each."""

    def __init__(
        self, boxes: Sequence[tuple[float, float, float, float]], colour: str, opacity: float
    ) -> None:
        self._boxes, self._colour, self._opacity = boxes, colour, opacity

    def drawn(self, frame: Frame) -> str:
        """As `Mark`."""
        path = "".join(
            f"M{frame.x(left):.1f} {frame.y(low):.1f}H{frame.x(right):.1f}V{frame.y(high):.1f}H{frame.x(left):.1f}z"
            for left, right, low, high in self._boxes
        )
        opacity = f' fill-opacity="{self._opacity:g}"' if self._opacity < 1 else ""
        return f'<path d="{path}" fill="{self._colour}"{opacity}/>'


def ticks(
    low: float, high: float, most: int, *, whole: bool = False, percent: bool = False
) -> list[tuple[float, str]]:
    """Round numbers from ``low`` to ``high``, at most ``most`` + 1 of them, and how they are written.

    Args:
        low: where the axis begins.
        high: where it ends, above ``low``.
        most: steps between the numbers, at most.
        whole: whether only whole numbers will do.
        percent: whether they are written as percent.
    """
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough * (1 - 1e-9))
    if whole:
        step = max(ceil(step - 1e-9), 1)
    decimals = max(0, -floor(log10(step) + 1e-9))
    if abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:
        decimals += 1
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    form = f".{max(decimals - 2, 0)}%" if percent else f",.{decimals}f"
    return [(number * step, format(number * step, form)) for number in range(first, last + 1)]
