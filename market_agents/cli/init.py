"""``init``: the files that one begins with, in a folder of one's own."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from market_agents.cli.common import DEFAULT_CONFIG, guarded, parser_for
from market_agents.errors import UserError
from market_agents.output import say

SHIPPED = {
    DEFAULT_CONFIG: "a first run, and every key",
    "orchestrator_config.schema.json": "for editors",
    ".env.example": "to be copied to .env, for keys of models and a database",
}
"""The files by name, and what each is for. A wheel holds them beside the package's code, a checkout above it."""

_PACKAGE = Path(__file__).parents[1]


def main(argv: Sequence[str]) -> int:
    """Write the files."""
    parser = parser_for(
        "init",
        f"Write {DEFAULT_CONFIG}, its schema for editors and .env.example into a folder. A file that is there already "
        "stays as it is.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="made if missing; default: this one",
    )
    arguments = parser.parse_args(argv)
    return guarded(lambda: _init(arguments))


def _init(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    lines = []
    for name, purpose in SHIPPED.items():
        target = folder / name
        if target.exists():
            lines.append(f"kept   {name}, which was there")
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shipped(name), target)
        except OSError as error:
            raise UserError(
                f"{target} cannot be written ({error.strerror}): choose another folder"
            ) from error
        lines.append(f"wrote  {name}: {purpose}")
    where = "" if folder == Path() else f"go to {folder} and "
    say("\n".join([*lines, f"now {where}type: market-agents run"]))
    return 0


def shipped(name: str) -> Path:
    """Where a file of `SHIPPED` lies in this installation."""
    beside = _PACKAGE / "shipped" / name
    return beside if beside.exists() else _PACKAGE.parent / name
