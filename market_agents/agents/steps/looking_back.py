"""How an agent looks back on a round, and what it keeps: reflection, strategy and, where it has one, its note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import NotedReflection, Reflection
from market_agents.inference import Decision, Message
from market_agents.memory import MemoryEntry, MemoryKind


async def look_back(
    agent: MarketAgent,
    environment: str,
    round_number: int,
    messages: Sequence[Message],
    stand_in: Callable[[Random], Reflection],
) -> Decision[Reflection]:
    """Ask for a reflection and let the agent keep it; one that keeps a private note rewrites it too."""
    if not agent.memory.note_length:
        decision = await agent.llm_orchestrator.decide(messages, Reflection, stand_in)
        keep_reflection(agent, environment, round_number, decision.value)
        return decision
    noted = await agent.llm_orchestrator.decide(
        messages, NotedReflection, lambda rng: _with_note(stand_in(rng), agent.memory.note)
    )
    keep_reflection(agent, environment, round_number, noted.value)
    agent.memory.take_note(round_number, environment, noted.value.note)
    return Decision(noted.value, noted.request_key)


def keep_reflection(agent: MarketAgent, environment: str, round_number: int, reflection: Reflection) -> None:
    """Let the agent remember what it learned."""
    agent.memory.remember(
        MemoryEntry(round_number, environment, MemoryKind.REFLECTION, reflection.reflection)
    )
    agent.memory.remember(
        MemoryEntry(round_number, environment, MemoryKind.STRATEGY, reflection.strategy_update)
    )


def _with_note(reflection: Reflection, note: str) -> NotedReflection:
    """The stand-in writes down its newest plan, above what it wrote before."""
    lines = [reflection.strategy_update, *(line for line in note.split(" / ") if line)]
    return NotedReflection(**reflection.model_dump(), note=" / ".join(dict.fromkeys(lines)))
