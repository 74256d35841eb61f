"""Small charts as SVG that stretch to any width; letters stand outside, so that they never shrink.

Colours, strokes and dots come from the style sheet by class: the report's colours, on light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 1000, 300
MOST_DOTS = 800
"""Trades that are drawn one by one; of more, each round's range and mean are."""

TICKS = 4
EACH_LABELLED = 12


@dataclass(frozen=True)
class Plot:
    """A chart.

    Attributes:
        title: what it shows, with the unit.
        alt: the same in words, for those who do not see it.
        body: what is drawn, as SVG in a box of 1000 by 300.
        ys: labels of the vertical axis, evenly spaced from top to bottom.
        xs: labels of the horizontal axis, evenly spaced from left to right.
        legend: class and meaning of what is drawn.
    """

    title: str
    alt: str
    body: Markup
    ys: Sequence[str]
    xs: Sequence[str]
    legend: Sequence[tuple[str, str]]

    @property
    def labels_each(self) -> bool:
        """Whether each round or trade has its label, which then stands in the middle of its share of the axis."""
        return len(self.xs) < 2 or int(self.xs[1]) == int(self.xs[0]) + 1


@dataclass(frozen=True)
class _Scale:
    low: float
    step: float
    count: int

    @property
    def high(self) -> float:
        return self.low + self.step * self.count

    def y(self, value: float) -> float:
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 1)

    def labels(self, percent: bool = False) -> list[str]:
        decimals = next(
            (count for count in range(6) if abs(round(self.step, count) - self.step) < 1e-9 * self.step), 6
        )
        values = [self.high - self.step * place for place in range(self.count + 1)]
        return [f"{value:.0%}" if percent else f"{value:,.{decimals}f}" for value in values]


def scale(values: Sequence[float]) -> _Scale:
    """A scale with round ticks that covers all values."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low < 1e-9 * max(abs(high), 1):
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    start = math.floor(low / step) * step
    return _Scale(start, step, max(math.ceil((high - start) / step - 1e-9), 1))


def price_plot(
    good: str, rounds: Sequence[Mapping[str, Any]], ranges: Sequence[Mapping[str, Any]], deals: Sequence[Any]
) -> Plot:
    """Prices of one market over its rounds, against the band of equilibrium.

    Args:
        good: what is traded.
        rounds: rows of ``auction_rounds``, in order.
        ranges: lowest and highest price by round.
        deals: rows of ``trades`` in their order; none where there are too many to be drawn one by one.
    """
    numbers = sorted({row["round"] for row in [*rounds, *ranges]})
    first, last = (numbers[0], numbers[-1]) if numbers else (1, 1)
    across = _Across(first, last)
    bands = {row["round"]: _band(row) for row in rounds if row["equilibrium_price_low"] is not None}
    prices = [float(row[name]) for row in ranges for name in ("low", "high")]
    axis = scale([*prices, *(end for band in bands.values() for end in band)])
    parts = [*_bands(across, axis, bands)]
    if deals:
        parts.append(_dots(_places(across, axis, deals), "dot trades"))
    else:
        spans = " ".join(
            f"M{across.middle(row['round'])} {axis.y(float(row['low']))}V{axis.y(float(row['high']))}"
            for row in ranges
        )
        parts.append(f'<path class="range trades" d="{spans}"/>')
    means = [
        (across.middle(row["round"]), axis.y(float(row["mean_price"])))
        for row in rounds
        if row["mean_price"] is not None
    ]
    parts.append(_line(means, "line mean"))
    count = sum(row["trades"] for row in ranges)
    words = f"{count:,} trades in rounds {first} to {last}"
    if prices:
        words += f", from {min(prices):,.2f} to {max(prices):,.2f}"
    if bands:
        low, high = bands[max(bands)]
        words += f"; in round {max(bands)} equilibrium lies from {low:,.2f} to {high:,.2f}"
    return Plot(
        title=f"Prices of {good}, currency per unit",
        alt=words,
        body=_drawn(axis, parts),
        ys=axis.labels(),
        xs=_numbered(first, last),
        legend=(
            *(
                (("dot trades", "trade") if deals else ("range trades", "lowest to highest"),)
                if prices
                else ()
            ),
            *((("line mean", "mean of the round"),) if means else ()),
            *((("band", "equilibrium"),) if bands else ()),
        ),
    )


def share_plot(title: str, series: Mapping[str, Sequence[tuple[int, float]]]) -> Plot:
    """Shares over rounds, one line for each of up to six runs."""
    values = [value for points in series.values() for _, value in points]
    return _lines(title, series, scale([0.0, 1.0, *values]), percent=True)


def line_plot(title: str, series: Mapping[str, Sequence[tuple[int, float]]]) -> Plot:
    """Numbers over rounds, one line for each of up to six runs, with a line at zero."""
    return _lines(title, series, scale([0.0, *(value for points in series.values() for _, value in points)]))


def _lines(
    title: str, series: Mapping[str, Sequence[tuple[int, float]]], axis: _Scale, *, percent: bool = False
) -> Plot:
    numbers = [number for points in series.values() for number, _ in points] or [1]
    first, last = min(numbers), max(numbers)
    across = _Across(first, last)
    parts: list[str] = []
    words = []
    for place, (name, points) in enumerate(series.items(), 1):
        spots = [(across.middle(number), axis.y(value)) for number, value in points]
        parts += [_line(spots, f"line s{place}"), _dots(spots if len(spots) <= 60 else [], f"dot s{place}")]
        if points:
            shown = f"{points[-1][1]:.1%}" if percent else f"{points[-1][1]:,.2f}"
            words.append(f"{name}: {shown} in round {points[-1][0]}")
    if axis.low < 0 < axis.high:
        parts.insert(0, f'<path class="zero" d="M0 {axis.y(0)}H{WIDTH}"/>')
    return Plot(
        title=title,
        alt="; ".join(words) or "nothing yet",
        body=_drawn(axis, parts),
        ys=axis.labels(percent),
        xs=_numbered(first, last),
        legend=tuple((f"line s{place}", name) for place, name in enumerate(series, 1)),
    )


def round_plot(deals: Sequence[Any], band: tuple[float, float] | None, count: int) -> Plot:
    """The prices of one round's first trades in their order, against equilibrium.

    Args:
        deals: rows of ``trades``, of the whole round, for which there is room.
        band: equilibrium prices.
        count: how many of them are drawn.
    """
    prices = [float(row["price"]) for row in deals]
    across = _Across(1, max(len(prices), 1))
    axis = scale([*prices, *(band or ())])
    spots = [(across.middle(place), axis.y(price)) for place, price in enumerate(prices[:count], 1)]
    parts = [
        *_bands(_Across(1, 1), axis, {1: band} if band else {}),
        _line(spots, "line thin"),
        _dots(spots, "dot trades"),
    ]
    return Plot(
        title="Prices of the round, trade by trade, currency per unit",
        alt=f"{count} of {len(prices)} trades" + (f", the last at {prices[count - 1]:,.2f}" if count else ""),
        body=_drawn(axis, parts),
        ys=axis.labels(),
        xs=_numbered(1, across.last),
        legend=(("dot trades", "trade"), *((("band", "equilibrium"),) if band else ())),
    )


@dataclass(frozen=True)
class _Across:
    first: int
    last: int

    def edge(self, number: float) -> float:
        return round(WIDTH * (number - self.first) / (self.last - self.first + 1), 1)

    def middle(self, number: float) -> float:
        return self.edge(number + 0.5)


def _band(row: Mapping[str, Any]) -> tuple[float, float]:
    low, high = row["equilibrium_price_low"], row["equilibrium_price_high"]
    return float(low), float(low if high is None else high)


def _bands(across: _Across, axis: _Scale, bands: Mapping[int, tuple[float, float]]) -> Iterator[str]:
    """Rounds in a row with the same band are one piece."""
    pieces: list[list[Any]] = []
    for number, band in sorted(bands.items()):
        if pieces and pieces[-1][1] == number - 1 and pieces[-1][2] == band:
            pieces[-1][1] = number
        else:
            pieces.append([number, number, band])
    for first, last, (low, high) in pieces:
        left, right, top, bottom = across.edge(first), across.edge(last + 1), axis.y(high), axis.y(low)
        yield f'<path class="band" d="M{left} {top}H{right}V{bottom}H{left}Z"/>'
        yield f'<path class="line level" d="M{left} {(top + bottom) / 2:.1f}H{right}"/>'


def _places(across: _Across, axis: _Scale, deals: Sequence[Any]) -> Iterator[tuple[float, float]]:
    counts: dict[int, int] = {}
    for row in deals:
        counts[row["round"]] = counts.get(row["round"], 0) + 1
    seen: dict[int, int] = {}
    for row in deals:
        number = row["round"]
        seen[number] = seen.get(number, 0) + 1
        place = (seen[number] - 0.5) / counts[number]
        yield across.edge(number + place), axis.y(float(row["price"]))


def _dots(spots: Iterator[tuple[float, float]] | Sequence[tuple[float, float]], kind: str) -> str:
    path = "".join(f"M{across} {up}h0" for across, up in spots)
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def _line(spots: Sequence[tuple[float, float]], kind: str) -> str:
    path = "L".join(f"{across} {up}" for across, up in spots)
    return f'<path class="{kind}" d="M{path}"/>' if path else ""


def _drawn(axis: _Scale, parts: Sequence[str]) -> Markup:
    grid = "".join(f"M0 {round(HEIGHT * place / axis.count, 1)}H{WIDTH}" for place in range(axis.count + 1))
    return Markup(f'<path class="grid" d="{grid}"/>' + "".join(parts))  # noqa: S704  (numbers and our own classes)


def _numbered(first: int, last: int) -> list[str]:
    """Every number where there is room, else both ends and what lies evenly between them."""
    if last - first < EACH_LABELLED:
        return [str(number) for number in range(first, last + 1)]
    pieces = next(count for count in (5, 4, 3, 2, 1) if (last - first) % count == 0)
    return [str(first + (last - first) * place // pieces) for place in range(pieces + 1)]
