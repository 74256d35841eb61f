"""How the agents thought: what each saw, learned and changed, on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from market_agents.plain_text import one_line
from market_agents.reporting.report.blocks import Block, Facts, Folded, Lines, Section, Text
from market_agents.storage import Database, fetch

Row = Mapping[str, Any]

MOST_CHARACTERS = 3_000_000
"""What a report holds of thoughts, shared evenly by the agents."""

SHOWN_OF_A_THOUGHT = 300


def mind_section(database: Database, run_id: str) -> Section:
    """The section on thoughts; says so where no mind was asked."""
    people = sorted(fetch(database, "agents", run_id), key=lambda row: int(str(row["agent_index"])))
    room = MOST_CHARACTERS // max(len(people), 1)
    told: dict[str, _Page] = {str(row["agent_id"]): _Page(room) for row in people}
    for row in fetch(database, "reflections", run_id):
        told[str(row["agent_id"])].reflect(row)
    for row in fetch(database, "perceptions", run_id):
        told[str(row["agent_id"])].perceive(row)
    pages = [_page(row, told[str(row["agent_id"])]) for row in people]
    blocks: list[Block] = [page for page in pages if page is not None]
    if not blocks:
        blocks.append(Text("No mind was asked to perceive or to reflect, or nothing is stored yet."))
    return Section("minds", "How did the agents think?", blocks)


class _Page:
    """What is told of one agent, within its share of the room."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._entries: list[tuple[int, int, str, str]] = []
        self._strategies: dict[str, str] = {}
        self.changes = 0

    def reflect(self, row: Row) -> None:
        strategy = str(row["strategy_update"] or "")
        if strategy != self._strategies.get(row["environment"]):
            self.changes += row["environment"] in self._strategies
            self._strategies[row["environment"]] = strategy
            plan = f" From now on: {one_line(strategy, SHOWN_OF_A_THOUGHT)}"
        else:
            plan = ""
        earned = (
            ""
            if row["environment_reward"] is None
            else f", earned {row['environment_reward']:.0%} of equilibrium"
        )
        marks = f" (own mark {row['self_reward']:.2f}{earned})" if row["self_reward"] is not None else ""
        text = f"learned{marks}: {one_line(str(row['reflection']), SHOWN_OF_A_THOUGHT)}{plan}"
        self._entries.append((row["round"], row["sub_round"] * 2 + 1, row["environment"], text))

    def perceive(self, row: Row) -> None:
        sure = "" if row["confidence"] is None else f" ({row['confidence']:.0%} sure)"
        text = (
            f"saw: {one_line(str(row['monologue']), SHOWN_OF_A_THOUGHT)} "
            f"Intended{sure}: {one_line(str(row['strategy']), SHOWN_OF_A_THOUGHT)}"
        )
        self._entries.append((row["round"], row["sub_round"] * 2, row["environment"], text))

    @property
    def rounds(self) -> int:
        return len({entry[0] for entry in self._entries})

    def lines(self) -> Iterator[str]:
        left = self._room
        ordered = sorted(self._entries, key=lambda entry: (entry[0], entry[2], entry[1]))
        for place, (number, _, environment, text) in enumerate(ordered):
            line = f"round {number}, {environment} {text}"
            left -= len(line)
            if left < 0:
                yield f"… {len(ordered) - place} more in the tables perceptions and reflections"
                return
            yield line


def _page(row: Row, page: _Page) -> Folded | None:
    lines = "\n".join(page.lines())
    if not lines:
        return None
    facts = [
        ("role", str(row["role"])),
        ("decides by", one_line(str(row["strategy"] or row["llm_config"]), 60)),
        ("rounds with thoughts", str(page.rounds)),
        ("changes of strategy", str(page.changes)),
    ]
    name = one_line(str(row["name"]), 60)
    return Folded(f"{row['agent_id']}, {name}", (Facts(facts), Lines(lines)))
