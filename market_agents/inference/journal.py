"""The journal as the door to models sees it: outcomes under deterministic keys, committed before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

JournalRow = Mapping[str, Any]
"""One outcome as columns of ``llm_requests``, ``run_id`` apart."""


class Journal(Protocol):
    """Where outcomes are kept. The stored implementation is durable; this room knows only the promise."""

    async def find(self, key: str) -> JournalRow | None:
        """The outcome under ``key``, or None."""

    async def commit(self, row: JournalRow, cache_key: str | None = None) -> None:
        """Keep an outcome, under ``cache_key`` for later runs too; returns when it can no longer be lost."""

    async def find_cached(self, cache_key: str) -> JournalRow | None:
        """The answer that an earlier run kept under ``cache_key``, or None."""


class MemoryJournal:
    """The journal of asks made outside a run: kept as long as the object lives."""

    def __init__(self) -> None:
        self.rows: dict[str, JournalRow] = {}
        self.cached: dict[str, JournalRow] = {}

    async def find(self, key: str) -> JournalRow | None:
        """The outcome under ``key``, or None."""
        return self.rows.get(key)

    async def commit(self, row: JournalRow, cache_key: str | None = None) -> None:
        """Keep an outcome in memory."""
        self.rows[row["request_key"]] = row
        if cache_key is not None:
            self.cached.setdefault(cache_key, row)

    async def find_cached(self, cache_key: str) -> JournalRow | None:
        """The answer kept under ``cache_key``, or None."""
        return self.cached.get(cache_key)
