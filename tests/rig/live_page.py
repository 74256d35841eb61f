"""`market-agents ui` as a process of its own, for tests over real HTTP."""

from __future__ import annotations

import re
import subprocess
from types import TracebackType

from tests.end_to_end.stage import Ended, Shell, ended


class LivePage:
    """The live page of a database; a context manager.

    Args:
        shell: where it is started.
        arguments: after ``market-agents ui --port 0``.
    """

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self._shell = shell
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> LivePage:
        self._process = self._shell.start("ui", "--port", "0", *self._arguments)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r" is at (http://\S+)/ ", line)
        if found is None:
            self._process.kill()
            raise AssertionError(line + ended(self._process).err)
        self.address = found[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()

    def stop(self) -> Ended:
        """End it as a terminal does that is closed."""
        assert self._process is not None
        process, self._process = self._process, None
        process.terminate()
        return ended(process)
