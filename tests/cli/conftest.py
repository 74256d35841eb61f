"""The command line in this process, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.stage import CANARY, Ended, Shell, call


class Cli:
    """Calls verbs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, said: str = "") -> Ended:
        return call(self.folder, *words, said=said)

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


SMALL = """\
num_agents: 4
max_rounds: 2
environment_order: [group_chat, auction]
seed: 7
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path)


@pytest.fixture
def small(cli: Cli) -> Cli:
    """The same with a small configuration under the default name."""
    cli.write("orchestrator_config.yaml", SMALL)
    return cli


@pytest.fixture
def finished(small: Cli) -> Cli:
    """The same after a run called ``one``."""
    done = small("run", "--run-id", "one", "--quiet")
    assert done.code == 0, done.err
    return small


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The program as a process of its own, in a folder with a small configuration."""
    (tmp_path / "orchestrator_config.yaml").write_text(SMALL, encoding="utf-8")
    return Shell(tmp_path, CANARY_KEY=CANARY)
