"""What was run, what went wrong, and how to have it again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from market_agents.plain_text import one_line
from market_agents.reporting.report.blocks import Block, Data, Facts, Folded, Lines, Section, Table, Text
from market_agents.storage import Asks, Database, Run, RunStatus, counted, digest, fetch, has_more_rows

UNHAPPY = ("interrupted", "failed", "budget_exhausted", "running")
MOST_EVENTS = 100
MOST_ROWS = 100_000


Outcomes: TypeAlias = Mapping[tuple[object, ...], Asks]
"""Asks by `OUTCOME`."""

OUTCOME = ("client", "status", "attempts")


def run_section(database: Database, run: Run, outcomes: Outcomes) -> Section:
    """The section on what was run."""
    config: Mapping[str, Any] = run.config
    whole = sum(outcomes.values(), Asks())
    rounds = config["max_rounds"]
    length = f"{rounds} round{'s' * (rounds != 1)} of {', then '.join(config['environment_order'])}"
    facts = [
        ("run", run.run_id),
        ("status", run.status.value),
        ("length", length),
        ("agents", f"{config['num_agents']:,}"),
        ("minds", _minds(database, run.run_id, outcomes)),
        ("seed", str(run.seed)),
        ("program", run.code_version),
        ("began", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("ended", _ended(run)),
        ("asks", f"{whole.asks:,}, behind them {whole.attempts:,} requests to providers"),
        ("tokens", f"{whole.prompt_tokens:,} sent, {whole.completion_tokens:,} received"),
        ("cost", "unknown: a model's price is not known" if whole.cost is None else f"${whole.cost:.4f}"),
    ]
    if run.parent_run_id:
        facts.append(("forked from", f"{run.parent_run_id} at round {run.fork_round}"))
    text = json.dumps(config, indent=2, ensure_ascii=False)
    return Section("run", "What was run?", (Facts(facts), Folded("The whole configuration", (Lines(text),))))


def _ended(run: Run) -> str:
    if run.finished_at is not None:
        return f"{run.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    return "not yet" if run.status is RunStatus.RUNNING else "before its end, with its process"


def _minds(database: Database, run_id: str, outcomes: Outcomes) -> str:
    """Which models and strategies decide, and for how many; the stand-in is named for what it is."""
    named = []
    for model, strategy, count in counted(database, "agents", run_id, ("llm_config", "strategy")):
        name = str(strategy or model)
        named.append(f"{one_line(name, 60)} ({count} agent{'s' * (count != 1)})")
    is_offline = any(client == "offline" for client, *_ in outcomes)
    note = "; offline is a rule-based stand-in, no language model" if is_offline else ""
    return ", ".join(named) + note


def trouble_section(database: Database, run: Run, outcomes: Outcomes) -> Section:
    """The section on what went wrong."""
    run_id = run.run_id
    blocks: list[Block] = []
    retried = sum(
        (int(str(attempts)) - 1) * asks.asks for (*_, attempts), asks in outcomes.items() if attempts
    )
    blocks += _counts(
        "unusable_answers",
        "Asks without a usable answer, by how they ended and why. Source: llm_requests.",
        ("ended", "reason", "asks"),
        _unusable(database, run_id, outcomes),
    )
    acts = [
        (str(environment), str(verdict), one_line(str(reason or ""), 160), count)
        for environment, verdict, reason, count in counted(
            database, "actions", run_id, ("environment", "verdict", "reason")
        )
        if verdict in {"rejected", "abstained", "failed", "withheld"}
    ]
    blocks += _counts(
        "refused_acts",
        "Acts that were refused, and turns without an act, by reason. Source: actions.",
        ("environment", "verdict", "reason", "acts"),
        acts,
    )
    if retried:
        blocks.append(Text(f"{retried} requests to providers were repeats after a failure."))
    blocks += _events(database, run_id)
    if not blocks:
        blocks.append(Text("Nothing: every ask was answered, and no act was refused."))
    return Section("trouble", "What went wrong?", blocks)


def _unusable(database: Database, run_id: str, outcomes: Outcomes) -> list[tuple[str, str, int]]:
    """How asks ended that brought nothing, why, and how many; the most first."""
    unanswered = {str(status) for (_, status, _), _ in outcomes.items() if status != "answered"}
    found: Counter[tuple[str, str]] = Counter()
    if unanswered:
        why = counted(database, "llm_requests", run_id, ("status", "reason"), {"status": unanswered})
        for status, reason, count in why:
            found[str(status), one_line(str(reason or ""), 160)] += int(str(count))
    return [(*what, count) for what, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def _counts(
    name: str, caption: str, headings: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Iterator[Table]:
    if rows:
        yield Table(name=name, caption=caption, data=Data(headings, rows), words=len(headings) - 1)


def _events(database: Database, run_id: str) -> Iterator[Block]:
    rows = [
        (row["seq"], str(row["level"]), str(row["kind"]), one_line(str(row["message"]), 300))
        for row in fetch(database, "run_events", run_id)
        if row["level"] != "info"
    ]
    if rows:
        yield Table(
            name="warnings",
            caption="Warnings of the run itself. Source: run_events.",
            data=Data(("number", "level", "kind", "message"), rows),  # type: ignore[arg-type]
            words=4,
            most=MOST_EVENTS,
        )


def origin_section(database: Database, run: Run) -> Section:
    """The section on how to have the run again."""
    return Section(
        "again",
        "How to reproduce it",
        (
            Text(
                "The digest is one SHA-256 over everything that the run decided. It is equal for any database and "
                "any number of calls in flight, and for runs that were interrupted and resumed."
            ),
            Facts(
                (
                    *_ways_on(run),
                    ("digest", _digest(database, run.run_id)),
                    ("configuration", run.config_hash),
                    ("again, without a call", f"market-agents replay {run.run_id}"),
                    ("every table", f"market-agents export {run.run_id} --format csv -o results"),
                    ("every decision", f"market-agents trace {run.run_id} --agent agent_1 --round 1"),
                )
            ),
        ),
    )


def _ways_on(run: Run) -> Sequence[tuple[str, str]]:
    """The command that goes on with a run that stopped."""
    stopped = run.status in {RunStatus.INTERRUPTED, RunStatus.BUDGET_EXHAUSTED}
    return [("go on", f"market-agents resume {run.run_id}")] if stopped else []


def _digest(database: Database, run_id: str) -> str:
    """The digest, or how to have it where reading every row would take longer than all the rest."""
    if has_more_rows(database, run_id, MOST_ROWS):
        return f"market-agents digest {run_id} computes it; the run has more than {MOST_ROWS:,} rows"
    return digest(database, run_id)
