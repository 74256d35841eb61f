"""One shell for all the shell blocks of a page, so that a later block finds what an earlier one left."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self


class Done(NamedTuple):
    """What came of a block.

    Attributes:
        last: exit code of its last command.
        failed: exit code of the last command that failed, pipes included; 0 where none did.
        out: its standard output.
        err: its standard error.
    """

    last: int
    failed: int
    out: str
    err: str


class Shell:
    """A bash that stays.

    Args:
        folder: in which it begins.
        aside: a folder for its scripts and output.
        environment: all of it.
    """

    def __init__(self, folder: Path, aside: Path, environment: Mapping[str, str]) -> None:
        self._aside = aside
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.kill()
        self._bash.communicate()

    def run(self, block: str) -> Done:
        """Carry out a block as if it were typed."""
        script, out, err = (self._aside / name for name in ("block", "out", "err"))
        script.write_text(block, "utf-8")
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(
            "set -E -o pipefail; failed=0; trap 'failed=$?' ERR\n"
            f"source {script} >{out} 2>{err} </dev/null; last=$?; trap - ERR; echo $last $failed\n"
        )
        self._bash.stdin.flush()
        last, failed = self._bash.stdout.readline().split()
        return Done(int(last), int(failed), out.read_text("utf-8"), err.read_text("utf-8"))
