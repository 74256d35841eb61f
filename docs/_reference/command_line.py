"""Every verb of the command line with its arguments, from the parsers that read them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from unittest.mock import patch

from docs._reference.markdown import code, prose, table
from market_agents.cli import VERBS
from market_agents.cli.arguments import VerbParser


class _Met(Exception):
    """Carries a parser out of the verb that was about to use it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__(parser.prog)
        self.parser = parser


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser with which a verb reads its arguments; the verb is started and gets no further than there."""

    def stop(parser: argparse.ArgumentParser, *_: object, **__: object) -> argparse.Namespace:
        raise _Met(parser)

    module = import_module(f"market_agents.cli.{verb.replace('-', '_')}")
    with patch.object(argparse.ArgumentParser, "parse_args", stop):
        try:
            module.main([])
        except _Met as met:
            return met.parser
    raise LookupError(f"{verb} reads its arguments in an unknown way")


def command_line() -> str:
    """The page's Markdown: a section for each verb, in the order of ``market-agents --help``."""
    return "\n\n".join("\n\n".join(_verb(verb, does)) for verb, does in VERBS.items())


def _verb(verb: str, does: str) -> Iterator[str]:
    yield f"## {verb}"
    yield from _parser(parser_of(verb), does)


def _parser(parser: argparse.ArgumentParser, does: str) -> Iterator[str]:
    yield prose(parser.description or f"{does[:1].upper()}{does[1:]}.")
    yield f"```text\n{_usage(parser)}\n```"
    rows = [[_names(action), prose(_help(parser, action))] for action in arguments_of(parser)]
    if rows:
        yield table(["argument", "meaning"], rows)
    if isinstance(parser, VerbParser):
        yield "```text\n" + "\n".join(parser.examples) + "\n```"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, below in action.choices.items():
                yield f"### {below.prog.removeprefix('market-agents ')}"
                yield from _parser(below, helps.get(name, name))


def arguments_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What can be given on the command line, ``--help`` and the choice of a lower verb aside."""
    return [
        action
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
        and action.help != argparse.SUPPRESS
    ]


def _usage(parser: argparse.ArgumentParser) -> str:
    words = parser.format_usage().removeprefix("usage: ")
    return re.sub(r"\s+", " ", words).strip().replace("[-h] ", "").replace(" [-h]", "")


def _names(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else action.metavar or action.dest
    values = value if isinstance(value, str) else " ".join(value)
    if action.choices is not None:
        values = " or ".join(map(str, action.choices))
    if not action.option_strings:
        return code(values)
    named = ", ".join(map(code, action.option_strings))
    return f"{named} {code(values)}" if values else named


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""
