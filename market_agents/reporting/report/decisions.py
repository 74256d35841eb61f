"""Every decision from prompt to profit, the newest rounds first, as far as there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from market_agents.reporting.audit import trails
from market_agents.reporting.report.blocks import Block, Folded, Lines
from market_agents.reporting.telling import told_whole
from market_agents.storage import Database, counted

MOST_CHARACTERS = 2_500_000
"""What a report holds of prompts, answers and what became of them; of one round each agent has an equal share."""


class Decisions:
    """The rounds of some agents, from prompt to profit.

    Args:
        run_id: the run.
        texts: by round, the newest first, and agent.
        newest: the last round in which anything was decided; 0 for none.
        rounds: in how many anything was.
    """

    def __init__(self, run_id: str, texts: Mapping[int, Mapping[str, str]], newest: int, rounds: int) -> None:
        self._run_id, self._texts, self._newest, self._rounds = run_id, texts, newest, rounds

    def __contains__(self, agent_id: str) -> bool:
        """Whether anything that the agent decided is told."""
        return any(agent_id in texts for texts in self._texts.values())

    @property
    def summary(self) -> str:
        """Which rounds are told, in one sentence; empty where there are none."""
        if not self._texts:
            return ""
        which = (
            "Every decision"
            if len(self._texts) == self._rounds
            else f"Every decision of the last {len(self._texts)} rounds"
            if len(self._texts) > 1
            else f"Every decision of round {self._newest}"
        )
        return f"{which} can be followed from prompt to profit on its agent's page; the command there tells any round."

    def facts(self, agent_id: str) -> Iterator[tuple[str, str]]:
        """How to follow the agent through any round."""
        if self._newest:
            yield "any round", f"market-agents trace {self._run_id} --agent {agent_id} --round {self._newest}"

    def blocks(self, agent_id: str) -> Iterator[Block]:
        """The agent's rounds, each folded."""
        for number, texts in self._texts.items():
            if agent_id in texts:
                yield Folded(f"Round {number}, from prompt to profit", (Lines(texts[agent_id]),))


def read_decisions(database: Database, run_id: str, agents: Sequence[str]) -> Decisions:
    """Read as many rounds as there is room for, one at least.

    Args:
        database: where the run is.
        run_id: the run.
        agents: whose decisions are wanted.
    """
    decided = {int(str(number)) for number, _ in counted(database, "actions", run_id, ("round",))}
    room = MOST_CHARACTERS // max(len(agents), 1)
    wanted, left = frozenset(agents), MOST_CHARACTERS
    texts: dict[int, dict[str, str]] = {}
    for number, found in trails(database, run_id):
        told = {who: "\n".join(told_whole(one)) for who, one in found.items() if who in wanted}
        texts[number] = {who: _within(text, room) for who, text in told.items()}
        used = sum(map(len, texts[number].values()))
        left -= used
        if left < used:
            break
    return Decisions(run_id, texts, max(decided, default=0), len(decided))


def _within(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    return f"{text[:room]}…\n({len(text) - room} characters more are told by the command above)"
