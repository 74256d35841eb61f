"""How the agents thought: what each saw, learned and changed, on a page of its own with its decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from market_agents.plain_text import one_line
from market_agents.reporting.report.blocks import Block, Facts, Folded, Lines, Section, Text
from market_agents.reporting.report.decisions import Decisions, read_decisions
from market_agents.reporting.report.said import spread
from market_agents.storage import Database, Thinking, counted, fetch, thinking

Row = Mapping[str, Any]

MOST_PAGES = 300
"""Agents with a page, the first ones."""

MOST_THOUGHTS = 4_000
"""Thoughts that are read, of whole rounds; what a report costs does not grow with the run."""

SHOWN_OF_A_THOUGHT = 300

PLACE = ("round", "environment", "sub_round", "agent_id")
PERCEIVED = ("monologue", "strategy", "confidence")
REFLECTED = ("reflection", "strategy_update", "self_reward", "environment_reward")


def mind_section(database: Database, run_id: str) -> Section:
    """The section on thoughts and decisions; says so where no mind was asked."""
    everybody = sorted(fetch(database, "agents", run_id), key=lambda row: int(str(row["agent_index"])))
    people = everybody[:MOST_PAGES]
    thoughts = thinking(database, run_id)
    rounds = _rounds(database, run_id)
    told = spread(list(rounds), max(MOST_THOUGHTS * len(rounds) // max(sum(rounds.values()), 1), 1))
    lines = _lines(database, run_id, told)
    decisions = read_decisions(database, run_id, [str(row["agent_id"]) for row in people])
    blocks: list[Block] = [Text(_summary(thoughts, told, rounds, decisions))]
    if len(everybody) > len(people):
        blocks.append(Text(f"The first {len(people)} of {len(everybody)} agents have a page here."))
    for row in people:
        agent_id = str(row["agent_id"])
        thought = thoughts.get(agent_id, Thinking())
        if thought.rounds or agent_id in decisions:
            blocks.append(_page(row, thought, lines.get(agent_id, ()), decisions))
    return Section("minds", "How did the agents think?", blocks)


def _rounds(database: Database, run_id: str) -> dict[int, int]:
    """Thoughts by round, in order."""
    found: dict[int, int] = {}
    for table in ("perceptions", "reflections"):
        for number, count in counted(database, table, run_id, ("round",)):
            found[int(str(number))] = found.get(int(str(number)), 0) + int(str(count))
    return dict(sorted(found.items()))


def _summary(
    thoughts: Mapping[str, Thinking], told: Sequence[int], rounds: Mapping[int, int], decisions: Decisions
) -> str:
    if not thoughts:
        text = "No mind was asked to perceive or to reflect, or nothing is stored yet."
    elif len(told) < len(rounds):
        text = (
            f"Thoughts of {len(told)} of {len(rounds)} rounds are told, evenly spread from the first to the last; "
            "the tables perceptions and reflections have them all."
        )
    else:
        text = "One page an agent."
    return f"{text} {decisions.summary}".rstrip()


def _lines(database: Database, run_id: str, told: Sequence[int]) -> dict[str, list[str]]:
    """What each agent thought in some rounds, a line a thought."""
    found: list[tuple[int, str, int, bool, Row]] = []
    for table, columns, looks_back in (("perceptions", PERCEIVED, False), ("reflections", REFLECTED, True)):
        rows: Iterator[Row] = fetch(database, table, run_id, {"round": list(told)}, (*PLACE, *columns))
        found += [(row["round"], row["environment"], row["sub_round"], looks_back, row) for row in rows]
    found.sort(key=lambda entry: entry[:4])
    lines: dict[str, list[str]] = {}
    for number, environment, _, looks_back, row in found:
        line = f"round {number}, {environment} {_learned(row) if looks_back else _saw(row)}"
        lines.setdefault(str(row["agent_id"]), []).append(line)
    return lines


def _learned(row: Row) -> str:
    earned = (
        ""
        if row["environment_reward"] is None
        else f", earned {row['environment_reward']:.0%} of equilibrium"
    )
    marks = f" (own mark {row['self_reward']:.2f}{earned})" if row["self_reward"] is not None else ""
    learned = one_line(str(row["reflection"]), SHOWN_OF_A_THOUGHT)
    return (
        f"learned{marks}: {learned} From now on: {one_line(str(row['strategy_update']), SHOWN_OF_A_THOUGHT)}"
    )


def _saw(row: Row) -> str:
    sure = "" if row["confidence"] is None else f" ({row['confidence']:.0%} sure)"
    saw = one_line(str(row["monologue"]), SHOWN_OF_A_THOUGHT)
    return f"saw: {saw} Intended{sure}: {one_line(str(row['strategy']), SHOWN_OF_A_THOUGHT)}"


def _page(row: Row, thought: Thinking, lines: Sequence[str], decisions: Decisions) -> Folded:
    agent_id = str(row["agent_id"])
    facts = [
        ("role", str(row["role"])),
        ("decides by", one_line(str(row["strategy"] or row["llm_config"]), 60)),
        ("rounds with thoughts", str(thought.rounds)),
        ("changes of strategy", str(thought.changes)),
    ]
    return Folded(
        f"{agent_id}, {one_line(str(row['name']), 60)}", tuple(_blocks(agent_id, facts, lines, decisions))
    )


def _blocks(
    agent_id: str, facts: Sequence[tuple[str, str]], lines: Sequence[str], decisions: Decisions
) -> Iterator[Block]:
    yield Facts((*facts, *decisions.facts(agent_id)))
    if lines:
        yield Lines("\n".join(lines))
    yield from decisions.blocks(agent_id)
