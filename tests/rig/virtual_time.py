"""An event loop whose clock jumps to the next timer: minutes of waiting without waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits for nothing; the time that it was to wait has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nobody will ever go on")
        self.passed += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Only for code that waits for timers alone: no threads, no sockets, no processes."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def sleep_through(self, seconds: float) -> None:
        """Time passes, and nothing runs meanwhile: the laptop is closed."""
        self._jumping.passed += seconds

    def time(self) -> float:
        """Seconds that were to be waited so far."""
        return self._jumping.passed


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run something to its end without waiting for its timers."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
