"""Finding one's way: help, versions, and words that are nearly right."""

from __future__ import annotations

import json

import pytest

from market_agents import __version__
from market_agents.cli import VERBS
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


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_the_program_tells_its_verbs(cli: Cli, words: tuple[str, ...]) -> None:
    told = cli(*words)
    assert told.code == 0
    for verb, does in VERBS.items():
        assert f"  {verb} " in told.out
        assert does in told.out
    assert max(map(len, told.out.splitlines())) <= 100


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"market-agents {__version__}\n"


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
