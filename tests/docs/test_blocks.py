"""Every code block of README and docs is tried: commands, Python, YAML and SQL, page by page, in order."""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from market_agents.cli import VERBS
from market_agents.errors import ConfigError
from tests.docs.commands import check_shell, unfit, unknown_words
from tests.docs.configurations import check_yaml, is_configuration
from tests.docs.pages import EMPTY, ROOT, Block, blocks_of, matches, pages
from tests.docs.shell import Shell
from tests.docs.warm import warm_program
from tests.end_to_end.stage import call

SHOWN = {"text", "{toctree}", "{eval-rst}", "{figure}"}
"""Languages of blocks in which there is nothing to try."""

SCRIPTS = {"run": 'exec .venv/bin/python -m market_agents.meta_orchestrator "$@"', "test": "exit 0"}
"""The scripts that a reader calls, without what they install; the tests are what runs here."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with the programs that pages call."""
    with warm_program(tmp_path_factory.mktemp("w")) as found:
        yield found


@pytest.fixture(scope="module")
def earlier_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of one run of the shipped configuration, named as pages name a reader's run."""
    folder = tmp_path_factory.mktemp("earlier")
    assert (
        call(folder, "run", str(ROOT / "orchestrator_config.yaml"), "--run-id", "RUN_ID", "--quiet").code == 0
    )
    return folder / "market_simulation.db"


def hold(condition: bool, what: str) -> None:
    """Say ``what`` is wrong, unless it is not."""
    if not condition:
        raise ValueError(what)


class Trial:
    """One page being tried.

    Args:
        page: the file.
        folder: in which its reader works.
        shell: for its commands.
        runs: the database for its SQL.
    """

    def __init__(self, page: Path, folder: Path, shell: Shell, runs: Path) -> None:
        self._page, self._folder, self._shell, self._runs = page, folder, shell, runs
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._said = ""
        self._ways = {"bash": self._bash, "python": self._python, "yaml": self._yaml, "sql": self._sql}

    def of(self, block: Block) -> None:
        """Try a block; what is wrong with it is told with its place."""
        try:
            if "file" in block.remarks:
                (self._folder / block.remarks["file"]).write_text(block.text, "utf-8")
            if "output" in block.remarks:
                hold(matches(self._said, block.text), f"printed was\n{self._said}")
            elif block.language not in SHOWN:
                hold(
                    block.language in self._ways, f"a block says what it is: {', '.join(self._ways)} or text"
                )
                self._ways[block.language](block)
        except (ConfigError, ValueError, SyntaxError) as wrong:
            name = self._page.relative_to(ROOT)
            pytest.fail(f"{name}:{block.line}: {wrong}\n--- the block\n{block.text}", pytrace=False)

    def _bash(self, block: Block) -> None:
        check_shell(block.text)
        if "not run" in block.remarks:
            return
        hold(
            not unfit(block.text),
            "it installs, or does not end by itself: mark it with <!-- not run: why -->",
        )
        done = self._shell.run(block.text)
        self._said = done.out
        told = f"{done.out}\n{done.err}"
        if "exit code" in block.remarks:
            hold(done.last == int(block.remarks["exit code"]), f"it ended with {done.last}\n{told}")
        else:
            hold(done.last == done.failed == 0, f"a command failed with {done.failed}\n{told}")

    def _python(self, block: Block) -> None:
        code = compile(
            block.text, f"{self._page.name}:{block.line}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        if "not run" in block.remarks:
            return
        said = io.StringIO()
        with redirect_stdout(said):
            waiting = eval(code, self._names)
            if inspect.iscoroutine(waiting):
                asyncio.run(waiting)
        self._said = said.getvalue()

    def _yaml(self, block: Block) -> None:
        if "file" in block.remarks and not is_configuration(block.text):
            return  # read by the configuration that names it
        check_yaml(block.text, block.remarks.get("under", ""), self._folder)

    def _sql(self, block: Block) -> None:
        with closing(sqlite3.connect(f"file:{self._runs}?mode=ro", uri=True)) as database:
            for statement in filter(str.strip, block.text.split(";")):
                try:
                    database.execute(statement).fetchall()
                except sqlite3.Error as error:
                    raise ValueError(str(error)) from None


def furnish(folder: Path, text: str, programs: Path, runs: Path) -> None:
    """Lay out what a reader of a page has: the project's files, and a run that was made before."""
    (folder / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(programs, folder / ".venv" / "bin")
    (folder / "scripts").mkdir()
    for name, does in SCRIPTS.items():
        (folder / "scripts" / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (folder / "scripts" / name).chmod(0o755)
    for name in ("orchestrator_config.yaml", "my.yaml"):
        shutil.copy(ROOT / "orchestrator_config.yaml", folder / name)
    if EMPTY not in text:
        shutil.copy(runs, folder / "market_simulation.db")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_prints_can_be_typed(
    page: Path, tmp_path: Path, programs: Path, earlier_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text("utf-8")
    folder, aside = tmp_path / "market", tmp_path / "aside"
    folder.mkdir()
    aside.mkdir()
    furnish(folder, text, programs, earlier_run)
    monkeypatch.chdir(folder)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(aside),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")),
    }
    with Shell(folder, aside, environment) as shell:
        trial = Trial(page, folder, shell, earlier_run)
        for block in blocks_of(text):
            trial.of(block)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_mentions_exists(page: Path) -> None:
    mentions = re.findall(r"`(market-agents [^`]+)`", page.read_text("utf-8").replace("\n", " "))
    assert not [(mention, unknown_words(mention)) for mention in mentions if unknown_words(mention)]


def test_every_verb_is_named_somewhere() -> None:
    told = "\n".join(page.read_text("utf-8") for page in pages())
    assert not [verb for verb in VERBS if f"market-agents {verb}" not in told and f"`{verb}" not in told]
