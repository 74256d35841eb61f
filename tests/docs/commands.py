"""Commands that are printed and not carried out: their verbs, flags and values are held against the parsers."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path

from docs._reference.command_line import parser_of
from market_agents.cli import VERBS

ROOT = Path(__file__).parents[2]
SERVING = {"fake-model", "ui"}
_KEYWORDS = {"do", "then", "else", "if", "while", "until", "!", "time"}
_REDIRECTION = re.compile(r"\d*(?:>>|>&|[<>])\s*\S+")
_VARIABLE = re.compile(r"\$\w+")
_ASSIGNMENT = re.compile(r"\w+=")
_BREAKS = {";", "&&", "||", "|", "&", "(", ")"}


def check_shell(block: str) -> None:
    """Hold a shell block against bash's grammar, and each command of this project against its parser.

    Raises:
        ValueError: it cannot be typed as it stands; the text says why.
    """
    read = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
    if read.returncode:
        raise ValueError(f"bash cannot read it: {read.stderr}")
    for words in commands_in(block):
        check_command(words)


def commands_in(block: str) -> Iterator[list[str]]:
    """The words of each command, without redirections and what the shell reads for itself."""
    for line in block.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(_REDIRECTION.sub(" ", line), posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words: list[str] = []
        for word in [*reader, ";"]:
            if word in _BREAKS:
                if words:
                    yield words
                words = []
            elif words or not (word in _KEYWORDS or _ASSIGNMENT.match(word)):
                words.append(_VARIABLE.sub("1", word))


def check_command(words: list[str]) -> None:
    """Hold one command against its parser, if it is one of this project's.

    Raises:
        ValueError: it has no such verb, script or argument.
    """
    program = words[0]
    if program.startswith("scripts/") and not (ROOT / program).exists():
        raise ValueError(f"there is no {program}")
    arguments = _of_the_program(words)
    if arguments is None or arguments in (["--version"], ["--help"]):
        return
    if arguments[:1] and arguments[0] not in VERBS:
        raise ValueError(f"market-agents has no verb {arguments[0]!r}")
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            _parser(arguments[0] if arguments else "run").parse_args(arguments[1:])
    except SystemExit:
        raise ValueError(f"{shlex.join(words)}: {said.getvalue()}") from None


def _of_the_program(words: list[str]) -> list[str] | None:
    """Verb and arguments of a call of this program, in whichever way it is called; None for other programs."""
    program = words[0].rpartition("/")[2]
    if program == "market-agents":
        return words[1:]
    if program in {"python", "python3"} and words[1:3] == ["-m", "market_agents"]:
        return words[3:]
    if program in {"python", "python3"} and words[1:3] == ["-m", "market_agents.meta_orchestrator"]:
        return ["run", *words[3:]]
    return ["run", *words[1:]] if words[0] == "scripts/run" else None


def unfit(block: str) -> bool:
    """Whether a shell block installs something, or calls a verb that goes on until it is stopped."""
    for words in commands_in(block):
        call = _of_the_program(words) or [""]
        if words[0] == "pip" or (call[0] in SERVING and "--help" not in call):
            return True
    return False


def unknown_words(mention: str) -> list[str]:
    """Flags that a command named in running text does not have; its verb, where there is no such verb."""
    verb, *rest = mention.split()[1:2] + re.findall(r"--[a-z][a-z-]*", mention)
    if verb.startswith("-") or not re.fullmatch(r"[a-z][a-z-]*", verb):
        return []
    if verb not in VERBS:
        return [verb]
    return [flag for flag in rest if flag not in {"--help", *_flags(verb)}]


@cache
def _parser(verb: str) -> ArgumentParser:
    return parser_of(verb)


def _flags(verb: str) -> set[str]:
    return set(_parser(verb)._option_string_actions)
