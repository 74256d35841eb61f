"""Watches what a run takes of its machine: processor, memory, the event loop's lag, calls in flight."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from market_agents.errors import MarketAgentsError
from market_agents.storage import Lease, record_sample

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
FIRST_INTERVAL = 1.0
GROWTH = 200
"""Samples are a second apart at first and, after so many, ever further: their number grows with the logarithm of the
time, about 1,500 in a day."""

MOST_SAMPLES = 5_000


class Monitor:
    """Takes samples for as long as its block lasts, and a last one at the end; an async context manager.

    Args:
        lease: the right to write the run.
        in_flight: model calls awaited now.
        present_round: the round that runs now.
    """

    def __init__(self, lease: Lease, in_flight: Callable[[], int], present_round: Callable[[], int]) -> None:
        self._lease = lease
        self._in_flight = in_flight
        self._present_round = present_round
        self._samples = 0
        self._started = self._since = time.monotonic()
        self._cpu = time.process_time()
        self._lag = 0.0
        self._most_in_flight = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Monitor:
        """Begin to watch."""
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop watching; what kept the last sample from being stored is the run's own trouble, told elsewhere."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, MarketAgentsError):
                await self._task
            with suppress(MarketAgentsError):
                await asyncio.to_thread(self._keep)

    async def _watch(self) -> None:
        while self._samples < MOST_SAMPLES:
            before = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self._lag = max(self._lag, now - before - TICK_SECONDS)
            self._most_in_flight = max(self._most_in_flight, self._in_flight())
            if now - self._since >= max(FIRST_INTERVAL, (now - self._started) / GROWTH):
                try:
                    await asyncio.to_thread(self._keep)
                except MarketAgentsError as error:
                    log.info("no more samples of resources: %s", error)
                    return

    def _keep(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        sample = {
            "round": self._present_round(),
            "wall_seconds": now - self._since,
            "cpu_seconds": cpu - self._cpu,
            "memory_bytes": memory_bytes(),
            "loop_lag_ms": max(self._lag, 0.0) * 1000,
            "in_flight": max(self._most_in_flight, self._in_flight()),
        }
        self._since, self._cpu, self._lag, self._most_in_flight = now, cpu, 0.0, 0
        self._samples += 1
        record_sample(self._lease, sample)


def memory_bytes() -> int | None:
    """Memory in use by this process or, where the system does not tell, the most that it ever used; None if neither."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return _peak_memory()
    import resource  # where there is /proc there is this, and Windows has neither

    return pages * resource.getpagesize()


def _peak_memory() -> int | None:
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
