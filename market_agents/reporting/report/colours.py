"""The colours of reports and of the live page, each for light and for dark surroundings.

What is drawn keeps Okabe and Ito's hues, told apart in every common kind of colour blindness, as dark or as light as it
takes to stand out from the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SURFACES: Mapping[str, tuple[str, str]] = {
    "page": ("#ffffff", "#14181d"),
    "tint": ("#f4f6f8", "#1d232a"),
    "warn": ("#fff3d6", "#4a3a10"),
    "line": ("#d5dae0", "#3a424c"),
}
"""What letters and pictures stand on, and the lines between them."""

LETTERS: Mapping[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "faint": ("#5b6470", "#a3adb8"),
    "link": ("#0058a3", "#7cc0ff"),
}

DRAWN: Mapping[str, tuple[str, str]] = {
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#b86e00", "#e69f00"),
    "green": ("#00855f", "#1fb58c"),
    "red": ("#c04a00", "#ff8a4c"),
    "purple": ("#b05a8c", "#cc79a7"),
    "sky": ("#3d95c9", "#a3d5f2"),
}
"""The colours of charts."""

_ALL = {**SURFACES, **LETTERS, **DRAWN}
_PAINT = re.compile(r"var\(--\w+, (#[0-9a-f]{6})\)")


def paint(name: str) -> str:
    """A colour of a chart, as an attribute of a picture names it; where there is no style, that of light pages."""
    return f"var(--{name}, {DRAWN[name][0]})"


def unstyled(text: str) -> str:
    """The text with the colours of light pages in the place of names, for programs that know no names."""
    return _PAINT.sub(r"\1", text)


def for_page() -> str:
    """The names of all colours as CSS that follows the reader's system; paper is light."""
    light, dark = (_declared(place) for place in (0, 1))
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n  :root {{ {dark} }}\n}}\n"
    )


def for_choice() -> str:
    """The same as CSS that follows ``color-scheme``, which a reader can choose."""
    both = " ".join(f"--{name}: light-dark({light}, {dark});" for name, (light, dark) in _ALL.items())
    return f":root {{ color-scheme: light dark; {both} }}\n"


def _declared(place: int) -> str:
    return " ".join(f"--{name}: {pair[place]};" for name, pair in _ALL.items())
