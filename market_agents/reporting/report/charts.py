"""Charts as lean SVG that fit light and dark pages, and eyes that do not tell red from green.

A report draws a dozen of them; a plotting library would take most of a report's time and ten times the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from market_agents.reporting.report.colours import paint
from market_agents.reporting.report.marks import INK, Boxes, Dots, Frame, Line, Mark, Pieces, Span, ticks

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = map(paint, ("blue", "orange", "green", "red", "purple", "sky"))

WIDTH, HEIGHT = 720, 320
"""Units of a chart unless told otherwise; one is a pixel where the chart is not scaled."""

LETTER = 12
"""Size of the letters."""

_LETTER_WIDTH = 0.53 * LETTER
_RIGHT, _BELOW, _LEGEND_ROW, _KEY = 12, 44, 20, 24
_TICKS_ACROSS, _TICKS_UP = 10, 6
_DASHES = ' stroke-dasharray="7 4"'


class Chart:
    """One pair of axes; marks are drawn in the order in which they are asked for.

    Args:
        across: what the horizontal axis counts.
        up: what the vertical axis measures, with the unit.
        height: of the whole picture.
        from_zero: whether the vertical axis begins at zero, or below it where there is less.
        up_to: where the vertical axis ends; None for the largest value.
        counts: whether the vertical axis is ticked at whole numbers alone.
        shares: whether it measures shares, which are written as percent.
    """

    def __init__(
        self,
        across: str,
        up: str,
        *,
        height: int = HEIGHT,
        from_zero: bool = False,
        up_to: float | None = None,
        counts: bool = False,
        shares: bool = False,
    ) -> None:
        self._counts, self._shares = counts, shares
        self._across, self._up, self._height = across, up, height
        self._from_zero, self._up_to = from_zero, up_to
        self._xs: list[float] = []
        self._ys: list[float] = [0.0] if from_zero else []
        self._marks: list[Mark] = []
        self._legend: list[tuple[str, str]] = []
        self._named: Sequence[str] = ()
        self._edge = 0.0

    def line(
        self, points: Iterable[Span], colour: str, label: str, *, dashed: bool = False, dots: bool = False
    ) -> None:
        """Points joined in their order, with dots on them if wanted; the first is a place on the axis across."""
        found = list(points)
        if found:
            self._see(found)
            style = f'fill="none" stroke="{colour}" stroke-width="2"{_DASHES if dashed else ""}'
            self._marks.append(Line(found, style))
            if dots or len(found) == 1:
                self._marks.append(Dots(found, f'fill="none" stroke="{colour}" stroke-width="7"'))
            self._legend.append((label, f'<path d="M0 0h18" {style}/>'))

    def dots(self, points: Iterable[Span], colour: str, label: str, *, size: float = 5) -> None:
        """Points by themselves."""
        found = list(points)
        if found:
            self._see(found)
            style = f'fill="none" stroke="{colour}" stroke-width="{size:g}"'
            self._marks.append(Dots(found, style))
            self._legend.append((label, f'<path d="M9 0h0" {style} stroke-linecap="round"/>'))

    def stairs(self, heights: Sequence[float], colour: str, label: str) -> None:
        """One step a height, each a unit wide, from zero on."""
        if heights:
            corners = [
                (float(place + side), height) for place, height in enumerate(heights) for side in (0, 1)
            ]
            self.line(corners, colour, label)

    def bars(self, bars: Sequence[tuple[float, float, float]], colour: str, label: str) -> None:
        """Bars around their places: place, lower and upper end."""
        if bars:
            self._see([(place, end) for place, *ends in bars for end in ends])
            self._edge = 0.5
            self._marks.append(Boxes([(x - 0.4, x + 0.4, low, high) for x, low, high in bars], colour, 1))
            self._legend.append((label, f'<path d="M2 -5h10v10h-10z" fill="{colour}"/>'))

    def band(
        self, low: float, high: float, colour: str, label: str = "", *, across: Span | None = None
    ) -> None:
        """A band from ``low`` to ``high``, over the whole width unless told otherwise."""
        self._ys += (low, high)
        self._xs += across or ()
        left, right = across or (float("-inf"), float("inf"))
        self._marks.append(Boxes([(left, right, low, high)], colour, 0.25))
        if label:
            self._legend.append((label, f'<path d="M0 -5h18v10h-18z" fill="{colour}" fill-opacity="0.25"/>'))

    def rule(self, points: Iterable[Span], colour: str, label: str) -> None:
        """Level pieces, each given by its two ends; one entry of the legend for all."""
        found = list(points)
        if found:
            self._see(found)
            style = f'fill="none" stroke="{colour}" stroke-width="1.5"'
            self._marks.append(Pieces(found, style))
            self._legend.append((label, f'<path d="M0 0h18" {style}/>'))

    def name(self, labels: Sequence[str]) -> None:
        """Name the whole numbers of the axis across, from 0 on, instead of counting."""
        self._named = labels

    def svg(self) -> str:
        """The picture as an SVG element without fixed size; the same chart gives the same text."""
        rows = _rows(self._legend)
        top = 8 + _LEGEND_ROW * len(rows)
        low, high = self._vertical()
        ups = ticks(low, high, _TICKS_UP, whole=self._counts, percent=self._shares)
        left = 33 + _LETTER_WIDTH * max(len(text) for _, text in ups)
        frame = Frame(
            (min(self._xs, default=0.0) - self._edge, max(self._xs, default=1.0) + self._edge),
            (low, high),
            (left, WIDTH - _RIGHT),
            (float(self._height - _BELOW), float(top + 4)),
        )
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {self._height}" xmlns="http://www.w3.org/2000/svg" '
            f'font-family="sans-serif" font-size="{LETTER}" fill="{INK}">',
            *_keys(rows, left),
            *self._axis_up(frame, ups),
            *self._axis_across(frame),
            *(mark.drawn(frame) for mark in self._marks),
            "</svg>",
        ]
        return "\n".join(part for part in parts if part)

    def _see(self, points: Sequence[Span]) -> None:
        self._xs += [point[0] for point in points]
        self._ys += [point[1] for point in points]

    def _vertical(self) -> Span:
        low, high = min(self._ys, default=0.0), max(self._ys, default=1.0)
        if self._up_to is not None:
            high = max(self._up_to, high)
        if low == high:
            high = low + (abs(low) or 1.0) * 0.1
            low = low if self._from_zero else low - (abs(low) or 1.0) * 0.1
        margin = (high - low) * 0.05
        floor_is_fixed = self._from_zero and low == 0
        return (low if floor_is_fixed else low - margin, high if self._up_to == high else high + margin)

    def _axis_up(self, frame: Frame, ups: Sequence[tuple[float, str]]) -> list[str]:
        bottom, top = frame.up
        left, right = frame.across
        grid = "".join(f"M{left:.1f} {frame.y(value):.1f}H{right:.1f}" for value, _ in ups)
        words = "".join(
            f'<text x="{left - 6:.1f}" y="{frame.y(value) + 4:.1f}">{text}</text>' for value, text in ups
        )
        middle = (bottom + top) / 2
        return [
            f'<path d="{grid}" stroke="{INK}" stroke-opacity="0.15"/>',
            f'<path d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}" fill="none" stroke="{INK}" stroke-width="0.8"/>',
            f'<g text-anchor="end">{words}</g>',
            f'<text transform="translate(12 {middle:.1f}) rotate(-90)" text-anchor="middle">{escape(self._up)}</text>',
        ]

    def _axis_across(self, frame: Frame) -> list[str]:
        bottom = frame.up[0]
        if self._named:
            places = [(float(place), text) for place, text in enumerate(self._named)]
        else:
            places = ticks(*frame.xs, _TICKS_ACROSS, whole=True)
        size = "" if len(places) <= 20 else ' font-size="9"'
        words = "".join(
            f'<text x="{frame.x(value):.1f}" y="{bottom + 16:.1f}">{escape(text)}</text>'
            for value, text in places
        )
        middle = sum(frame.across) / 2
        return [
            f'<g text-anchor="middle"{size}>{words}</g>',
            f'<text x="{middle:.1f}" y="{bottom + 36:.1f}" text-anchor="middle">{escape(self._across)}</text>',
        ]


def _rows(legend: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The entries in rows that fit above the axes."""
    rows: list[list[tuple[str, str]]] = []
    room = 0.0
    for label, key in legend:
        needed = _entry_width(label)
        if not rows or needed > room:
            rows.append([])
            room = WIDTH - 70.0
        rows[-1].append((label, key))
        room -= needed
    return rows


def _entry_width(label: str) -> float:
    return _KEY + _LETTER_WIDTH * len(label) + 18


def _keys(rows: Sequence[Sequence[tuple[str, str]]], left: float) -> Iterable[str]:
    for number, row in enumerate(rows):
        at = left
        for label, key in row:
            yield (
                f'<g transform="translate({at:.1f} {12 + _LEGEND_ROW * number})">{key}'
                f'<text x="{_KEY}" y="4">{escape(label)}</text></g>'
            )
            at += _entry_width(label)
