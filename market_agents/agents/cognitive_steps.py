"""Cognitive steps: perceive, act, reflect.

Subclass `ActionStep` and write ``execute`` to give agents a mind of your own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from market_agents.memory import Memory, MemoryEntry, MemoryKind
from market_agents.plain_text import one_line

if TYPE_CHECKING:
    from market_agents.agents.market_agent import MarketAgent

SHOWN_OF_A_MESSAGE = 500
"""Characters of another agent's message that a prompt shows."""

SHOWN_MESSAGES = 50
"""Messages that a plain prompt shows, the newest ones."""

SHOWN_OF_A_THOUGHT = 600
"""Characters of an own thought that a prompt shows."""


class CognitiveStep(ABC):
    """One step of an agent's mind in one environment.

    Args:
        environment_name: a key of ``agent.environments``.
    """

    name: ClassVar[str] = "step"

    def __init__(self, environment_name: str) -> None:
        self.environment_name = environment_name

    @abstractmethod
    async def execute(self, agent: MarketAgent) -> Any:  # noqa: ANN401  (a user's step returns what it likes)
        """Do the step for ``agent``; what is returned reaches the caller of ``agent.run_step``."""

    def observe(self, agent: MarketAgent) -> dict[str, Any]:
        """What the agent sees of the environment now."""
        return agent.environments[self.environment_name].get_global_state(agent_id=agent.id)

    def construct_prompt(self, agent: MarketAgent, received_messages: Sequence[Mapping[str, Any]]) -> str:
        """A plain prompt: who the agent is, what is discussed, and what was said last.

        Args:
            agent: who is to speak.
            received_messages: messages as in ``round_messages``.
        """
        state = self.observe(agent)
        lines = [f"You are {agent.id}, {with_article(agent.role)}. {agent.persona}".strip()]
        if state.get("current_topic"):
            lines.append(f"Topic: {one_line(str(state['current_topic']), SHOWN_OF_A_MESSAGE)}")
        if state.get("current_round"):
            lines.append(f"Round {state['current_round']} of {state.get('max_rounds', '?')}")
        lines.append(render_messages(received_messages[-SHOWN_MESSAGES:]) or "Nobody has said anything yet.")
        lines.append("Give your contribution to the discussion.")
        return "\n\n".join(lines)


class PerceptionStep(CognitiveStep):
    """Looks at the environment before acting."""

    name = "perception"


class ActionStep(CognitiveStep):
    """Acts: calls ``agent.environments[self.environment_name].step(...)`` itself, or returns the action."""

    name = "action"


class ReflectionStep(CognitiveStep):
    """Looks back when the round is over."""

    name = "reflection"


def chat_prompt(system: str, user: str) -> list[dict[str, str]]:
    """The two messages of every built-in ask: what never changes first, what always changes last."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def render_messages(messages: Iterable[Mapping[str, Any]]) -> str:
    """Messages one a line, so that no message can pretend to be another's."""
    lines = []
    for message in messages:
        private = (
            ""
            if message.get("recipient_id", "all") == "all"
            else f" (privately to {message['recipient_id']})"
        )
        if message.get("withheld"):
            why = one_line(str(message["withheld"]), SHOWN_OF_A_MESSAGE)
            private += f" (withheld, nobody else sees it; {why})"
        said = one_line(str(message.get("content", "")), SHOWN_OF_A_MESSAGE)
        lines.append(f"{message.get('sender_id')}{private}: {said}")
    return "\n".join(lines)


def render_memory(memory: Memory, environment: str) -> str:
    """What the agent remembers, each memory on one line: what earlier rounds brought back, oldest first, then its
    latest reflections, acts and trades, then the strategy that it chose last and its own note."""
    lines = _section(
        "What comes back to you from earlier",
        (
            f"- From round {entry.round}, {entry.environment}: {_thought(entry)}"
            for entry in memory.recalled(environment)
        ),
    )
    lines += _section(
        "What you remember",
        (f"- Round {entry.round}, {entry.environment}: {_thought(entry)}" for entry in memory.reflections()),
    )
    lines += _section(
        "What you did lately",
        (
            f"- In round {entry.round}, {entry.environment}: {_thought(entry)}"
            for entry in memory.latest(MemoryKind.STEP, MemoryKind.TRADE)
        ),
    )
    strategy = memory.strategy(environment)
    if strategy:
        lines.append(f"What you decided to do from now on: {one_line(strategy, SHOWN_OF_A_THOUGHT)}")
    if memory.note:
        lines.append(f"Your private note: {one_line(memory.note, memory.note_length)}")
    return "\n".join(lines)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return [title, *found] if found else []


def _thought(entry: MemoryEntry) -> str:
    return one_line(entry.content, SHOWN_OF_A_THOUGHT)


def with_article(noun: str) -> str:
    """The noun behind ``a`` or ``an``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def in_list(names: Sequence[str]) -> str:
    """Names in one phrase: ``plum``, ``plum and pear``, ``plum, pear and fig``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def in_times(count: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def in_figures(amount: float | None) -> str:
    """An amount without needless zeros, to six decimals; ``none`` where there is none."""
    if amount is None:
        return "none"
    figures = f"{amount:.6f}".rstrip("0").rstrip(".")
    return "0" if figures == "-0" else figures
