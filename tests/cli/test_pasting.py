"""Printed commands work as they are, in the folder where they were printed, and carry no password."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from market_agents.cli.common import Place, command
from market_agents.config import DatabaseConfig, database_url
from tests.cli.conftest import Cli
from tests.end_to_end.stage import Shell, call

PASSWORD = "p@ss/w%rd:1"


def printed(text: str) -> list[str]:
    """The commands that a run printed."""
    return [line.strip() for line in text.partition("Look further:\n")[2].splitlines() if " one" in line]


def without_password(url: str) -> tuple[str, str]:
    """An address and the password that it held."""
    parts = urlsplit(url)
    assert parts.password
    return url.replace(f":{parts.password}@", "@"), unquote(parts.password)


@pytest.mark.parametrize(
    "flag", [(), ("--database", "other folder/it's.db"), ("--database", "sqlite:///b.db")]
)
def test_printed_commands_can_be_pasted(shell: Shell, flag: tuple[str, ...]) -> None:
    (shell.folder / "other folder").mkdir()
    run = call(shell.folder, "run", "--run-id", "one", *flag)
    assert run.code == 0, run.err
    commands = printed(run.out)
    assert len(commands) == 3
    assert all(("--database" in line) == bool(flag) for line in commands)
    # One as the shell understands it, the others by the rules of the shell, for a process takes seconds to start.
    assert shell.line(commands[1]).code == 0
    for line in commands:
        program, *words = shlex.split(line)
        assert Path(program).name == "market-agents"
        assert call(shell.folder, *words).code == 0, line
    assert (shell.folder / "results" / "trades.csv").exists()
    assert (shell.folder / "report.html").exists()


@pytest.mark.parametrize("by", ["flag", "DATABASE_URL", ".env"])
def test_a_password_is_not_printed_and_its_variable_completes_the_command(
    shell: Shell, postgres_url: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, password = without_password(postgres_url)
    flags: tuple[str, ...] = ()
    if by == "flag":
        flags = ("--database", postgres_url)
    elif by == "DATABASE_URL":
        shell.environment["DATABASE_URL"] = postgres_url
        monkeypatch.setenv("DATABASE_URL", postgres_url)
    else:
        (shell.folder / ".env").write_text(f"DATABASE_URL='{place}'\nDB_PASSWORD='{password}'\n", "utf-8")
    run = call(shell.folder, "run", "--run-id", "one", *flags)
    assert run.code == 0, run.err
    for text in (run.out, run.err):
        assert password not in text
        assert str(urlsplit(postgres_url).password) not in text
    commands = printed(run.out)
    assert len(commands) == 3
    assert ("DB_PASSWORD" in run.out) == (by == "flag")
    assert all((place in line) == (by == "flag") for line in commands)
    if by == "flag":
        assert shell.line(commands[1]).code == 2, "without the password the server refuses"
        shell.environment["DB_PASSWORD"] = password
    assert re.fullmatch(r"[0-9a-f]{64}\n", shell.line(commands[1]).out)


def test_an_address_without_password_takes_it_from_the_environment() -> None:
    def of(flag: str | None, **environment: str) -> str:
        return database_url(DatabaseConfig(), environment, flag)

    spare = {"DB_PASSWORD": PASSWORD}
    encoded = "p%40ss%2Fw%25rd%3A1"
    assert of("postgresql://me@host/db", **spare) == f"postgresql+psycopg2://me:{encoded}@host/db"
    assert of("postgresql://me:own@host/db", **spare) == "postgresql+psycopg2://me:own@host/db"
    assert of("postgresql://host/db", **spare) == f"postgresql+psycopg2://:{encoded}@host/db"
    assert (
        of("postgresql://me@host/db?password=own", **spare) == "postgresql+psycopg2://me@host/db?password=own"
    )
    assert (
        of(None, DATABASE_URL="postgres://me@host/db", **spare)
        == f"postgresql+psycopg2://me:{encoded}@host/db"
    )
    assert of("market.db", **spare).startswith("sqlite:///")


def test_the_flag_is_named_only_where_it_is_needed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Place(f"sqlite:///{cli.folder / 'market_simulation.db'}", "sqlite:///shown.db")
    there = Place("sqlite:////elsewhere/a b.db", "sqlite:////elsewhere/a b.db")
    assert command("digest", "one", place=here).endswith(" digest one")
    assert command("digest", "one", place=there).endswith(
        " digest one --database 'sqlite:////elsewhere/a b.db'"
    )
    monkeypatch.setenv("DATABASE_URL", "sqlite:////elsewhere/a b.db")
    assert "--database" not in command("digest", "one", place=there)
    assert "--database sqlite:///shown.db" in command("digest", "one", place=here)


def test_a_database_that_only_the_yaml_names_is_named(cli: Cli) -> None:
    cli.write(
        "a.yaml",
        "num_agents: 2\nmax_rounds: 1\nenvironment_order: [auction]\ndatabase_config: {db_name: y.db}\n",
    )
    run = cli("run", "a.yaml", "--run-id", "one")
    assert run.code == 0
    for line in printed(run.out):
        assert line.endswith(f"--database sqlite:///{cli.folder / 'y.db'}")
