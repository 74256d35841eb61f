"""A report as one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from market_agents.reporting.report.blocks import Block, Data, Facts, Figure, Folded, Lines, Report, Table
from market_agents.reporting.report.colours import for_page

if TYPE_CHECKING:
    from jinja2 import Environment


def as_html(report: Report, *, on_paper: bool = False) -> str:
    """The whole page; everything that agents wrote is text and nothing else.

    Args:
        report: what is told.
        on_paper: whether nothing is folded away and no file can be taken along.
    """
    return _environment().get_template("report.html.j2").render(report=report, on_paper=on_paper)


@cache
def _environment() -> Environment:
    # Only reports need it.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("market_agents.reporting.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = for_page() + resources.files(__package__).joinpath("templates/report.css").read_text("utf-8")
    environment.globals |= {"kind": _kind, "download": _download, "style": Markup(style), "picture": Markup}  # noqa: S704  (both are ours, not the agents')
    return environment


def _kind(block: Block) -> str:
    match block:
        case Facts():
            return "facts"
        case Table():
            return "table"
        case Figure():
            return "figure"
        case Lines():
            return "lines"
        case Folded():
            return "folded"
    return "text"


def _download(data: Data) -> str:
    """The figures as the address of a file that lies within the page."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(data.as_csv().encode()).decode()
