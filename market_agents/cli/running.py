"""Carrying out a run from the command line: what is shown before, during and after it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from market_agents.cli.common import Place, command, guarded
from market_agents.cli.tables import leaderboard_table, resource_line, rounds_table, unconfirmed_line
from market_agents.errors import (
    BudgetExhausted,
    DatabaseMoved,
    ExitCode,
    Interrupted,
    MarketAgentsError,
    Stopped,
    UserError,
)
from market_agents.logger_utils import console_for, log_for_run, set_up_logging, show_banner
from market_agents.meta_orchestrator import MetaOrchestrator, RunResult
from market_agents.output import counted, say
from market_agents.plain_text import one_line
from market_agents.run_view import RunView, can_show
from market_agents.storage import (
    Database,
    RoundSummary,
    Unconfirmed,
    fetch,
    get_run,
    leaderboard,
    open_again,
    resource_use,
    round_summaries,
    totals,
    unconfirmed,
)

MOST_NAMED = 5
"""Models without a price that the last lines name; their names are what servers say."""


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Flags about how a run sounds."""
    parser.add_argument(
        "--quiet", action="store_true", help="say nothing while the run goes, and little at its end"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object on one line")
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE", help="also write every record as a JSON line"
    )


def sound(arguments: argparse.Namespace) -> Console:
    """Set up the console and the log file before anything can go wrong."""
    quiet = arguments.quiet or arguments.json
    console = console_for(sys.stderr)
    try:
        set_up_logging(console, quiet=quiet, log_file=arguments.log_file)
    except OSError as error:
        say(
            f"market-agents: the log file {arguments.log_file} cannot be written: {error.strerror}",
            sys.stderr,
        )
        raise SystemExit(2) from error
    return console


def carry_out(orchestrator: MetaOrchestrator, arguments: argparse.Namespace, console: Console) -> int:
    """Run, showing progress, and tell what came of it and what to type next.

    Args:
        orchestrator: ready to run.
        arguments: with the output flags.
        console: the one that records are shown on, for the view of the run has to give way to them.
    """
    quiet = arguments.quiet or arguments.json
    log_for_run(orchestrator.run_id, orchestrator.redact)
    if not quiet:
        show_banner(console)
        orchestrator.display.run(f"run {orchestrator.run_id}, seed {orchestrator.seed}")
        for name in _stand_ins(orchestrator):
            orchestrator.display.run(f"{name} is the rule-based stand-in, no language model")

    def run() -> int:
        with nullcontext() if quiet else _view(orchestrator, console):
            result = orchestrator.run()
        _tell(result, orchestrator, arguments)
        return 0

    def next_step(error: BaseException) -> str:
        return _next_step(error, orchestrator, arguments)

    orchestrator.last_words = lambda: next_step(Interrupted(ExitCode.INTERRUPTED))
    return guarded(run, next_step, orchestrator.redact)


def _stand_ins(orchestrator: MetaOrchestrator) -> list[str]:
    return [entry.name for entry in orchestrator.config.llm_configs if entry.client == "offline"]


def _view(orchestrator: MetaOrchestrator, console: Console) -> AbstractContextManager[object]:
    """A view of the run on a terminal; elsewhere, and where a build server lends one, the records are enough."""
    if os.environ.get("CI") or not can_show(console):
        return nullcontext()
    view = RunView(console, orchestrator.door, orchestrator.display.scale, orchestrator.redact)
    orchestrator.display.watcher = view.scene
    return view


def _tell(result: RunResult, orchestrator: MetaOrchestrator, arguments: argparse.Namespace) -> None:
    """The result: one JSON line, one plain line, or the tables with the commands to look further."""
    database = open_again(orchestrator.database_url)
    try:
        rounds = round_summaries(database, result.run_id)
        leaders = leaderboard(database, result.run_id)
        use = resource_use(database, result.run_id)
        perhaps = unconfirmed(database, result.run_id)
    finally:
        database.close()
    if arguments.json:
        say(_json(result, rounds, perhaps))
        return
    if not arguments.quiet:
        say(rounds_table(rounds))
        say(leaderboard_table(leaders))
        if use is not None:
            say(f"The run {resource_line(use)}")
    say(_closing_lines(result, perhaps, _place(orchestrator), quiet=arguments.quiet))


def _json(result: RunResult, rounds: Sequence[RoundSummary], perhaps: Unconfirmed) -> str:
    """The result on one line, for programs."""
    summary = {
        **result.as_dict(),
        "trades": sum(entry.trades for entry in rounds),
        "messages": sum(entry.messages for entry in rounds),
        "efficiency": [entry.efficiency for entry in rounds],
        "unconfirmed_calls": perhaps.attempts,
        "unconfirmed_cost": float(perhaps.cost),
    }
    return json.dumps(summary, ensure_ascii=False)


def stored_json(database: Database, run_id: str) -> str:
    """The same line for a run that was over before this program began."""
    run, rounds = get_run(database, run_id), round_summaries(database, run_id)
    asks = totals(database, run_id).whole
    unpriced: set[str] = set()
    if asks.cost is None:
        unpriced = {
            str(row["returned_model"] or row["requested_model"])
            for row in fetch(database, "llm_requests", run_id)
            if row["cost"] is None
        }
    result = RunResult(
        run_id=run_id,
        status=run.status.value,
        database=database.display,
        seed=run.seed,
        rounds=len(rounds),
        asks=asks.asks,
        model_calls=asks.attempts,
        replayed=asks.asks,
        prompt_tokens=asks.prompt_tokens,
        cached_tokens=asks.cached_tokens,
        completion_tokens=asks.completion_tokens,
        cost=sum((entry.cost for entry in rounds if entry.cost is not None), Decimal(0)),
        unpriced=tuple(sorted(unpriced)),
    )
    return _json(result, rounds, unconfirmed(database, run_id))


def _closing_lines(result: RunResult, perhaps: Unconfirmed, place: Place, *, quiet: bool) -> str:
    lines = [
        f"Run {result.run_id} {result.status}: {counted(result.rounds, 'round')}, {counted(result.asks, 'ask')} "
        f"({counted(result.model_calls, 'call')}, {_paid_before(result)}), {_cost(result)}",
        *filter(None, [unconfirmed_line(perhaps)]),
        f"Results are in {result.database}",
    ]
    if not quiet:
        lines += [
            "Look further:",
            f"  {command('report', result.run_id, place=place)}",
            f"  {command('digest', result.run_id, place=place)}",
            f"  {command('export', result.run_id, '--format', 'csv', '-o', 'results', place=place)}",
        ]
        lines += filter(None, [place.note()])
    return "\n".join(lines)


def _paid_before(result: RunResult) -> str:
    told = f"{result.replayed} from the journal"
    return f"{told}, {result.from_cache} from the cache" if result.from_cache else told


def _cost(result: RunResult) -> str:
    """Dollars as far as prices are known, and which are not."""
    if not result.unpriced:
        return f"${result.cost:.4f}"
    known = f"${result.cost:.4f} and an unknown cost" if result.cost else "cost unknown"
    named = [one_line(name, 60) for name in result.unpriced[:MOST_NAMED]]
    if len(result.unpriced) > MOST_NAMED:
        named.append(f"{len(result.unpriced) - MOST_NAMED} more")
    return f"{known} (no price for {', '.join(named)})"


def _place(orchestrator: MetaOrchestrator) -> Place:
    return Place(orchestrator.database_url, orchestrator.database_display)


def _next_step(error: BaseException, orchestrator: MetaOrchestrator, arguments: argparse.Namespace) -> str:
    """How to go on after a stop, where there is something to go on with."""
    if isinstance(error, UserError) or not orchestrator.run_is_stored:
        return ""
    place = _place(orchestrator)
    if isinstance(error, DatabaseMoved) and error.rescued:
        place = Place(error.rescued, error.rescued)
    if isinstance(error, MarketAgentsError) and not isinstance(error, Stopped):
        told = f"look at it with: {command('runs', 'show', orchestrator.run_id, place=place)}"
    else:
        verb = "replay" if orchestrator.start.replay else "resume"
        settings = _settings(error, orchestrator, arguments)
        told = f"go on with: {command(verb, orchestrator.run_id, *settings, place=place)}"
    return "\n".join([*_still_waiting(orchestrator), told, *filter(None, [place.note()])])


def _still_waiting(orchestrator: MetaOrchestrator) -> list[str]:
    """The batches that nobody here waits for any more."""
    return [
        f"batch {batch.batch_id} goes on at {batch.address} ({batch.done} of {batch.total} done): the resumed run "
        "fetches its answers; cancelled there, it keeps those that it has"
        for batch in orchestrator.door.batches.values()
    ]


def _settings(
    error: BaseException, orchestrator: MetaOrchestrator, arguments: argparse.Namespace
) -> list[str]:
    """What a resume needs to be told again, and a cap that lets it go on."""
    given: list[str] = []
    words: list[str] = (
        ["--force"] if orchestrator.start.force and arguments.run_id == orchestrator.run_id else []
    )
    if orchestrator.start.resume:
        given += arguments.overrides
        words += ["--config", str(arguments.config)] if arguments.config else []
    if isinstance(error, BudgetExhausted):
        given = [text for text in given if text.partition("=")[0].strip() != error.key]
        given.append(f"{error.key}={error.enough}")
    return words + [word for text in given for word in ("--set", text)]
