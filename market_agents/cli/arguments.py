"""How verbs read their words: help that fits the terminal and ends with examples, and a word for a mistyped flag."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import NoReturn

from market_agents.cli.examples import EXAMPLES

_LEAD = "examples:\n"
_UNKNOWN = "unrecognized arguments: "


class VerbParser(argparse.ArgumentParser):
    """The parser of one verb.

    Args:
        verb: as it stands after ``market-agents``.
        description: what it does, in a sentence or two.
    """

    def __init__(self, verb: str, description: str) -> None:
        self.examples = tuple(f"market-agents {line}" for line in EXAMPLES[verb])
        super().__init__(
            prog=f"market-agents {verb}",
            description=description,
            epilog=_LEAD + "\n".join(f"  {line}" for line in self.examples),
            formatter_class=_Formatter,
        )

    def error(self, message: str) -> NoReturn:
        """Tell what was wrong, with the flag that was probably meant, and exit with 2."""
        if message.startswith(_UNKNOWN):
            message += self._suggestion(message.removeprefix(_UNKNOWN).split())
        super().error(message)

    def _suggestion(self, words: list[str]) -> str:
        flags = [flag for action in self._actions for flag in action.option_strings]
        for word in words:
            near = get_close_matches(word.partition("=")[0], flags, n=1) if word.startswith("-") else []
            if near:
                return f"; did you mean {near[0]}?"
        return ""


class _Formatter(argparse.HelpFormatter):
    """Wraps prose and leaves the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_LEAD) else super()._fill_text(text, width, indent)
