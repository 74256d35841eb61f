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

    async def commit(self, row: JournalRow) -> None:
        """Keep an outcome; returns when it can no longer be lost."""


class MemoryJournal:
    """The journal of asks made outside a run: kept as long as the object lives."""

    def __init__(self) -> None:
        self.rows: dict[str, JournalRow] = {}

    async def find(self, key: str) -> JournalRow | None:
        """The outcome under ``key``, or None."""
        return self.rows.get(key)

    async def commit(self, row: JournalRow) -> None:
        """Keep an outcome in memory."""
        self.rows[row["request_key"]] = row
