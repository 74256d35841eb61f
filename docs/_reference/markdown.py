"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a heading; cells are Markdown on one line, in which bars are escaped here."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(text: str) -> str:
    """Plain text as Markdown: words between backticks are code, other markup is escaped, line ends are spaces."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:  # a backtick without its other one
        parts = ["'".join(parts)]
    return "".join(code(part) if place % 2 else _escaped(part) for place, part in enumerate(parts))


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\*_<>[]#$" else sign for sign in text)


def code(text: str) -> str:
    """A word as code; text without backticks."""
    return f"`{text}`"
