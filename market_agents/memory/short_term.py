"""What an agent keeps in mind: its own reflections and strategy, and what it heard this round, in declared windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from market_agents.plain_text import one_line

RECORDED_OF_A_MESSAGE = 500
"""Characters of a message that the record of what was heard holds; the whole text is where messages are kept."""


class MemoryKind(StrEnum):
    """What a memory is about."""

    REFLECTION = "reflection"
    STRATEGY = "strategy"
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """One thing remembered."""

    round: int
    environment: str
    kind: MemoryKind
    content: str


class Memory:
    """An agent's memory, bounded so that prompts do not grow with the length of the run.

    Args:
        window: reflections shown in prompts.
        messages: messages of this round's conversations shown in prompts.
        enabled: without memory every round is the agent's first.
    """

    def __init__(self, *, window: int = 3, messages: int = 20, enabled: bool = True) -> None:
        self.enabled = enabled
        self._reflections: deque[MemoryEntry] = deque(maxlen=window)
        self._strategies: dict[str, MemoryEntry] = {}
        self._heard: deque[Mapping[str, Any]] = deque(maxlen=messages)
        self._heard_in = 0
        self._last_prices: dict[str, float] = {}
        self._new: list[MemoryEntry] = []

    def remember(self, entry: MemoryEntry) -> None:
        """Keep a reflection or a strategy; a new strategy for an environment replaces the old one."""
        if not self.enabled:
            return
        if entry.kind is MemoryKind.STRATEGY:
            self._strategies[entry.environment] = entry
        else:
            self._reflections.append(entry)
        self._new.append(entry)

    def hear(self, round_number: int, environment: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Keep what was said in a conversation of this round; the last round's is forgotten."""
        if not self.enabled:
            return
        if round_number != self._heard_in:
            self._heard.clear()
            self._heard_in = round_number
        new = deque(messages, maxlen=self._heard.maxlen)
        self._heard.extend(new)
        if new:
            said = "\n".join(
                f"{message['sender_id']}: {one_line(str(message['content']), RECORDED_OF_A_MESSAGE)}"
                for message in new
            )
            self._new.append(MemoryEntry(round_number, environment, MemoryKind.HEARD, said))

    def see_price(self, price: float | None, good: str) -> None:
        """Keep the price of a good's latest trade seen, in currency; None, where nobody has traded, changes nothing."""
        if self.enabled and price is not None:
            self._last_prices[good] = price

    def last_price(self, good: str) -> float | None:
        """The price of the latest trade that the agent saw in a good's market, in currency; None before the first."""
        return self._last_prices.get(good)

    def heard(self, round_number: int) -> list[Mapping[str, Any]]:
        """What was last said before now, oldest first, at most the declared number.

        That is this round's conversation or, where agents talk after they trade, the round's before.
        """
        return list(self._heard) if self._heard_in in {round_number - 1, round_number} else []

    def reflections(self) -> list[MemoryEntry]:
        """The latest reflections, oldest first, at most the declared window."""
        return list(self._reflections)

    def strategy(self, environment: str) -> str:
        """The strategy that the agent last chose for an environment; empty before the first."""
        entry = self._strategies.get(environment)
        return entry.content if entry else ""

    def take_new(self) -> list[MemoryEntry]:
        """What was remembered since the last call, for the records."""
        new, self._new = self._new, []
        return new
