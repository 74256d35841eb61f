"""The fault table of docs/reliability.md: which tests hold which promise, so that ``pytest -k L01`` finds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"

_ROW = re.compile(r"^\| ([A-Z]\d\d(?:, [A-Z]\d\d)*) \|.*\| ([^|]*) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)`::(test_\w+)")


@cache
def known_faults() -> Mapping[str, frozenset[tuple[str, str]]]:
    """File below ``tests`` and name of the tests of each fault."""
    table: dict[str, set[tuple[str, str]]] = {}
    for ids, named in _ROW.findall(PAGE.read_text("utf-8")):
        for one in ids.split(", "):
            table.setdefault(one, set()).update(_TEST.findall(named))
    return {one: frozenset(tests) for one, tests in table.items()}


def ids_of(path: Path, name: str) -> frozenset[str]:
    """The faults that a test is about."""
    try:
        place = path.relative_to(ROOT / "tests").as_posix()
    except ValueError:
        return frozenset()
    return frozenset(one for one, tests in known_faults().items() if (place, name) in tests)
