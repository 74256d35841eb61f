"""``digest``: one SHA-256 over everything that a run decided."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.output import say
from market_agents.storage import digest


def main(argv: Sequence[str]) -> int:
    """Print a run's digest."""
    parser = parser_for(
        "digest", "One SHA-256 over everything that a run decided, the same in every database."
    )
    add_run_argument(parser)
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            say(digest(database, arguments.run_id))
        return 0

    return guarded(work)
