"""``runs``: list runs, show one, delete one."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence

from market_agents.cli.common import (
    Place,
    add_database_flag,
    command,
    configured_url,
    guarded,
    open_configured_database,
    parser_for,
)
from market_agents.cli.tables import leaderboard_table, rounds_table, table
from market_agents.logger_utils import say
from market_agents.plain_text import one_line
from market_agents.storage import (
    Database,
    Run,
    RunStatus,
    delete_run,
    forks,
    get_run,
    leaderboard,
    list_runs,
    round_summaries,
)

RESUMABLE = {RunStatus.INTERRUPTED, RunStatus.BUDGET_EXHAUSTED}


def main(argv: Sequence[str]) -> int:
    """List, show or delete runs."""
    parser = parser_for("runs", "List runs; `show RUN_ID` looks at one, `delete RUN_ID` removes one.")
    parser.add_argument("what", nargs="?", choices=["list", "show", "delete"], default="list")
    parser.add_argument("run_id", nargs="?", metavar="RUN_ID")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    if (arguments.what == "list") != (arguments.run_id is None):
        parser.error("`list` takes no run id, `show` and `delete` take one")
    return guarded(lambda: _runs(arguments))


def _runs(arguments: argparse.Namespace) -> int:
    database = open_configured_database(arguments.database)
    try:
        if arguments.what == "list":
            say(_listing(database))
        elif arguments.what == "show":
            say(_shown(database, arguments))
        else:
            return _delete(database, arguments)
    finally:
        database.close()
    return 0


def _listing(database: Database) -> str:
    runs = list_runs(database)
    if not runs:
        return f"no runs in {database.display}"
    family = any(run.parent_run_id for run in runs)
    rows = [
        [
            run.run_id,
            run.status,
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            *([_origin(run)] if family else []),
            str(run.seed),
        ]
        for run in runs
    ]
    origin = ["forked from"] if family else []
    return table(["run", "status", "started (UTC)", *origin, "seed"], rows, left=3 + len(origin))


def _origin(run: Run) -> str:
    return f"{run.parent_run_id} at round {run.fork_round}" if run.parent_run_id else ""


def _shown(database: Database, arguments: argparse.Namespace) -> str:
    run = get_run(database, arguments.run_id)
    lines = [
        f"run {run.run_id}: {run.status}, seed {run.seed}, version {run.code_version}",
        f"started {run.started_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if run.parent_run_id:
        lines.append(f"forked from {_origin(run)}")
    children = forks(database, run.run_id)
    if children:
        lines.append(f"forks: {', '.join(children)}")
    if run.error:
        lines.append(f"because: {one_line(run.error, 300)}")
    lines += [
        rounds_table(round_summaries(database, run.run_id)),
        leaderboard_table(leaderboard(database, run.run_id)),
    ]
    if run.status in RESUMABLE:
        place = Place(configured_url(arguments.database), database.display)
        lines.append(f"go on with: {command('resume', run.run_id, *_higher_cap(run), place=place)}")
        lines += filter(None, [place.note()])
    return "\n".join(lines)


def _higher_cap(run: Run) -> list[str]:
    """For a run that a cap stopped, twice that cap."""
    named = re.search(r"budget\.(max_\w+)", run.error or "")
    if run.status is not RunStatus.BUDGET_EXHAUSTED or named is None:
        return []
    budget = run.config.get("budget")
    cap = budget.get(named[1]) if isinstance(budget, Mapping) else None
    return ["--set", f"{named[0]}={2 * cap:.12g}"] if isinstance(cap, int | float) else []


def _delete(database: Database, arguments: argparse.Namespace) -> int:
    get_run(database, arguments.run_id)
    if not arguments.yes:
        say(f"Delete run {arguments.run_id} and all its rows from {database.display}? Type yes: ", sys.stderr)
        if sys.stdin.readline().strip().lower() != "yes":
            say("nothing was deleted", sys.stderr)
            return 2
    delete_run(database, arguments.run_id)
    say(f"run {arguments.run_id} is deleted")
    return 0
