"""``personas``: whether roles got comparable personas, and whether agents act as theirs say."""

from __future__ import annotations

import json
from collections.abc import Sequence

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.cli.tables import table
from market_agents.output import say
from market_agents.plain_text import one_line
from market_agents.reporting import PersonaReport, persona_report

_NO_CHECK = (
    "No task revealed a trait. Put `elicitation` first in environment_order to check\n"
    "whether agents act as their personas say: docs/elicitation.md"
)


def main(argv: Sequence[str]) -> int:
    """Show a run's personas."""
    parser = parser_for(
        "personas",
        "The balance of personas over roles and, where the environment `elicitation` took part, revealed "
        "against assigned traits.",
    )
    add_run_argument(parser)
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object on one line")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            report = persona_report(database, arguments.run_id)
        say(json.dumps(report.as_dict(), ensure_ascii=True) if arguments.json else in_tables(report))
        return 0

    return guarded(work)


def in_tables(report: PersonaReport) -> str:
    """The report as tables of at most 80 columns."""
    counted = ", ".join(f"{count} {one_line(role, 20)}s" for role, count in report.roles.items())
    so_far = "" if report.status == "completed" else ", so far"
    lines = [f"run {report.run_id}: {report.status}{so_far}; {counted or 'no agents'}", ""]
    if report.balance:
        lines += [_balance(report), "", "difference: of two roles' means, in standard deviations", ""]
    elif report.roles:
        lines += ["The personas are texts without numbers: there is nothing to balance", ""]
    if not report.checks:
        return "\n".join([*lines, _NO_CHECK])
    lines += [
        _checks(report),
        "",
        "verdict: by the rank correlation (corr.) of revealed with assigned traits",
    ]
    return "\n".join(lines)


def _balance(report: PersonaReport) -> str:
    roles = list(report.roles)
    rows = [
        [
            row.trait,
            *(f"{row.means[role]:.2f}" if role in row.means else "–" for role in roles),
            _number(row.standardised_difference),
        ]
        for row in report.balance
    ]
    return table(["trait", *(one_line(role, 12) for role in roles), "difference"], rows)


def _checks(report: PersonaReport) -> str:
    headings = ["trait", "verdict", "answers", "assigned", "revealed", "corr.", "deviation", "clear"]
    rows = [
        [
            check.trait,
            check.verdict,
            f"{check.answered}/{check.agents}",
            _number(check.assigned),
            _number(check.revealed),
            _number(check.rank_correlation),
            _number(check.deviation),
            "–" if check.consistent is None else f"{check.consistent:.0%}",
        ]
        for check in report.checks
    ]
    return table(headings, rows, left=2)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
