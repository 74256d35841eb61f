"""``report``: a run as one page that can be read anywhere."""

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
from market_agents.cli.garbage import uncollected
from market_agents.experiments.baselines import baselines_of
from market_agents.output import say
from market_agents.reporting.report import make_report, write_report
from market_agents.storage import get_run


def main(argv: Sequence[str]) -> int:
    """Write the report of a run."""
    parser = parser_for(
        "report",
        "Write the report of a run, finished or not: one HTML file that needs no network and no other file, "
        "Markdown with its pictures beside it, or PDF (extra pdf).",
    )
    add_run_argument(parser)
    parser.add_argument("--format", choices=["html", "md", "pdf"], default="html", help="default: html")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: report.html, .md or .pdf in this folder"
    )
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    path: Path = arguments.output or Path(f"report.{arguments.format}")

    def work() -> int:
        with open_database_of_run(arguments) as database:
            report = make_report(
                database, arguments.run_id, baselines_of(get_run(database, arguments.run_id).config)
            )
        write_report(report, path, arguments.format)
        say(f"the report of run {arguments.run_id} is in {path}")
        return 0

    with uncollected():
        return guarded(work)
