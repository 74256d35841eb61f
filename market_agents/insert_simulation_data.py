"""The only writer of what happened: turns what agents and mechanisms did into rows, one transaction per step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from market_agents.plain_text import clean
from market_agents.recording.cognition import CognitionRows
from market_agents.recording.events import ChatTurn, EventRows
from market_agents.recording.mail import MailRows
from market_agents.recording.population import PopulationRows
from market_agents.recording.step import Tables, Where, storable_or_note
from market_agents.storage import Lease, encode_step, record_event, write_encoded

__all__ = ["ChatTurn", "SimulationDataInserter", "Where", "storable_or_note"]


class SimulationDataInserter(PopulationRows, CognitionRows, MailRows, EventRows):
    """Collects the rows of a step and writes them together.

    Everything is derived from what was decided, so a resumed run collects the same rows again, and a step that is
    there already is left alone.

    Args:
        lease: the right to write this run.
        tick_size: the worth of one tick, for money in currency.
        keeps_notes: whether events of the run itself are kept; a replay keeps none.
    """

    def __init__(self, lease: Lease, *, tick_size: Decimal, keeps_notes: bool = True) -> None:
        super().__init__(tick_size)
        self._lease = lease
        self._keeps_notes = keeps_notes

    async def flush(self, step_key: str) -> None:
        """Write what was collected in one transaction under ``step_key``; the event loop goes on meanwhile.

        Raises:
            WriteConflict: the step is there with other content.
        """
        await asyncio.to_thread(self._write, step_key, *self._take())

    def _write(self, step_key: str, rows: Tables, updates: Tables) -> None:
        step = encode_step(self._lease.run_id, rows, updates)
        # Of a large population the rows as given are the largest part of all memory.
        rows.clear()
        updates.clear()
        write_encoded(self._lease, step_key, step)

    def note(self, level: str, kind: str, message: str, data: Mapping[str, object] | None = None) -> None:
        """Keep an event of the run itself; no digest covers it and no replay repeats it."""
        if self._keeps_notes:
            record_event(self._lease, level=level, kind=kind, message=clean(message), data=data)
