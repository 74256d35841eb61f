"""The report of a run: what was run, whether the market worked, what was said and thought, what went wrong.

Made from storage alone, of a run that goes on as well as of one that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from market_agents.errors import UserError
from market_agents.plain_text import one_line
from market_agents.reporting.conversation import conversation_report
from market_agents.reporting.records import read_talks
from market_agents.reporting.report.blocks import Report
from market_agents.reporting.report.markdown import as_markdown
from market_agents.reporting.report.market import Baseline, market_section
from market_agents.reporting.report.minds import mind_section
from market_agents.reporting.report.origin import OUTCOME, origin_section, run_section, trouble_section
from market_agents.reporting.report.page import as_html
from market_agents.reporting.report.pdf import as_pdf
from market_agents.reporting.report.records import Market, Regime, read_markets
from market_agents.reporting.report.said import read_said
from market_agents.reporting.report.talk import talk_section
from market_agents.storage import Database, RunStatus, asks_by, get_run, leaderboard, replace_file

__all__ = ["Baseline", "Regime", "ReportFormat", "make_report", "write_report"]

ReportFormat = Literal["html", "md", "pdf"]

MOST_BASELINES = 10
"""Stretches of rounds for which zero intelligence is simulated, the first ones."""


def make_report(
    database: Database, run_id: str, baseline: Callable[[Regime], Baseline | None] | None = None
) -> Report:
    """Everything that a report tells, before it has a form.

    Args:
        database: where the run is.
        run_id: the run, finished or not.
        baseline: what zero intelligence reaches with the values and costs of a stretch of rounds.

    Raises:
        RunRefused: no such run.
    """
    run = get_run(database, run_id)
    outcomes = asks_by(database, run_id, OUTCOME)
    markets = read_markets(database, run_id)
    said = read_said(database, run_id)
    talks = read_talks(database, run_id, said.told)
    notice = ""
    if run.status != RunStatus.COMPLETED:
        notice = f"This run is {run.status.value}: the report covers what is stored so far."
        notice += f" {one_line(run.error, 500)}" if run.error else ""
    return Report(
        title=f"MarketAgents run {run_id}",
        notice=notice,
        sections=(
            run_section(database, run, outcomes),
            market_section(markets, leaderboard(database, run_id), _baselines(markets, baseline)),
            talk_section(said, talks, conversation_report(database, run_id, talks).conversations),
            mind_section(database, run_id),
            trouble_section(database, run, outcomes),
            origin_section(database, run),
        ),
    )


def _baselines(
    markets: Sequence[Market], baseline: Callable[[Regime], Baseline | None] | None
) -> dict[tuple[str, str, int], Baseline]:
    found: dict[tuple[str, str, int], Baseline] = {}
    if baseline is not None:
        for regime in [regime for market in markets for regime in market.regimes][:MOST_BASELINES]:
            reached = baseline(regime)
            if reached is not None:
                found[regime.environment, regime.good, regime.first] = reached
    return found


def write_report(report: Report, path: Path, form: ReportFormat) -> list[Path]:
    """Write a report; each file is there whole or not at all.

    Args:
        report: from `make_report`.
        path: the file. Markdown has a folder of the same name for its pictures beside it.
        form: ``html``, ``md`` or ``pdf``.

    Returns:
        The files.

    Raises:
        UserError: the file cannot be written, or what its form needs is not installed.
    """
    if form not in get_args(ReportFormat):
        raise UserError(f"{form!r} is no form of a report: choose {' or '.join(get_args(ReportFormat))}")
    folder = path.with_name(f"{path.stem}_files")
    content, files = _formed(report, form, folder.name)
    try:
        if files:
            folder.mkdir(exist_ok=True)
        targets = {**{folder / name: text.encode() for name, text in files.items()}, path: content}
        return [replace_file(target, partial(_write, content)) for target, content in targets.items()]
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another with -o") from error


def _formed(report: Report, form: ReportFormat, folder: str) -> tuple[bytes, Mapping[str, str]]:
    """The content of the report's file and, by name, of those beside it."""
    match form:
        case "html":
            return as_html(report).encode(), {}
        case "pdf":
            return as_pdf(report), {}
        case "md":
            text, files = as_markdown(report, folder)
            return text.encode(), files


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)
