"""What verbs share: flags, the way errors are told, and commands that can be pasted as they are printed."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from market_agents.cli.arguments import VerbParser
from market_agents.config import DatabaseConfig, database_url, parse_override, read_environment
from market_agents.errors import ExitCode, MarketAgentsError, UserError
from market_agents.output import say
from market_agents.storage import Database, find_run_id, open_database

DEFAULT_CONFIG = "orchestrator_config.yaml"


def parser_for(verb: str, description: str) -> VerbParser:
    """A parser whose usage names the verb, and whose help ends with examples."""
    return VerbParser(verb, description)


def add_run_argument(parser: argparse.ArgumentParser, told: str = "the run, as `runs` lists it") -> None:
    """``RUN_ID``, the run that the verb is about; `open_database_of_run` makes the id whole."""
    told += ", or the beginning of its id, or `latest`"
    parser.add_argument("run_id", metavar="RUN_ID", help=told)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """``CONFIG``, ``--config`` and ``--set``; `config_path` and `given_overrides` read them."""
    parser.add_argument(
        "config", nargs="?", metavar="CONFIG", help=f"the YAML file (default: ./{DEFAULT_CONFIG})"
    )
    parser.add_argument("--config", dest="config_flag", metavar="FILE", help="the same as CONFIG")
    add_override_flag(parser, "replace a value; repeatable")


def config_path(arguments: argparse.Namespace) -> Path:
    """The YAML file that the arguments name.

    Raises:
        UserError: they name two, or none where there is none under the default name.
    """
    named = arguments.config_flag or arguments.config
    if arguments.config and arguments.config_flag and arguments.config != arguments.config_flag:
        raise UserError(f"two configurations are named: {arguments.config} and {arguments.config_flag}")
    return Path(named) if named else default_config()


def default_config() -> Path:
    """The YAML file that is meant where none is named.

    Raises:
        UserError: there is none.
    """
    default, above = Path(DEFAULT_CONFIG), Path("..") / DEFAULT_CONFIG
    if default.exists():
        return default
    if above.exists() and Path("meta_orchestrator.py").exists():
        return above  # started inside the package's own folder
    raise UserError(
        f"there is no {DEFAULT_CONFIG} in this folder: name a file, or let market-agents init write one"
    )


def add_override_flag(parser: argparse.ArgumentParser, told: str) -> None:
    """``--set``, which `given_overrides` reads."""
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY.PATH=VALUE", help=told
    )


def given_overrides(arguments: argparse.Namespace) -> list[tuple[str, object]]:
    """What ``--set`` replaces, in the order given; nothing for a verb that has no ``--set``.

    Raises:
        UserError: not ``KEY.PATH=VALUE``.
    """
    return [parse_override(text) for text in getattr(arguments, "overrides", ())]


def add_force_flag(parser: argparse.ArgumentParser) -> None:
    """``--force``, for a run that goes on under another version."""
    parser.add_argument(
        "--force", action="store_true", help="go on although program or prompts changed since"
    )


def add_database_flag(parser: argparse.ArgumentParser) -> None:
    """``--database``, which wins over environment, ``.env`` and configuration."""
    parser.add_argument(
        "--database",
        metavar="URL",
        help="postgresql://user@host/name, sqlite:///file.db or a file; default: .env, else market_simulation.db here",
    )


def open_configured_database(flag: str | None) -> Database:
    """The database that flag, environment or ``.env`` name; it must be there already.

    Raises:
        UserError: it is not, or cannot be reached.
    """
    return open_database(configured_url(flag), create=False)


def open_database_of_run(arguments: argparse.Namespace) -> Database:
    """The same database; ``run_id`` of the arguments becomes the whole id of the run that they name.

    Raises:
        RunRefused: no such run, or several.
        UserError: the database is not there, or cannot be reached.
    """
    with ExitStack() as until_found:
        database = until_found.enter_context(open_configured_database(arguments.database))
        arguments.run_id = find_run_id(database, arguments.run_id)
        until_found.pop_all()
    return database


def configured_url(flag: str | None) -> str:
    """The address that flag, environment or ``.env`` name; it may hold a password."""
    folder = Path.cwd()
    return database_url(DatabaseConfig(), read_environment(folder), flag, folder)


def guarded(
    work: Callable[[], int],
    hint: Callable[[BaseException], str] | None = None,
    redact: Callable[[str], str] = str,
) -> int:
    """Run a verb; tell errors on standard error and turn them into exit codes.

    Args:
        work: the verb.
        hint: what to type next when something went wrong; empty for nothing.
        redact: hides what only the run knows to be secret.
    """
    stopped_by: BaseException
    try:
        return work()
    except MarketAgentsError as error:
        for line in str(error).splitlines() or [type(error).__name__]:
            say(f"market-agents: {redact(line)}", sys.stderr)
        code, stopped_by = error.exit_code, error
    except KeyboardInterrupt as error:
        say("market-agents: interrupted", sys.stderr)
        code, stopped_by = ExitCode.INTERRUPTED, error
    except Exception as error:  # noqa: BLE001  the last frame before the shell: show what happened, and how to go on
        say(redact(traceback.format_exc()), sys.stderr)
        code, stopped_by = ExitCode.FAILED, error
    told = hint(stopped_by) if hint else ""
    if told:
        say(told, sys.stderr)
    return int(code)


@dataclass(frozen=True)
class Place:
    """The database in use, as printed commands have to name it.

    Attributes:
        url: its whole address, which may hold a password.
        display: its address without one.
    """

    url: str
    display: str

    def flag(self) -> tuple[str, ...]:
        """``--database`` with the address, where a command would not find it by itself."""
        return () if self._is_found(None) else ("--database", self.display)

    def note(self) -> str:
        """What printed commands need besides; empty where they need nothing."""
        secret = urlsplit(self.url).password
        if not secret or self._is_found(None) or self._is_found(self.display):
            return ""
        return "These commands show no password: set DB_PASSWORD, or write it to .env, before you use them."

    def _is_found(self, flag: str | None) -> bool:
        return configured_url(flag) == self.url


def command(*words: str, place: Place) -> str:
    """A command line as it can be typed here, naming the database where it has to be named."""
    return " ".join([_program(), *(shlex.quote(word) for word in [*words, *place.flag()])])


def _program() -> str:
    """How this program can be called from the user's shell."""
    found = shutil.which("market-agents")
    own = Path(sys.executable).parent / "market-agents"
    if found and Path(found).resolve() == own.resolve():
        return "market-agents"
    if own.exists():
        relative = os.path.relpath(own)
        return shlex.quote(relative if len(relative) < len(str(own)) else str(own))
    return f"{shlex.quote(sys.executable)} -m market_agents"
