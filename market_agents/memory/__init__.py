"""What agents keep from one step and one round to the next."""

from market_agents.memory.short_term import Memory, MemoryEntry, MemoryKind

__all__ = ["Memory", "MemoryEntry", "MemoryKind"]
