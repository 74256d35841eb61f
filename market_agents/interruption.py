"""Stopping on request: signals become one clean end of the run, with the exit code that the shell expects."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from market_agents.errors import ExitCode, Interrupted

log = logging.getLogger(__name__)

T = TypeVar("T")

INSISTING = 3
"""The signal that ends the process at once."""

_EXIT_CODES = {
    "SIGINT": ExitCode.INTERRUPTED,
    "SIGTERM": ExitCode.TERMINATED,
    "SIGHUP": ExitCode.TERMINATED,
}


class Stop:
    """Cancels a task on the first signal; ends the process on the third, even where the event loop is held up.

    Args:
        task: what the first signal cancels.
        last_words: what is printed before the process ends at once; empty for nothing.
    """

    def __init__(self, task: asyncio.Task[object] | None, last_words: Callable[[], str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = task
        self._last_words = last_words
        self._signals = 0
        self.code: ExitCode | None = None

    def __call__(self, number: int, frame: FrameType | None = None) -> None:  # noqa: ARG002  (where it strikes)
        """Take a signal; Python calls this between any two instructions of the main thread."""
        code = _EXIT_CODES[signal.Signals(number).name]
        self._signals += 1
        if self._signals == 1:
            self.code = code
            self._loop.call_soon_threadsafe(self._begin)
        elif self._signals >= INSISTING:
            for name in _EXIT_CODES:
                if hasattr(signal, name):
                    signal.signal(
                        getattr(signal, name), signal.SIG_IGN
                    )  # or the next would cut the last words
            self._speak()
            os._exit(code)  # the user insists, and every answer is committed already

    @contextmanager
    def as_interruption(self) -> Iterator[None]:
        """A block that a signal cancels.

        Raises:
            Interrupted: in place of the cancellation that a signal caused.
        """
        try:
            yield
        except asyncio.CancelledError:
            if self.code is None:
                raise
            raise Interrupted(self.code) from None

    def _begin(self) -> None:
        log.warning("stopping: no new calls are made; what was answered is stored")
        if self._task is not None:
            self._task.cancel()

    def _speak(self) -> None:
        told = self._last_words()
        if told and sys.stderr is not None:
            try:
                # Past Python's buffers, in the middle of which this signal may have struck.
                os.write(sys.stderr.fileno(), f"{told}\n".encode(errors="replace"))
            except (OSError, ValueError):
                return


async def to_the_end(work: Callable[[], T]) -> T:
    """Do work that waits, for a database perhaps, beside the event loop, which so goes on taking signals.

    A cancellation that comes meanwhile is dropped: what is under way is the end itself.
    """
    done = asyncio.ensure_future(asyncio.to_thread(work))
    while not done.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(done)
    return done.result()


@contextmanager
def stoppable(last_words: Callable[[], str] = str) -> Iterator[Stop]:
    """Turn Ctrl-C, SIGTERM and SIGHUP inside the block into a clean stop of the current task.

    What is paid for is committed as it comes, so there is nothing to save here. Outside the main thread signals are
    left alone, and so is a SIGHUP that somebody has the process ignore, as ``nohup`` does.

    Args:
        last_words: see `Stop`.
    """
    stop = Stop(asyncio.current_task(), last_words)
    handled = [found for name in _EXIT_CODES if (found := _handle(name, stop)) is not None]
    try:
        yield stop
    finally:
        for number, before in handled:
            signal.signal(number, signal.SIG_DFL if before is None else before)


def _handle(name: str, stop: Stop) -> tuple[signal.Signals, Any] | None:
    """Have ``stop`` called on a signal, and return what was called before; None where that is left as it is."""
    number = getattr(signal, name, None)
    if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
        return None
    try:
        return number, signal.signal(number, stop)
    except ValueError:  # not in the main thread
        return None
