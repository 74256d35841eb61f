"""The journal as the door to models sees it: outcomes under deterministic keys, committed before they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    async def intend(self, intent: JournalRow) -> None:
        """Keep, as columns of ``llm_intents``, what an ask about to be sent may cost, until its outcome is kept."""

    def intend_soon(self, key: str, make: Callable[[], JournalRow]) -> None:
        """As `intend`, without a wait: what ``make`` gives is kept in a moment, unless the outcome comes first."""

    async def keep_batch(self, batch: JournalRow, intents: Sequence[JournalRow] = ()) -> None:
        """Keep a batch as it is now, as columns of ``llm_batches``, with the asks that are about to go into it."""

    async def intents(self) -> Sequence[JournalRow]:
        """The asks that were under way when the run was last owned."""

    async def batches(self) -> Sequence[JournalRow]:
        """The run's batches in their order."""


class MemoryJournal:
    """The journal of asks made outside a run: kept as long as the object lives."""

    def __init__(self) -> None:
        self.rows: dict[str, JournalRow] = {}
        self.cached: dict[str, JournalRow] = {}
        self.open: dict[str, JournalRow] = {}
        self.kept_batches: dict[int, JournalRow] = {}

    async def find(self, key: str) -> JournalRow | None:
        """The outcome under ``key``, or None."""
        return self.rows.get(key)

    async def commit(self, row: JournalRow, cache_key: str | None = None) -> None:
        """Keep an outcome in memory."""
        self.rows[row["request_key"]] = row
        self.open.pop(row["request_key"], None)
        if cache_key is not None:
            self.cached.setdefault(cache_key, row)

    async def find_cached(self, cache_key: str) -> JournalRow | None:
        """The answer kept under ``cache_key``, or None."""
        return self.cached.get(cache_key)

    async def intend(self, intent: JournalRow) -> None:
        """Keep what an ask about to be sent may cost."""
        self.open[intent["request_key"]] = intent

    def intend_soon(self, key: str, make: Callable[[], JournalRow]) -> None:
        """Keep what an ask that is being sent may cost."""
        self.open[key] = make()

    async def keep_batch(self, batch: JournalRow, intents: Sequence[JournalRow] = ()) -> None:
        """Keep a batch and its asks."""
        self.kept_batches[batch["batch"]] = batch
        for intent in intents:
            await self.intend(intent)

    async def intents(self) -> Sequence[JournalRow]:
        """The asks without an outcome."""
        return list(self.open.values())

    async def batches(self) -> Sequence[JournalRow]:
        """The batches in their order."""
        return [self.kept_batches[number] for number in sorted(self.kept_batches)]
