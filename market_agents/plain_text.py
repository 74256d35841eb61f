"""Text from outside made safe once at the boundary: storable in any database, inert on any terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""A spreadsheet may run a cell that begins like this; the last is there so that the cure can be undone."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CALM = re.compile(r"[\n\t -~]*")
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d).*?(?:\x07|\x1b\\|\x9c|$)", re.DOTALL
)
_UNCALM = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but line ends and tabs, surrogates, and what turns the direction of text."""


def clean(text: str) -> str:
    """Replace what some database cannot hold, NUL and lone surrogates, by U+FFFD; all else stays."""
    if text.isascii() and "\x00" not in text:
        return str.__str__(text)  # most texts by far, in a fifth of the time
    return _UNSTORABLE.sub(REPLACEMENT, text)


def escaped(text: str) -> str:
    """The text losslessly in ASCII, as a Python string literal without its quotes."""
    return text.encode("unicode_escape", "surrogatepass").decode("ascii")


def for_terminal(text: str) -> str:
    """The text without escape sequences, control characters and direction overrides; line ends and tabs stay."""
    if _CALM.fullmatch(text):
        return text  # nearly all text, and looking at each character takes its time
    return _UNCALM.sub("", _ESCAPE_SEQUENCE.sub("", text))


def spreadsheet_safe(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet might take it for a formula.

    Taking one leading apostrophe away always restores the original.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def one_line(text: str, width: int) -> str:
    """The text on one line of at most ``width`` characters, safe for a terminal, cut with an ellipsis."""
    line = " ".join(for_terminal(text).split())
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def amount(value: Decimal | None) -> str:
    """Money with two decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def _named(value: object) -> str:
    """What stands in for a value that JSON cannot hold."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        return "an integer beyond 53 bits"
    return f"a value of type {type(value).__name__}"


def storable(value: object, *, depth: int = 8, items: int = 1_000) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    """A copy that any database keeps as JSON: texts cleaned, numbers that JSON cannot hold as text.

    Raises:
        ValueError: nested deeper than ``depth``, or more than ``items`` values in all.
    """
    left = [items]

    def copy(part: object, level: int) -> Any:  # noqa: ANN401  (as above)
        left[0] -= 1
        if level < 0 or left[0] < 0:
            raise ValueError(f"nested deeper than {depth} or more than {items} values")
        if part is None or isinstance(part, bool):
            return part
        if isinstance(part, str):
            return clean(part)
        if isinstance(part, int | float) and abs(part) < 2**53 and math.isfinite(part):
            return part
        if isinstance(part, Mapping):
            return {clean(str(key)[:200]): copy(item, level - 1) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return [copy(item, level - 1) for item in part]
        return _named(part)

    return copy(value, depth)
