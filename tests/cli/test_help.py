"""Finding one's way: help, versions, and words that are nearly right."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs._reference.command_line import parser_of
from market_agents import __version__
from market_agents.cli import VERBS
from market_agents.cli.arguments import VerbParser
from tests.cli.conftest import Cli
from tests.end_to_end.stage import Shell

FLAGS = {
    "run": [
        *("--config", "--environments", "--set", "--seed", "--run-id"),
        *("--database", "--offline", "--quiet", "--json", "--log-file"),
    ],
    "validate": ["--set"],
    "resume": ["--config", "--force", "--database", "--quiet", "--json", "--log-file"],
    "replay": ["--force", "--database", "--quiet", "--json"],
    "fork": ["--at-round", "--set", "--run-id", "--force", "--database", "--quiet", "--json"],
    "runs": ["--database", "--yes", "show", "delete"],
    "markets": ["--database", "--json"],
    "digest": ["--database"],
    "export": ["--database", "--format", "--output"],
    "db": ["--database", "upgrade", "check"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_its_flags(cli: Cli, verb: str) -> None:
    told = cli(verb, "--help")
    assert told.code == 0
    assert told.err == ""
    assert f"usage: market-agents {verb}" in told.out
    for flag in FLAGS.get(verb, []):
        assert flag in told.out
    assert max(map(len, told.out.splitlines())) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_ends_its_help_with_examples_that_it_understands(cli: Cli, verb: str) -> None:
    parser = parser_of(verb)
    assert isinstance(parser, VerbParser)
    assert cli(verb, "--help").out.endswith("".join(f"  {line}\n" for line in parser.examples))
    for line in parser.examples:
        program, own, *words = shlex.split(line.partition(" > ")[0])
        assert (program, own) == ("market-agents", verb)
        parser.parse_args(words)


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_the_program_tells_its_verbs(cli: Cli, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert told.code == 0
    for verb, does in VERBS.items():
        assert f"  {verb} " in told.out
        assert does in told.out
    assert max(map(len, told.out.splitlines())) <= 100


@pytest.mark.parametrize("word", ["--version", "-V", "version"])
def test_version(cli: Cli, word: str) -> None:
    assert cli(word).out == f"market-agents {__version__}\n"


def test_help_about_a_verb(cli: Cli) -> None:
    assert cli("help", "export").out == cli("export", "--help").out
    assert "no verb 'exprot'; did you mean 'export'?" in cli("help", "exprot").complaints[0]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("run", "--sed", "3"), "--sed; did you mean --seed?"),
        (("report", "one", "--formt=md"), "--formt=md; did you mean --format?"),
        (("digest", "one", "two"), "unrecognized arguments: two"),
    ],
)
def test_a_flag_that_is_nearly_right(cli: Cli, words: tuple[str, ...], meant: str) -> None:
    assert cli(*words).err.splitlines()[-1].endswith(meant)


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",)])
def test_a_reader_of_help_may_go_away(tmp_path: Path, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "market_agents", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("rnu", "'run'"), ("replya", "'replay'"), ("exprot", "'export'"), ("xyzzy", "run, validate")],
)
def test_a_word_that_is_no_verb(cli: Cli, word: str, hint: str) -> None:
    told = cli(word)
    assert told.code == 2
    assert told.out == ""
    assert len(told.complaints) == 1
    assert hint in told.complaints[0]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--nonsense"),
        ("run", "--seed", "many"),
        ("resume",),
        ("runs", "show"),
        ("runs", "list", "one"),
        ("export", "one"),
        ("export", "one", "--format", "xml", "-o", "x"),
        ("db",),
    ],
)
def test_arguments_that_are_not_understood(cli: Cli, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert told.code == 2
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith(f"market-agents {words[0]}: error: ")


def test_help_imports_nothing_heavy(shell: Shell) -> None:
    program = (
        "import json, sys\n"
        "from market_agents.cli import main\n"
        "code = main(['--help'])\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    told = shell.run(program=("-c", program))
    code, modules = json.loads(told.out.splitlines()[-1])
    assert code == 0
    assert not {"pydantic", "sqlalchemy", "openai", "rich", "yaml", "asyncio"} & set(modules)


@pytest.mark.parametrize("verb", ["runs", "report", "trace", "export"])
def test_verbs_that_read_import_nothing_of_models(shell: Shell, verb: str) -> None:
    program = f"import sys, market_agents.cli.{verb}; print(*sorted(sys.modules))"
    modules = set(shell.run(program=("-c", program)).out.split())
    assert f"market_agents.cli.{verb}" in modules
    assert not {"openai", "httpx2", "genai_prices", "rich", "market_agents.inference"} & modules
