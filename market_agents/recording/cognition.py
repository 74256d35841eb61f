"""What agents saw, thought, did, remembered and were judged for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import Perception, Reflection
from market_agents.memory import Recollection
from market_agents.plain_text import clean
from market_agents.recording.step import Row, StepRows, Where, storable_or_note


class CognitionRows(StepRows):
    """What went on in minds, and what came of it."""

    def perception(
        self, where: Where, agent_id: str, perception: Perception, request_key: str | None
    ) -> None:
        """How an agent saw its situation."""
        self._rows["perceptions"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                **perception.model_dump(),
                "request_key": request_key,
            }
        )

    def action(
        self,
        where: Where,
        agent_id: str,
        seq: int,
        *,
        action: str,
        content: object,
        verdict: str,
        reason: str | None,
        request_key: str | None,
    ) -> None:
        """One act, or the lack of one, with its verdict."""
        self._rows["actions"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                "seq": seq,
                "action": clean(action),
                "content": storable_or_note(content),
                "verdict": verdict,
                "reason": None if reason is None else clean(reason),
                "request_key": request_key,
            }
        )

    def observation(self, where: Where, agent_id: str, content: object, request_key: str | None) -> None:
        """What an agent was told at the end of a turn."""
        self._rows["observations"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                "content": storable_or_note(content),
                "request_key": request_key,
            }
        )

    def reflection(
        self,
        where: Where,
        agent_id: str,
        reflection: Reflection,
        reward: float | None,
        request_key: str | None,
    ) -> None:
        """How an agent looked back; ``reward`` is the environment's, normalised profit."""
        self._rows["reflections"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                **reflection.model_dump(exclude={"note"}),
                "environment_reward": reward,
                "request_key": request_key,
            }
        )

    def recollection(self, where: Where, agent_id: str, recollection: Recollection) -> None:
        """What a round brought back to an agent and what its prompts leave out; no row where there is neither."""
        if recollection.recalled or recollection.left_out or recollection.messages_left_out:
            self._rows["recollections"].append(
                {
                    "environment": where.environment,
                    "round": where.round,
                    "agent_id": agent_id,
                    "recalled": [[entry.round, entry.seq] for entry in recollection.recalled],
                    "left_out": recollection.left_out,
                    "messages_left_out": recollection.messages_left_out,
                }
            )

    def judgement(
        self, where: Where, subject: str, judgement: Row, scores: Mapping[str, float | None]
    ) -> None:
        """A judge's scores of a conversation or of an agent's thoughts, a row for each criterion."""
        for criterion, score in scores.items():
            self._rows["judgements"].append(
                {
                    "environment": where.environment,
                    "round": where.round,
                    "subject": subject,
                    "criterion": criterion,
                    "score": score,
                    **judgement,
                    "reason": clean(judgement["reason"]),
                }
            )

    def memories(self, round_number: int, agents: Iterable[MarketAgent]) -> None:
        """What agents decided to keep."""
        for agent in agents:
            for entry in agent.memory.take_new():
                self._rows["agent_memories"].append(
                    {
                        "round": round_number,
                        "agent_id": agent.id,
                        "seq": entry.seq,
                        "environment": entry.environment,
                        "kind": entry.kind.value,
                        "content": clean(entry.content),
                    }
                )
