"""The lines of the view, as many and as long as the terminal has room for."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

from market_agents.economics.ticks import TickScale
from market_agents.inference import Budget, Progress, Tally
from market_agents.plain_text import one_line
from market_agents.run_view.chart import RULE, Line, Span, price_chart
from market_agents.run_view.figures import figures
from market_agents.run_view.pace import duration
from market_agents.run_view.scene import Market, Scene

NARROWEST, LOWEST = 40, 5
"""Columns and lines of the view below which it is a single line."""

MOST_LINES = 11

SIDE_BY_SIDE = 120
"""Columns from which on messages stand beside the chart."""

CHART_ROWS = 3
GAP = 3
MESSAGES = 3
LOOKED_AT = 4
"""Characters of a message that are looked at, for each cell that there is; some will not be shown."""

SEPARATOR = " · "


@dataclass(frozen=True)
class Present:
    """All that is shown, at one moment.

    Attributes:
        elapsed: seconds since the start.
        left: seconds that the run may still take; None where nobody knows yet.
        batches: those that are waited for.
    """

    scene: Scene
    tally: Tally
    budget: Budget
    scale: TickScale
    elapsed: float
    left: float | None
    batches: Sequence[Progress] = ()


def draw(present: Present, width: int, height: int) -> list[Line]:
    """The lines, each at most ``width`` cells wide, on a terminal of ``height`` lines, half of which are the log's."""
    most = min(MOST_LINES, height // 2)
    if width < NARROWEST or most < LOWEST:
        return [_short(present, width)]
    lines = [_heading(present, width), *_flow(figures(present.tally, present.budget, present.batches), width)]
    left = most - len(lines)
    if width >= SIDE_BY_SIDE:
        half = (width - GAP) // 2
        lines += _beside(
            _market(present, half, left), _messages(present.scene, left, width - half - GAP), half
        )
    else:
        shown = min(MESSAGES, len(present.scene.last_messages(MESSAGES)), max(left - 1 - CHART_ROWS, 1))
        lines += _market(present, width, left - shown)
        lines += _messages(present.scene, shown, width)
    return lines[:most]


def _place(present: Present) -> list[str]:
    """Round, environment and time, the first ones first."""
    scene = present.scene
    place = [f"round {scene.round} of {scene.rounds}" if scene.round else "starting"]
    if scene.environment:
        place.append(scene.environment)
    left = "–" if present.left is None else f"about {duration(present.left)}"
    return [*place, duration(present.elapsed), f"{left} left"]


def _short(present: Present, width: int) -> Line:
    told = [
        *_place(present)[:1],
        *(text for text, _ in figures(present.tally, present.budget, present.batches)),
    ]
    return [(set_cell_size(SEPARATOR.join(told), width).rstrip(), "dim")]


def _heading(present: Present, width: int) -> Line:
    told = one_line(SEPARATOR.join(_place(present)), width - 4)
    return [(f"{RULE * 2} ", "dim"), (told, "bold"), (f" {RULE * (width - cell_len(told) - 4)}", "dim")]


def _flow(parts: Sequence[Span], width: int) -> list[Line]:
    """Parts one after another on as few lines as they need."""
    lines: list[Line] = []
    used = 0
    for text, style in parts:
        if lines and used + len(SEPARATOR) + len(text) <= width:
            lines[-1] += [(SEPARATOR, "dim"), (text, style)]
            used += len(SEPARATOR) + len(text)
        else:
            lines.append([(text, style)])
            used = len(text)
    return lines


def _market(present: Present, width: int, rows: int) -> list[Line]:
    """The prices of the market of the moment: in words and, where there is room and a trade, as a chart."""
    market = present.scene.market
    if market is None or rows < 1:
        return []
    prices = list(market.prices)
    lines: list[Line] = [[(_fitted(_in_words(market, prices, present.scale), width), "green")]]
    if prices and rows > CHART_ROWS:
        lines += price_chart(
            prices,
            market.band,
            width=width,
            rows=CHART_ROWS,
            label=lambda price: _shown(price, present.scale),
        )
    return lines


def _in_words(market: Market, prices: Sequence[int], scale: TickScale) -> str:
    last = f"last price {_shown(prices[-1], scale)}" if prices else "no trade yet"
    if market.band is None:
        return f"{market.good}: {last}, no equilibrium price"
    low, high = (_shown(end, scale) for end in market.band)
    return f"{market.good}: {last}, equilibrium {low if low == high else f'{low} to {high}'} ({RULE})"


def _shown(price: float, scale: TickScale) -> str:
    return f"{scale.to_currency(price):.2f}"


def _messages(scene: Scene, rows: int, width: int) -> list[Line]:
    lines: list[Line] = []
    for sender, content in scene.last_messages(rows):
        said = one_line(f"{sender} says: {_narrow(content[: LOOKED_AT * width])}", width)
        lines.append([(_fitted(said, width), "cyan")])
    return lines


def _narrow(text: str) -> str:
    """The text without characters that join others or widen them, about whose width terminals differ."""
    if text.isascii():
        return text
    return "".join(
        character
        for character in text
        if unicodedata.category(character) != "Cf" and not "\ufe00" <= character <= "\ufe0f"
    )


def _fitted(text: str, width: int) -> str:
    """The text in at most so many cells; some characters take two."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """Two blocks of lines next to each other, the left one ``width`` cells wide."""
    if not left:
        return list(right)
    lines: list[Line] = []
    for ours, theirs in zip_longest(left, right[-len(left) :], fillvalue=()):
        used = sum(cell_len(text) for text, _ in ours)
        lines.append([*ours, (" " * (width - used + GAP), ""), *theirs])
    return lines
