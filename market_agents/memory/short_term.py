"""What an agent keeps in mind: its own reflections and strategy, and what it heard this round, in declared windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
        for message in messages:
            self._heard.append(message)
        if self._heard:
            said = "\n".join(f"{message['sender_id']}: {message['content']}" for message in self._heard)
            self._new.append(MemoryEntry(round_number, environment, MemoryKind.HEARD, said))

    def heard(self, round_number: int) -> list[Mapping[str, Any]]:
        """This round's messages, oldest first, at most the declared number."""
        return list(self._heard) if self._heard_in == round_number else []

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
