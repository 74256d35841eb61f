"""What the pages print: their code blocks, each with the remarks that stand before it.

A remark is an HTML comment on the lines before a block; readers of the page do not see it, readers of its source do:

* ``<!-- not run: why -->``: the block is checked as far as it can be, but nothing is carried out.
* ``<!-- output -->``: what the block before printed; ``…`` stands for anything on a line, alone for any lines, and
  RUN_ID for the name of any run.
* ``<!-- exit code: 3 -->``: what the last command of a shell block must end with, where it is not 0.
* ``<!-- file: name -->``: the block is a file of that name in the folder in which the page is tried.
* ``<!-- under: llm_configs -->``: where a fragment of YAML has its place in a configuration.

A page with ``<!-- begins without a run -->`` finds no earlier run in its folder; the others find one named RUN_ID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
REMARKS = ("not run", "output", "exit code", "file", "under")
EMPTY = "<!-- begins without a run -->"

_REMARK = re.compile(r"<!-- ([a-z ]+)(?:: (.+?))? -->")
_FENCE = re.compile(r"```([\w{}-]*)(?: .*)?")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of the page, on which its text begins.
        language: the word behind the fence; empty where there is none.
        text: what stands in it.
        remarks: by their names; empty where a remark is only a name.
    """

    line: int
    language: str
    text: str
    remarks: dict[str, str] = field(default_factory=dict)


def pages() -> list[Path]:
    """Every page whose blocks are tried, in a fixed order."""
    own = [page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts]
    return sorted([*own, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md"])


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order.

    Raises:
        ValueError: a remark that nobody knows, or that stands before no block.
    """
    found: list[Block] = []
    remarks: dict[str, str] = {}
    lines = iter(enumerate(page.splitlines(), 1))
    for number, line in lines:
        remark, fence = _REMARK.fullmatch(line.strip()), _FENCE.fullmatch(line.strip())
        if fence:
            text = []
            for _, inside in lines:
                if inside.strip() == "```":
                    break
                text.append(inside)
            found.append(Block(number + 1, fence[1], "\n".join(text) + "\n", remarks))
            remarks = {}
        elif remark and line != EMPTY:
            if remark[1] not in REMARKS:
                raise ValueError(f"line {number}: no remark {remark[1]!r}; there are {', '.join(REMARKS)}")
            remarks = {**remarks, remark[1]: remark[2] or ""}
        elif remarks and line.strip():
            raise ValueError(f"line {number}: a remark stands right before its block")
    return found


def matches(told: str, shown: str) -> bool:
    """Whether output is as a page shows it; spaces at the ends of lines and empty lines do not count."""
    pattern = "".join(map(_pattern, _lines(shown)))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(told))) is not None


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:.*\n)*?"
    return re.escape(line).replace("…", ".*?").replace("RUN_ID", r"\S+") + "\n"
