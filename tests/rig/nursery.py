"""Starts the program in no time: a process that has the libraries loaded already, and forks.

The program itself is imported in each child, under the child's own environment; only the libraries are shared. One
child lives at a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.end_to_end.stage import DRESSING, ROOT, Ended


class Nursery:
    """A context manager; `start` the program, signal its ``pid`` if wanted, and `end` it; or `run` it whole."""

    def __init__(self) -> None:
        self.pid = 0
        self._output = Path()
        self._code: int | None = 0

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rig.nursery_process"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in DRESSING},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, folder: Path, *arguments: str, **variables: str) -> None:
        """Start the program in a folder; variables are added to the environment. One that still lives is killed."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()
        self._output, self._code = folder, None
        order = {"arguments": arguments, "folder": str(folder), "variables": variables}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._hear()["pid"])

    def end(self) -> Ended:
        """Wait until the program has ended."""
        if self._code is None:
            self._code = int(self._hear()["code"])
        out, err = ((self._output / name).read_text("utf-8") for name in (".out", ".err"))
        return Ended(self._code, out, err)

    def poll(self) -> int | None:
        """The exit code of the program; None while it lives."""
        if self._code is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:  # it has ended, and was waited for
                self.end()
        return self._code

    def run(self, folder: Path, *arguments: str, **variables: str) -> Ended:
        """The program from start to end."""
        self.start(folder, *arguments, **variables)
        return self.end()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        heard: dict[str, Any] = json.loads(self._process.stdout.readline())
        return heard
