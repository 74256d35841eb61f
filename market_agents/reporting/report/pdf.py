"""A report on paper: pages with numbers, bookmarks, letters that can be selected, and nothing folded away."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.plain_text import one_line
from market_agents.reporting.report.blocks import Block, Folded, Lines, Report, Section, Text
from market_agents.reporting.report.colours import LETTERS, unstyled
from market_agents.reporting.report.page import as_html

MOST_CHARACTERS = 60_000
"""Lines as they were written that each section has on paper, about twenty pages."""


def as_pdf(report: Report) -> bytes:
    """The whole document, made without network.

    Raises:
        UserError: what it needs is not installed.
    """
    try:
        # Only this form needs it, and it brings the system's library of letters.
        from weasyprint import HTML
    except ImportError as error:
        raise UserError(
            f"a report as PDF needs weasyprint; choose --format html, or type: {install_command('pdf')}"
        ) from error
    except OSError as error:
        raise UserError(
            "a report as PDF needs the library Pango of the system (Debian and Ubuntu: apt install libpango-1.0-0 "
            f"libpangoft2-1.0-0; macOS: brew install pango), or choose --format html: {one_line(str(error), 80)}"
        ) from error
    page = unstyled(as_html(_brief(report), on_paper=True)).replace("currentColor", LETTERS["ink"][0])
    document = HTML(string=page, url_fetcher=_refuse)
    made: bytes = document.write_pdf(pdf_identifier=hashlib.sha256(page.encode()).digest()[:16])
    return made


def _refuse(url: str, *_: object, **__: object) -> NoReturn:
    """Nothing in a report lies outside of it."""
    raise ValueError(f"{url[:80]} lies outside of the report")


def _brief(report: Report) -> Report:
    return replace(report, sections=tuple(_brief_section(section) for section in report.sections))


def _brief_section(section: Section) -> Section:
    """The section with as many of its folded parts as there is room for."""
    kept: list[Block] = []
    left, hidden = MOST_CHARACTERS, 0
    for block in section.blocks:
        if isinstance(block, Folded):
            block = _without_inner(block)
            left -= _size(block.blocks)
            if left < 0:
                hidden += 1
                continue
        kept.append(block)
    if hidden:
        kept.append(Text(f"{hidden} further parts are in the HTML report."))
    return replace(section, blocks=tuple(kept))


def _without_inner(block: Folded) -> Folded:
    """What is folded within a folded part is too long for paper: prompts and answers."""
    blocks: list[Block] = [inner for inner in block.blocks if not isinstance(inner, Folded)]
    if len(blocks) < len(block.blocks):
        blocks.append(Text("Prompts and answers are in the HTML report, and the command above tells them."))
    return replace(block, blocks=tuple(blocks))


def _size(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks if isinstance(block, Lines))
