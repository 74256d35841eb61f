"""Stopping on request: signals become one clean end of the run, with the exit code that the shell expects."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from market_agents.errors import ExitCode, Interrupted

log = logging.getLogger(__name__)

INSISTING = 3
"""The signal that ends the process at once."""

_EXIT_CODES = {
    "SIGINT": ExitCode.INTERRUPTED,
    "SIGTERM": ExitCode.TERMINATED,
    "SIGHUP": ExitCode.TERMINATED,
}


class _Stop:
    """Cancels a task on the first signal; ends the process on the third."""

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self._task = task
        self._signals = 0
        self.code: ExitCode | None = None

    def __call__(self, code: ExitCode) -> None:
        self._signals += 1
        if self._signals == 1:
            self.code = code
            log.warning("stopping: no new calls are made; what was answered is stored")
            if self._task is not None:
                self._task.cancel()
        elif self._signals >= INSISTING:
            os._exit(code)  # the user insists, and every answer is committed already


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP inside the block into a clean stop of the current task.

    What is paid for is committed as it comes, so there is nothing to save here. Outside the main thread signals are
    left alone.

    Raises:
        Interrupted: in place of the cancellation that a signal caused.
    """
    loop = asyncio.get_running_loop()
    stop = _Stop(asyncio.current_task())
    handled = [number for name, code in _EXIT_CODES.items() if (number := _handle(loop, name, stop, code))]
    try:
        yield
    except asyncio.CancelledError:
        if stop.code is None:
            raise
        raise Interrupted(stop.code) from None
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def _handle(loop: asyncio.AbstractEventLoop, name: str, stop: _Stop, code: ExitCode) -> int | None:
    """Have the loop call ``stop`` on a signal; None where this system or thread cannot."""
    number = getattr(signal, name, None)
    if number is None:
        return None
    try:
        loop.add_signal_handler(number, stop, code)
    except (NotImplementedError, RuntimeError, ValueError):
        return None
    return int(number)
