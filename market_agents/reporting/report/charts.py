"""Charts as SVG that fit light and dark pages, and eyes that do not tell red from green."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
"""Okabe and Ito's colours, told apart in every common kind of colour blindness."""

SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)
INK = "#010203"
"""Stands for the colour of the text around the chart."""

WIDTH, HEIGHT = 7.2, 3.4
"""Inches of a chart unless told otherwise."""

LETTERS_IN_A_LINE = 70
"""Letters of a legend that fit on one line above a chart."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # letters stay letters: small, searchable, in the page's font
    "svg.hashsalt": "market-agents",
    "text.parse_math": False,  # an agent's dollar sign is no formula
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def chart(width: float = WIDTH, height: float = HEIGHT) -> Iterator[tuple[Figure, Axes]]:
    """An empty chart with one pair of axes, in the report's style, closed again at the end."""
    # Most of a second to import, and wanted by reports alone.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(cast(Any, _STYLE)):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="y")
        yield figure, axes


def as_svg(figure: Figure) -> str:
    """The chart as an SVG element without fixed size, in the text's colour; the same chart gives the same text."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'<svg [^>]*?(viewBox="[^"]+")[^>]*>',
        r'<svg \1 xmlns="http://www.w3.org/2000/svg" '
        r'xmlns:xlink="http://www.w3.org/1999/xlink">',
        svg,
        count=1,
    )
    return svg.strip()


def finish(axes: Axes, across: str, up: str, *, whole: str = "") -> None:
    """Label the axes and put the legend above them, where it hides nothing.

    Args:
        axes: of a chart that is drawn.
        across: what the horizontal axis counts.
        up: what the vertical axis measures, with the unit.
        whole: ``x``, ``y`` or both, for axes that are ticked at whole numbers.
    """
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(across)
    axes.set_ylabel(up)
    for name in whole:
        getattr(axes, f"{name}axis").set_major_locator(MaxNLocator(integer=True))
    labels = axes.get_legend_handles_labels()[1]
    if labels:
        columns = 4 if sum(map(len, labels)) < LETTERS_IN_A_LINE else 2
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, columnspacing=1.2
        )
