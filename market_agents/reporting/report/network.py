"""Who answered whom, as arrows between agents on a circle."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import cos, hypot, pi, sin

from market_agents.reporting.report.charts import BLUE, LETTER, PURPLE
from market_agents.reporting.report.marks import INK

WIDTH, HEIGHT = 720, 440
RADIUS = 180
SHORTER = 11
"""Units by which an arrow ends before the middle of its agent."""

BEND = 0.12
"""How far an arrow bows out, as a share of its length, so that one and its return are told apart."""

HEAD, MORE = 9, 4
"""Length of the head of the thinnest arrow, and how much longer that of the thickest is."""

Place = tuple[float, float]


def network_chart(people: Sequence[str], arrows: Sequence[tuple[tuple[str, str], int]]) -> str:
    """The picture as SVG.

    Args:
        people: agents, in their order around the circle, clockwise from the top.
        arrows: from whom to whom, both among the people, and how often; the most frequent first.
    """
    heaviest = arrows[0][1] if arrows else 1
    turns = {who: 2 * pi * place / len(people) for place, who in enumerate(people)}
    spots = {who: _spot(turn, RADIUS) for who, turn in turns.items()}
    drawn = [_arrow(spots[one], spots[other], count / heaviest) for (one, other), count in reversed(arrows)]
    names = (_named(who, spots[who], _spot(turn, RADIUS * 1.11)) for who, turn in turns.items())
    return "\n".join(
        (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" '
            f'font-family="sans-serif" font-size="{LETTER}" fill="{INK}">',
            *drawn,
            '<g text-anchor="middle">',
            *names,
            "</g>",
            "</svg>",
        )
    )


def _spot(turn: float, radius: float) -> Place:
    return WIDTH / 2 + radius * sin(turn), HEIGHT / 2 - radius * cos(turn)


def _named(who: str, spot: Place, label: Place) -> str:
    return (
        f'<circle cx="{spot[0]:.1f}" cy="{spot[1]:.1f}" r="5" fill="{BLUE}"/>'
        f'<text x="{label[0]:.1f}" y="{label[1] + 4:.1f}">{escape(who.removeprefix("agent_"))}</text>'
    )


def _arrow(start: Place, end: Place, share: float) -> str:
    """A bowed line and its head; the more it stands for, the thicker and darker."""
    over, down = end[0] - start[0], end[1] - start[1]
    bow = (start[0] + end[0]) / 2 - BEND * down, (start[1] + end[1]) / 2 + BEND * over
    tail, tip = _towards(start, bow), _towards(end, bow)
    along = (tip[0] - bow[0]) / hypot(tip[0] - bow[0], tip[1] - bow[1])
    upright = (tip[1] - bow[1]) / hypot(tip[0] - bow[0], tip[1] - bow[1])
    length = HEAD + MORE * share
    neck, side = (tip[0] - length * along, tip[1] - length * upright), 0.42 * length
    head = [
        tip,
        (neck[0] - side * upright, neck[1] + side * along),
        (neck[0] + side * upright, neck[1] - side * along),
    ]
    opacity = f"{0.25 + 0.65 * share:.2f}"
    return (
        f'<path d="M{_at(tail)}Q{_at(bow)} {_at(neck)}" fill="none" stroke="{PURPLE}" '
        f'stroke-width="{0.7 + 2.8 * share:.2f}" stroke-opacity="{opacity}"/>'
        f'<path d="M{"L".join(map(_at, head))}z" fill="{PURPLE}" fill-opacity="{opacity}"/>'
    )


def _towards(place: Place, aim: Place) -> Place:
    """The point `SHORTER` units from a place in the direction of another."""
    length = hypot(aim[0] - place[0], aim[1] - place[1])
    share = min(SHORTER / length, 0.4) if length else 0.0
    return place[0] + share * (aim[0] - place[0]), place[1] + share * (aim[1] - place[1])


def _at(place: Place) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"
