"""A clock that stands still while this process does not run: a laptop sleeps, somebody stops a job and continues it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_PULSE = 1.0
"""Seconds from one beat to the next."""

_LONGEST_LAG = 5.0
"""Seconds that a busy event loop may be late; who is later did not run."""


class AwakeClock:
    """An event loop's clock less the time for which the process was kept from running, as far as somebody watches.

    What others are given to answer is counted on it: they may have answered long ago when we wake up.

    Args:
        loop: whose clock it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lost = 0.0
        self._due = 0.0
        self._watchers = 0
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Seconds, from no moment in particular."""
        return self._loop.time() - self._lost

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While the block lasts it is noticed when the process does not run."""
        self._watchers += 1
        if self._timer is None:
            self._set()
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0 and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _set(self) -> None:
        self._due = self._loop.time() + _PULSE
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        # Timers that fell due meanwhile run in their order, so this one before any deadline more than a pulse away.
        late = self._loop.time() - self._due
        if late > _LONGEST_LAG:
            self._lost += late
        self._set()
