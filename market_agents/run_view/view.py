"""The view on the terminal: below the log, drawn from another thread, gone when the run is over."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import IO, Self, cast

from rich.color import ColorSystem
from rich.console import Console

from market_agents.economics.ticks import TickScale
from market_agents.inference import ModelDoor
from market_agents.redaction import Redactor
from market_agents.run_view.chart import Line
from market_agents.run_view.drawing import Present, draw
from market_agents.run_view.pace import Pace
from market_agents.run_view.scene import Scene

SECONDS = 0.5
"""Between two drawings."""

_ERASE_BELOW = "\x1b[J"


def can_show(console: Console) -> bool:
    """Whether lines can be drawn anew there: on a terminal that moves its cursor and has the characters."""
    return (
        console.is_terminal
        and console.file.isatty()
        and not console.is_dumb_terminal
        and not console.legacy_windows
        and console.encoding.lower().startswith("utf")
    )


class RunView:
    """Shows a run while it goes; enter it around the run.

    While it is shown, all that the console prints goes above it, whole lines each time. The cursor stays visible and
    rests on the line below: a process that is killed could not bring it back.

    Args:
        console: the one that records are shown on.
        door: the run's, for its counts and caps.
        scale: between ticks and currency.
        redact: hides secrets in what is said.
        clock: seconds that only go forward.

    Attributes:
        scene: to be told what happens.
    """

    def __init__(
        self,
        console: Console,
        door: ModelDoor,
        scale: TickScale,
        redact: Redactor | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._door = door
        self._scale = scale
        self._clock = clock
        self._began = clock()
        self._pace = Pace(self._began)
        self.scene = Scene(door.tally, self._pace, redact)
        self._stream = console.file
        self._lock = Lock()
        self._is_over = Event()
        self._thread = Thread(target=self._keep_drawing, daemon=True)
        self._drawn = ""
        self._height = 0

    def __enter__(self) -> Self:
        """Show it."""
        self._console.file = cast("IO[str]", _Above(self._stream, self.put_above))
        self._draw()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away; a terminal that has gone meanwhile is no reason to hide why the run ended."""
        self._is_over.set()
        self._thread.join()
        self._console.file = self._stream
        with suppress(OSError, ValueError):
            self._stream.write(self._erasing())
            self._stream.flush()

    def put_above(self, text: str) -> None:
        """Write lines, each with its end, above the view."""
        with self._lock:
            self._stream.write(f"{self._erasing()}{text}{self._drawn}")
            self._stream.flush()

    def lines(self) -> list[Line]:
        """What is to be seen now; one column stays free, for some terminals go to the next line in their last one."""
        now, tally = self._clock(), self._door.tally
        present = Present(
            scene=self.scene,
            tally=tally,
            budget=self._door.budget,
            scale=self._scale,
            elapsed=now - self._began,
            left=self._pace.seconds_left(now, self.scene.rounds, tally),
            batches=tuple(self._door.batches.values()),
        )
        return draw(present, self._console.width - 1, self._console.height)

    def _keep_drawing(self) -> None:
        # A terminal that went away must not end a run that may have cost money.
        with suppress(OSError, ValueError):
            while not self._is_over.wait(SECONDS):
                self._draw()

    def _draw(self) -> None:
        lines = self.lines()
        drawn = "".join(f"{self._coloured(line)}\n" for line in lines)
        with self._lock:
            erasing = self._erasing()
            self._drawn, self._height = drawn, len(lines)
            self._stream.write(f"{erasing}{drawn}")
            self._stream.flush()

    def _erasing(self) -> str:
        """What takes the view away and leaves the cursor where it began."""
        return f"\r\x1b[{self._height}A{_ERASE_BELOW}" if self._height else ""

    def _coloured(self, line: Sequence[tuple[str, str]]) -> str:
        """The line with its codes, made once a drawing and sent again with every record above it."""
        # The styles name standard colours alone, which all terminals with colours have.
        system = ColorSystem.STANDARD if self._console.color_system else None
        told = ""
        for text, name in line:
            style = self._console.get_style(name or "none")
            told += (style.without_color if self._console.no_color else style).render(
                text, color_system=system
            )
        return told


class _Above(io.TextIOBase):
    """The console's stream meanwhile."""

    def __init__(self, stream: IO[str], write: Callable[[str], None]) -> None:
        super().__init__()
        self._stream = stream
        self._write = write

    def write(self, text: str) -> int:
        """Write above the view."""
        if text:
            self._write(text)
        return len(text)

    def isatty(self) -> bool:
        """As the stream itself."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """As the stream itself."""
        return self._stream.fileno()
