"""What a report is made of; how it looks is the business of `html` and `markdown`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from market_agents.plain_text import for_terminal, one_line, spreadsheet_safe

Cell: TypeAlias = str | int | float | None

MOST_OF_A_CELL = 300
"""Characters of words that a table shows in one cell; its file holds them all."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``is_warning`` for what a reader must not overlook."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Data:
    """Figures under headings, as a file that a reader can take along."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def as_csv(self) -> str:
        """The figures as CSV, safe to open in a spreadsheet."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(self.headings)
        for row in self.rows:
            writer.writerow([spreadsheet_safe(cell) if isinstance(cell, str) else cell for cell in row])
        return file.getvalue()


def _shown(cell: Cell, is_share: bool) -> str:
    match cell:
        case None:
            return "–"
        case str():
            return one_line(cell, MOST_OF_A_CELL)
        case float():
            return f"{cell:.1%}" if is_share else f"{cell:,.2f}"
    return f"{cell:,}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: of its file, without ending.
        caption: what it shows, with unit and source table.
        data: the figures; its file holds them all.
        words: the leading columns that are words; the others are numbers and stand right.
        most: rows that are shown, the first ones.
        shares: columns of shares, which are shown as percent.
    """

    name: str
    caption: str
    data: Data
    words: int = 1
    most: int = 40
    shares: Sequence[str] = ()

    def shown(self) -> list[list[str]]:
        """The rows as they are shown: numbers with two decimals, a dash where there is none, words on one line."""
        are_shares = [heading in self.shares for heading in self.data.headings]
        return [list(map(_shown, row, are_shares)) for row in self.data.rows[: self.most]]

    @property
    def hidden(self) -> int:
        """Rows that only the file holds."""
        return max(len(self.data.rows) - self.most, 0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture.

    Attributes:
        name: of its files, without ending.
        caption: what it shows, with unit and source table.
        alt: the picture in words, for those who do not see it.
        svg: the picture; lines and letters in the colour of the text around it.
        data: the figures behind it.
    """

    name: str
    caption: str
    alt: str
    svg: str
    data: Data


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines as they were written, by program or agents."""

    text: str

    def calm(self) -> str:
        """The text without what would steer a terminal or turn its direction."""
        return for_terminal(self.text)


@dataclass(frozen=True, slots=True)
class Folded:
    """What is shown when a reader asks for it."""

    summary: str
    blocks: Sequence[Block]


Block: TypeAlias = "Text | Facts | Table | Figure | Lines | Folded"


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer; ``anchor`` names its place."""

    anchor: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; ``notice`` says where it is not a finished run's."""

    title: str
    notice: str
    sections: Sequence[Section]
