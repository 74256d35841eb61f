"""The command line: one file a verb, imported when it is called, so that ``--help`` is quick."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from market_agents import __version__
from market_agents.cli.garbage import uncollected

VERBS = {
    "init": "write a configuration to begin with into a folder",
    "run": "run the simulation that a YAML file describes",
    "validate": "find every mistake in a YAML file",
    "schema": "print the JSON schema of the configuration, for editors",
    "plan": "forecast calls, tokens, cost and time before anything is spent",
    "prices": "what models cost, and from where that is known",
    "resume": "go on with a run that was interrupted",
    "replay": "run again from the journal alone, without any call",
    "fork": "branch off from a run at a round, under another treatment",
    "runs": "list runs, show one, compare some, or delete one",
    "ui": "serve a page on which runs can be watched, step by step too",
    "report": "write a run's report as one HTML page, or as Markdown",
    "trace": "one agent's round from prompt to profit",
    "markets": "every measure of a run's markets, round by round",
    "conversation": "who said what in a run, measured by round and cohort",
    "personas": "balance of personas over roles, revealed against assigned traits",
    "prompts": "the prompts that agents are asked with, to read or to copy",
    "digest": "one SHA-256 over everything that a run decided",
    "export": "write a run's tables as CSV, JSON Lines or Parquet",
    "lab": "let trading strategies trade in a reference market",
    "verify": "reproduce the reference experiments of the literature",
    "fake-model": "serve made-up answers here, to try a configuration without paying",
    "cache": "answers kept for later runs: how many, and forget them",
    "db": "create, upgrade, check, back up or restore the database",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    try:
        return _main(argv)
    finally:
        _flush()


def _main(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else "--help"
    if first == "help" and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
        first = arguments[0]
    if first in {"-h", "--help", "help"}:
        return _speak(_help())
    if first in {"-V", "--version", "version"}:
        return _speak(f"market-agents {__version__}")
    if first not in VERBS:
        return _mistake(first)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # where a configuration's own classes (module:Class) are looked for
    try:
        verb = _verb(first)
        if argv is None:
            # What is imported stays: going through it again and again holds up a run for a tenth of a second each time.
            gc.freeze()
        code: int = verb(arguments[1:])
    except KeyboardInterrupt:  # before there was anything to stop in order
        print("market-agents: interrupted", file=sys.stderr)  # noqa: T201  (the command line speaks)
        return 130
    except Exception as error:  # noqa: BLE001  (what an error is of is imported only where there is one)
        return _told(error)
    return code


def _verb(name: str) -> Callable[[list[str]], int]:
    """The function that carries out a verb."""
    with uncollected():
        verb: Callable[[list[str]], int] = import_module(f"market_agents.cli.{name.replace('-', '_')}").main
    return verb


def _told(error: Exception) -> int:
    """The exit code of a user's mistake that shows while a verb is imported; any other error goes on."""
    from market_agents.errors import UserError  # only a mistake pays for it

    if not isinstance(error, UserError):
        raise error
    print(f"market-agents: {error}", file=sys.stderr)  # noqa: T201  (the command line speaks)
    return int(error.exit_code)


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {does}" for verb, does in VERBS.items())
    return (
        "usage: market-agents VERB [arguments]\n\n"
        "Economic experiments on language-model agents: group chats and double auctions.\n\n"
        f"{verbs}\n\n"
        "market-agents VERB --help tells more. A first run needs no key and no server:\n"
        "market-agents init, then market-agents run"
    )


def _mistake(word: str) -> int:
    from difflib import get_close_matches  # only a mistake pays for the suggestion

    near = get_close_matches(word, VERBS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"verbs are {', '.join(VERBS)}"
    print(f"market-agents: no verb {word[:80]!r}; {hint}", file=sys.stderr)  # noqa: T201  (the command line speaks)
    return 2


def _speak(text: str) -> int:
    with suppress(BrokenPipeError):  # as below
        print(text)  # noqa: T201  (the command line speaks)
    return 0


def _flush() -> None:
    """Write out what was printed; a reader that went away, as ``head`` does, has what it wanted."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # for Python flushes again at exit
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
