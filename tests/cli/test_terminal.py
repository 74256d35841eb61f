"""A run on a terminal of 80 columns: banner, progress, colours, and nothing wider than the window."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL
from tests.end_to_end.stage import Shell, asked
from tests.rig.fake_model_client import FakeModel

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTH = 80


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    try:
        yield outer, inner
    finally:
        os.close(outer)


def on_terminal(shell: Shell, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run the program with everything connected to a terminal; exit code and what the terminal was sent."""
    with terminal() as (outer, inner):
        process = subprocess.Popen(
            [sys.executable, "-m", "market_agents", *arguments],
            cwd=shell.folder,
            env={**shell.environment, **variables},
            stdin=inner,
            stdout=inner,
            stderr=inner,
        )
        os.close(inner)
        sent = b""
        try:
            while piece := os.read(outer, 65536):
                sent += piece
        except OSError:
            pass  # the last process that held the terminal has ended
        return process.wait(timeout=30), sent.decode()


def lines_of(sent: str) -> list[str]:
    """Lines as they stood on the screen, rewritten ones included."""
    return [line for line in re.split(r"[\r\n]+", CONTROL.sub("", sent)) if line.strip()]


@pytest.fixture
def brief(tmp_path: Path) -> Shell:
    """A folder with a configuration that talks a lot."""
    (tmp_path / "orchestrator_config.yaml").write_text(SMALL.replace("4", "10"), encoding="utf-8")
    return Shell(tmp_path)


def test_everything_fits_and_the_banner_stands_above(brief: Shell, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 20}])
    address = str(asked(fake_model)[0]["base_url"])
    entries = f'llm_configs=[{{name: served, model: fake-model, base_url: "{address}"}}]'
    code, sent = on_terminal(brief, "run", "--run-id", "one", "--set", entries)
    assert code == 0, sent
    lines = lines_of(sent)
    # Commands and addresses stay whole, so that they can be pasted.
    shown = lines[: next(place for place, line in enumerate(lines) if line.startswith("Run one"))]
    assert max(map(len, shown)) <= WIDTH
    assert any("|_|" in line for line in lines[:6]), "the banner"
    assert COLOUR.search(sent)
    progress = [line for line in lines if " in flight, " in line]
    assert len(progress) > 2
    assert all(re.match(r"round \d+: \d+ asks done, \d+ in flight, ", line) for line in progress)
    assert not [line for line in progress if " thinks: " in line or " says: " in line], (
        "records begin on new lines"
    )
    assert "Run one completed" in sent


def test_no_color_means_none(brief: Shell) -> None:
    code, sent = on_terminal(brief, "run", "--run-id", "one", NO_COLOR="1")
    assert code == 0
    assert not [colour for colour in COLOUR.findall(sent) if re.search(r"[;\[](3|4|9|10)\d[;m]", colour)]


def test_quiet_and_json_are_the_same_on_a_terminal(brief: Shell) -> None:
    code, sent = on_terminal(brief, "run", "--json")
    assert code == 0
    assert len(lines_of(sent)) == 1
    assert "\x1b" not in sent


def test_a_dumb_terminal_gets_no_codes(brief: Shell) -> None:
    code, sent = on_terminal(brief, "run", TERM="dumb")
    assert code == 0
    assert "\x1b" not in sent
