"""What one memory is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MemoryKind(StrEnum):
    """What a memory is about.

    Reflections that leave the window, and events, are what a later round can bring back to mind.
    """

    REFLECTION = "reflection"
    STRATEGY = "strategy"
    HEARD = "heard"
    STEP = "step"
    TRADE = "trade"
    EVENT = "event"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """One thing remembered.

    Attributes:
        seq: its place among what the agent kept in the round, from 1; 0 before it is kept.
    """

    round: int
    environment: str
    kind: MemoryKind
    content: str
    seq: int = 0
