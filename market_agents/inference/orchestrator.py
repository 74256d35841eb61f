"""What an agent holds of the door: ``agent.llm_orchestrator``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from market_agents.config import LLMConfig
from market_agents.errors import NoAnswer
from market_agents.inference.asks import Message, Outcome, Request, StandIn, Status
from market_agents.inference.door import ModelDoor

T = TypeVar("T", bound=BaseModel)
_SHOWN_OF_A_BAD_ANSWER = 2_000


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """A usable structured answer.

    Attributes:
        value: the answer as the requested schema.
        request_key: the ask that gave it.
    """

    value: T
    request_key: str


class LLMOrchestrator:
    """One agent's way to its model: plain or structured requests, journalled, with bounded re-asks.

    Args:
        door: the door that all agents share.
        config: the entry of ``llm_configs`` that answers for this agent.
        max_asks: asks per decision, the first included, before the agent abstains.
        tool_mode: ask for tool calls instead of a response format.
    """

    def __init__(
        self, door: ModelDoor, config: LLMConfig, *, max_asks: int = 2, tool_mode: bool = False
    ) -> None:
        self.door = door
        self.configure(config, max_asks=max_asks, tool_mode=tool_mode)

    def configure(self, config: LLMConfig, *, max_asks: int, tool_mode: bool) -> None:
        """Ask in another way from now on; the arguments are those of the constructor."""
        self.config = config
        self.max_asks = max_asks
        self.tool_mode = tool_mode

    async def generate(
        self,
        messages: Sequence[Message],
        model: str | None = None,
        *,
        schema: type[BaseModel] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        key: str | None = None,
        stand_in: StandIn | None = None,
    ) -> Outcome:
        """Ask once. ``.content`` of what is returned is the text, ``.parsed`` the structured answer.

        Args:
            messages: chat messages, each with ``role`` and ``content``.
            model: another model at the same endpoint; the configured one by default.
            schema: a pydantic model that the answer must follow.
            temperature: 0 to 2; the configured one by default.
            max_tokens: longest answer; the configured one by default.
            key: names this call within its step, needed only where calls of one step run side by side.
            stand_in: how the offline provider answers a structured request.

        Raises:
            NoAnswer: refused, cut off, malformed, or no reply in time; the outcome is journalled all the same.
        """
        outcome = await self._ask(
            messages,
            model=model,
            schema=schema,
            temperature=temperature,
            max_tokens=max_tokens,
            key=key,
            stand_in=stand_in,
        )
        if outcome.status is not Status.ANSWERED:
            raise NoAnswer(outcome.status, outcome.reason, outcome.request_key)
        return outcome

    async def decide(self, messages: Sequence[Message], schema: type[T], stand_in: StandIn) -> Decision[T]:
        """Ask for a structured decision; after a bad answer ask again, with the mistake told.

        Raises:
            NoAnswer: there was no usable answer within ``max_asks`` asks.
        """
        asked = list(messages)
        for remaining in range(self.max_asks - 1, -1, -1):
            outcome = await self._ask(asked, schema=schema, stand_in=stand_in)
            if outcome.status is Status.ANSWERED and isinstance(outcome.parsed, schema):
                return Decision(outcome.parsed, outcome.request_key)
            if remaining == 0 or outcome.status not in {Status.INVALID, Status.TRUNCATED}:
                break
            asked = [
                *messages,
                {
                    "role": "assistant",
                    "content": outcome.content[:_SHOWN_OF_A_BAD_ANSWER].strip() or "(nothing)",
                },
                {"role": "user", "content": f"This cannot be used: {outcome.reason}. Answer again."},
            ]
        raise NoAnswer(outcome.status, outcome.reason, outcome.request_key)

    async def _ask(
        self,
        messages: Sequence[Message],
        *,
        model: str | None = None,
        schema: type[BaseModel] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        key: str | None = None,
        stand_in: StandIn | None = None,
    ) -> Outcome:
        config = self.config
        request = Request(
            model=model or config.model,
            messages=tuple(messages),
            schema=schema,
            temperature=config.temperature if temperature is None else temperature,
            max_tokens=max_tokens or config.max_tokens,
            tool_mode=self.tool_mode,
            stand_in=stand_in,
        )
        return await self.door.ask(request, config, key)
