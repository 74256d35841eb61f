"""``export``: a run's tables as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.output import say
from market_agents.storage import export_run


def main(argv: Sequence[str]) -> int:
    """Export a run."""
    parser = parser_for("export", "Write every table of a run to a folder.")
    add_run_argument(parser)
    parser.add_argument("--format", choices=["csv", "jsonl", "parquet"], default="csv", help="default: csv")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write to"
    )
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            files = export_run(database, arguments.run_id, arguments.format, arguments.output)
        [meanings] = [file for file in files if file.stem == "data_dictionary"]
        say(
            f"run {arguments.run_id} is in {arguments.output}: {len(files) - 1} tables, and {meanings.name} tells what "
            "each column means"
        )
        return 0

    return guarded(work)
