"""``runs``: list runs, show one, compare some, delete one."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from market_agents.cli.common import (
    Place,
    add_database_flag,
    command,
    configured_url,
    guarded,
    open_configured_database,
    parser_for,
)
from market_agents.cli.tables import (
    comparison_table,
    leaderboard_table,
    resource_line,
    rounds_table,
    table,
    unconfirmed_line,
)
from market_agents.output import say
from market_agents.plain_text import one_line
from market_agents.reporting.comparison import compare_runs
from market_agents.storage import (
    Database,
    Row,
    Run,
    RunStatus,
    delete_run,
    fetch,
    find_run_id,
    forks,
    get_run,
    leaderboard,
    list_runs,
    resource_use,
    round_summaries,
    unconfirmed,
)

MOST_COMPARED = 100
_CAP = re.compile(
    r"(?P<key>budget\.max_\w+) of \$?(?P<cap>[\d,.e+-]+) leaves no room.*?: "
    r"\$?(?P<spent>[\d,.]+)[a-z ]* spent, and it may take \$?(?P<needed>[\d,.]*\d)"
)
RESUMABLE = {RunStatus.INTERRUPTED, RunStatus.BUDGET_EXHAUSTED}


def main(argv: Sequence[str]) -> int:
    """List, show, compare or delete runs."""
    parser = parser_for(
        "runs",
        "List runs; `show RUN_ID` looks at one, `compare A B ...` puts some side by side, `delete RUN_ID` removes one.",
    )
    parser.add_argument(
        "what", nargs="?", choices=["list", "show", "compare", "delete"], default="list", help="default: list"
    )
    parser.add_argument(
        "run_ids",
        nargs="*",
        metavar="RUN_ID",
        help="none for `list`, one for `show` and `delete`, two or more for `compare`; but for `delete` the beginning "
        "of an id is enough, and `latest` is the last run begun",
    )
    parser.add_argument("--json", action="store_true", help="print a comparison as one JSON list on one line")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)
    given, wanted = len(arguments.run_ids), {"list": (0, 0), "compare": (2, MOST_COMPARED)}
    fewest, most = wanted.get(arguments.what, (1, 1))
    if not fewest <= given <= most:
        parser.error(
            f"`list` takes no run id, `show` and `delete` take one, `compare` takes 2 to {MOST_COMPARED}"
        )
    if arguments.json and arguments.what != "compare":
        parser.error("--json goes with `compare`")
    return guarded(lambda: _runs(arguments))


def _runs(arguments: argparse.Namespace) -> int:
    with open_configured_database(arguments.database) as database:
        if arguments.what != "delete":  # which takes whole ids only, for it cannot be undone
            arguments.run_ids = [find_run_id(database, word) for word in arguments.run_ids]
        if arguments.what == "list":
            say(_listing(database))
        elif arguments.what == "show":
            say(_shown(database, arguments))
        elif arguments.what == "compare":
            compared = compare_runs(database, arguments.run_ids)
            found = [asdict(run) for run in compared]
            say(json.dumps(found, ensure_ascii=True) if arguments.json else comparison_table(compared))
        else:
            return _delete(database, arguments)
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
    run = get_run(database, arguments.run_ids[0])
    lines = [
        f"run {run.run_id}: {run.status}, seed {run.seed}, version {run.code_version}",
        f"started {run.started_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if run.parent_run_id:
        lines.append(f"forked from {_origin(run)}")
    children = forks(database, run.run_id)
    if children:
        lines.append(f"forks: {', '.join(children)}")
    use = resource_use(database, run.run_id)
    if use is not None:
        lines.append(resource_line(use))
    lines += filter(None, [unconfirmed_line(unconfirmed(database, run.run_id))])
    lines += _waiting_batches(fetch(database, "llm_batches", run.run_id))
    if run.error:
        lines.append(f"because: {one_line(run.error, 300)}")
    place = Place(configured_url(arguments.database), database.display)
    rounds = round_summaries(database, run.run_id)
    lines += [rounds_table(rounds), leaderboard_table(leaderboard(database, run.run_id))]
    if any(entry.has_market for entry in rounds):
        lines.append(f"every measure of its markets: {command('markets', run.run_id, place=place)}")
    resume = resume_command(run, place)
    if resume:
        lines.append(f"go on with: {resume}")
        lines += filter(None, [place.note()])
    return "\n".join(lines)


def resume_command(run: Run, place: Place) -> str:
    """The command that goes on with a run; empty where there is nothing to go on with."""
    if run.status not in RESUMABLE:
        return ""
    return command("resume", run.run_id, *_higher_cap(run), place=place)


def _waiting_batches(rows: Iterable[Row]) -> Iterator[str]:
    """The batches that had not ended when they were last looked at."""
    for row in rows:
        if row["batch_id"] is not None and row["finished_at"] is None:
            yield (
                f"waits for batch {row['batch_id']} at {row['base_url'] or 'OpenAI'}: {row['status']}, "
                f"{row['completed']} of {row['requests']} done when it was last looked at"
            )


def _higher_cap(run: Run) -> list[str]:
    """For a run that a cap stopped, that cap doubled until there is room; it need not be the configured one."""
    told = _CAP.search(run.error or "")
    if run.status is not RunStatus.BUDGET_EXHAUSTED or told is None:
        return []
    cap, spent, needed = (float(told[part].replace(",", "")) for part in ("cap", "spent", "needed"))
    enough = 2 * cap
    while enough < spent + needed:
        enough *= 2
    return ["--set", f"{told['key']}={enough:.12g}"]


def _delete(database: Database, arguments: argparse.Namespace) -> int:
    get_run(database, arguments.run_ids[0])
    if not arguments.yes:
        say(
            f"Delete run {arguments.run_ids[0]} and all its rows from {database.display}? Type yes: ",
            sys.stderr,
        )
        if sys.stdin.readline().strip().lower() != "yes":
            say("nothing was deleted", sys.stderr)
            return 2
    delete_run(database, arguments.run_ids[0])
    say(f"run {arguments.run_ids[0]} is deleted")
    return 0
