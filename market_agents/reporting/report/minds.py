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
        told[str(row["agent_id"])].add(row, looks_back=True)
    for row in fetch(database, "perceptions", run_id):
        told[str(row["agent_id"])].add(row, looks_back=False)
    pages = [_page(row, told[str(row["agent_id"])]) for row in people]
    blocks: list[Block] = [page for page in pages if page is not None]
    if not blocks:
        blocks.append(Text("No mind was asked to perceive or to reflect, or nothing is stored yet."))
    return Section("minds", "How did the agents think?", blocks)


class _Page:
    """What is told of one agent, within its share of the room; what finds no place is never put into words."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._rows: list[tuple[int, str, int, bool, Row]] = []

    def add(self, row: Row, *, looks_back: bool) -> None:
        self._rows.append((row["round"], row["environment"], row["sub_round"], looks_back, row))

    @property
    def rounds(self) -> int:
        return len({number for number, *_ in self._rows})

    @property
    def changes(self) -> int:
        """How often a reflection put another strategy in the place of the last one for its environment."""
        before: dict[str, str] = {}
        count = 0
        for _, environment, _, looks_back, row in sorted(self._rows, key=_place):
            if looks_back:
                count += before.get(environment, row["strategy_update"]) != row["strategy_update"]
                before[environment] = row["strategy_update"]
        return count

    def lines(self) -> Iterator[str]:
        left = self._room
        rows = sorted(self._rows, key=_place)
        for place, (number, environment, _, looks_back, row) in enumerate(rows):
            line = f"round {number}, {environment} {_learned(row) if looks_back else _saw(row)}"
            left -= len(line)
            if left < 0:
                yield f"… {len(rows) - place} more in the tables perceptions and reflections"
                return
            yield line


def _place(entry: tuple[int, str, int, bool, Row]) -> tuple[int, str, int, bool]:
    return entry[:4]


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
