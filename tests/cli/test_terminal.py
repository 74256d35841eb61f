"""A run on a terminal of 80 columns: banner, the view of the run, colours, and nothing wider than the window."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
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
from tests.rig.screen import Screen

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


def on_terminal(shell: Shell, *arguments: str, interrupted_at: str = "", **variables: str) -> tuple[int, str]:
    """Run the program with everything connected to a terminal; exit code and what the terminal was sent.

    It is interrupted once the terminal was sent something that the pattern ``interrupted_at`` matches.
    """
    with terminal() as (outer, inner):
        process = subprocess.Popen(
            [sys.executable, "-m", "market_agents", *arguments],
            cwd=shell.folder,
            env={**shell.environment, "CI": "", **variables},
            stdin=inner,
            stdout=inner,
            stderr=inner,
        )
        os.close(inner)
        sent = b""
        try:
            while piece := os.read(outer, 65536):
                sent += piece
                if interrupted_at and re.search(interrupted_at, sent.decode(errors="ignore")):
                    process.send_signal(signal.SIGINT)
                    interrupted_at = ""
        except OSError:
            pass  # the last process that held the terminal has ended
        return process.wait(timeout=600), sent.decode()


def lines_of(sent: str) -> list[str]:
    """Lines as they stood on the screen, rewritten ones included."""
    return [line for line in re.split(r"[\r\n]+", CONTROL.sub("", sent)) if line.strip()]


def talkative(folder: Path) -> Shell:
    """A folder with a configuration that talks a lot."""
    (folder / "orchestrator_config.yaml").write_text(SMALL.replace("4", "10"), encoding="utf-8")
    return Shell(folder)


@pytest.fixture
def brief(tmp_path: Path) -> Shell:
    """The same, for one test."""
    return talkative(tmp_path)


def served(model: FakeModel) -> tuple[str, str]:
    """The flag that has the model asked."""
    address = str(asked(model)[0]["base_url"])
    return "--set", f'llm_configs=[{{name: served, model: fake-model, base_url: "{address}"}}]'


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, fake_model_of_module: FakeModel) -> tuple[Shell, str]:
    """A folder with a run called ``one``, and what the terminal was sent while it went on."""
    shell = talkative(tmp_path_factory.mktemp("watched"))
    fake_model_of_module.reset()
    fake_model_of_module.set_faults([{"kind": "delay", "ms": 20}])
    code, sent = on_terminal(shell, "run", "--run-id", "one", *served(fake_model_of_module))
    assert code == 0, sent
    return shell, sent


def test_everything_fits_and_the_banner_stands_above(watched: tuple[Shell, str]) -> None:
    _, sent = watched
    lines = lines_of(sent)
    # Commands and addresses stay whole, so that they can be pasted.
    shown = lines[: next(place for place, line in enumerate(lines) if line.startswith("Run one"))]
    assert max(map(len, shown)) <= WIDTH
    assert any("|_|" in line for line in lines[:6]), "the banner"
    assert COLOUR.search(sent)
    assert "Run one completed" in sent


def test_the_view_tells_place_counts_and_prices(watched: tuple[Shell, str]) -> None:
    _, sent = watched
    lines = lines_of(sent)
    counts = [line for line in lines if " in flight · " in line]
    assert len(counts) > 2
    assert all(re.match(r"[\d,]+ asks done · \d+ in flight · \d+ without answer", line) for line in counts)
    assert any(
        re.match(r"── round \d+ of 2 · \w+ · \d+ s · (–|about \d+ s) left ─+$", line) for line in lines
    )
    assert any(re.match(r"strawberry: .*, equilibrium \d+\.\d\d to \d+\.\d\d \(─\)$", line) for line in lines)


def test_the_view_stays_below_the_log_and_leaves_nothing_behind(watched: tuple[Shell, str]) -> None:
    shell, sent = watched
    seen = Screen(WIDTH).show(sent)
    piped = shell.run("replay", "one").err
    records = [line.rstrip() for line in piped.splitlines() if line.startswith(("━━", "  "))]
    assert len(records) > 20
    start = seen.index(records[0])
    assert seen[start : start + len(records)] == records, "as in a pipe, and nothing in between"
    assert not [line for line in seen if " in flight · " in line]


def test_an_interrupted_run_leaves_the_terminal_as_it_was(brief: Shell, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 300}])
    code, sent = on_terminal(
        brief, "run", "--run-id", "one", *served(fake_model), interrupted_at=r"[1-9]\d* in flight"
    )
    assert code == 130
    assert "\x1b[?25l" not in sent, "whoever kills the program would be left without a cursor"
    seen = Screen(WIDTH).show(sent)
    assert not [line for line in seen if " in flight · " in line]
    assert any(line.startswith("! stopping") for line in seen)
    assert any("resume one" in line for line in seen)


def test_a_build_server_with_a_terminal_gets_plain_lines(brief: Shell) -> None:
    code, sent = on_terminal(brief, "run", "--run-id", "one", CI="true")
    assert code == 0
    assert not [found for found in CONTROL.findall(sent) if not COLOUR.fullmatch(found)]
    assert " in flight · " not in sent


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
