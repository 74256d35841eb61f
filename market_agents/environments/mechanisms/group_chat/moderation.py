"""The moderator's rule: words and phrases that are not let through, and the longest message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property

from market_agents.plain_text import for_terminal

_ANYTHING_BUT_LETTERS = r"[\W_]*+"


class ModerationRule:
    """Withholds messages that hold a blocked word or phrase, or are too long.

    A phrase is found whatever its case, width, accents, invisible characters, and spaces or signs between its
    letters (``c o l l u d e``, ``col-lude``); it is not found inside a longer word (``ask`` in ``basket``).

    Args:
        block: words and phrases, each with at least one letter or figure.
        max_length: characters of the longest message; None for no limit.
    """

    def __init__(self, block: Sequence[str] = (), max_length: int | None = None) -> None:
        self.block = tuple(block)
        self.max_length = max_length

    def objection(self, text: str) -> str | None:
        """Why a text is withheld, in one line for its author; None where it passes."""
        if self.max_length is not None and len(text) > self.max_length:
            return f"longer than {self.max_length} characters ({len(text)})"
        if self.block and self._pattern.search(plain(text)):
            return "it holds a blocked word or phrase"
        return None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        phrases = (re.sub(r"[\W_]+", "", plain(phrase)) for phrase in self.block)
        spelled = (_ANYTHING_BUT_LETTERS.join(map(re.escape, phrase)) for phrase in phrases if phrase)
        return re.compile(rf"(?<![^\W_])(?:{'|'.join(spelled) or '(?!)'})(?![^\W_])")


def plain(text: str) -> str:
    """The text in one width and case, without accents, invisible characters and escape sequences."""
    if "\x1b" in text or "\x9b" in text:
        text = for_terminal(text)
    if text.isascii():
        return text.casefold()
    unfolded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(
        character
        for character in unicodedata.normalize("NFKD", unfolded)
        if unicodedata.category(character) not in {"Mn", "Me", "Cf"}
    )
