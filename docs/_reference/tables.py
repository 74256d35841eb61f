"""The data dictionary: every table and column of the database, and the views."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from docs._reference.markdown import code, prose, table
from market_agents.storage.dictionary import ROWS, Entry, dictionary


def tables() -> str:
    """The page's Markdown: a section for each table."""
    return "\n\n".join(_sections())


def _sections() -> Iterator[str]:
    for name, columns in groupby(dictionary(), lambda entry: entry.table):
        yield f"## {name}"
        yield f"A row is {prose(ROWS[name])}."
        yield table(["column", "holds", "meaning"], [_row(column) for column in columns])


def _row(column: Entry) -> list[str]:
    notes = ["key"] * column.is_key + ["may be empty"] * column.is_optional
    return [code(column.column), ", ".join([column.kind, *notes]), prose(column.meaning)]
