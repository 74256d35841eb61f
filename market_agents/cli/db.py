"""``db``: bring the database to this version's schema, check it, back it up, or make one from a backup."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from market_agents.cli.common import (
    add_database_flag,
    configured_url,
    guarded,
    open_configured_database,
    parser_for,
)
from market_agents.output import counted, say
from market_agents.storage import back_up, check_database, restore, upgrade_database
from market_agents.storage.address import parse_address


def main(argv: Sequence[str]) -> int:
    """Upgrade, check, back up or restore the database."""
    parser = parser_for(
        "db", "Bring the database to this version's schema, check it, copy it to a FILE, or make it from one."
    )
    parser.add_argument("what", choices=["upgrade", "check", "backup", "restore"], help="what to do")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of `backup` and `restore`")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    if (arguments.what in {"backup", "restore"}) != (arguments.file is not None):
        parser.error("`backup` and `restore` take a file, `upgrade` and `check` take none")
    return guarded(lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    if arguments.what == "backup":
        with open_configured_database(arguments.database) as database:
            rows = back_up(database, arguments.file)
            say(f"{database.display} is saved in {arguments.file}: {_told(rows)}")
        return 0
    url = configured_url(arguments.database)
    if arguments.what == "restore":
        rows = restore(arguments.file, url)
        say(f"{parse_address(url).display} is made from {arguments.file}: {_told(rows)}")
    else:
        say(upgrade_database(url) if arguments.what == "upgrade" else check_database(url))
    return 0


def _told(rows: dict[str, int]) -> str:
    return f"{counted(rows['runs'], 'run')}, {counted(sum(rows.values()), 'row')}"
