"""What the live view takes of a run: its processor time beside the run's, in one process, on a real pseudo-terminal.

    python -m benchmarks.live_view [--agents 50] [--rounds 20] [--columns 80 160]

The run is the shipped configuration, whose offline stand-in answers at once: no run does less between two drawings, so
that with a real model the share is smaller. Counted are all drawings, and all that is written above the view whole,
although most of the latter is the log's own. The last figure is what drawing takes of one core while nothing happens.
Other work on the machine stretches the run, and so adds drawings to the same processor time.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import struct
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

from market_agents import MetaOrchestrator, load_config
from market_agents.logger_utils import set_up_logging
from market_agents.run_view import RunView
from market_agents.run_view.view import SECONDS

CONFIG = Path(__file__).parent.parent / "orchestrator_config.yaml"
GOAL = 0.01
LINES = 40


class Measured(RunView):
    """The view, with a clock on all that it does."""

    drawing = above = 0.0
    drawings = 0

    def put_above(self, text: str) -> None:
        """As the view does, and counted."""
        before = time.thread_time()
        super().put_above(text)
        self.above += time.thread_time() - before

    def _draw(self) -> None:
        before = time.thread_time()
        super()._draw()
        self.drawing += time.thread_time() - before
        self.drawings += 1


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--columns", type=int, nargs="+", default=[80, 160])
    arguments = parser.parse_args()
    print(
        f"{'columns':>8} {'run CPU s':>10} {'drawings':>9} {'ms each':>8} {'drawing':>8} {'above':>7} {'idle':>7}"
    )
    within = True
    with terminal(80) as stream:
        measure(stream, agents=2, rounds=1)  # what is loaded once belongs to no run
    for columns in arguments.columns:
        with terminal(columns) as stream:
            view, seconds = measure(stream, arguments.agents, arguments.rounds)
        each = view.drawing / view.drawings
        share = view.drawing / seconds
        print(
            f"{columns:>8} {seconds:>10.1f} {view.drawings:>9} {1_000 * each:>8.2f} {share:>8.2%} "
            f"{view.above / seconds:>7.2%} {each / SECONDS:>7.2%}",
            flush=True,
        )
        within = within and share <= GOAL
    print(f"goal of {GOAL:.0%} for drawing: {'kept' if within else 'NOT KEPT'}")
    return 0 if within else 1


def measure(stream: IO[str], agents: int, rounds: int) -> tuple[Measured, float]:
    """One run under the view; returns the view and the processor time of it all."""
    overrides: list[tuple[str, object]] = [("num_agents", agents), ("max_rounds", rounds)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = load_config(CONFIG, overrides, offline=True)
        run = MetaOrchestrator(config, database=f"sqlite:///{folder / 'run.db'}", folder=folder)
        console = Console(file=stream, force_terminal=True)
        set_up_logging(console, quiet=False, log_file=None)
        view = Measured(console, run.door, run.display.scale)
        run.display.watcher = view.scene
        before = time.process_time()
        with view:
            run.run()
        return view, time.process_time() - before


@contextmanager
def terminal(columns: int) -> Iterator[IO[str]]:
    """A pseudo-terminal of so many columns, whose other end is read and thrown away."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    reader = threading.Thread(target=_drain, args=(ours,), daemon=True)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream
    reader.join(timeout=5)
    os.close(ours)


def _drain(end: int) -> None:
    try:
        while os.read(end, 65_536):
            pass
    except OSError:
        return  # the other end is closed


if __name__ == "__main__":
    raise SystemExit(main())
