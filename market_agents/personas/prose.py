"""How a persona's numbers are put into words."""

from __future__ import annotations

import re
from math import inf

_VOWEL_LETTERS = "aeiouAEIOU"
_SPOKEN_AS_CONSONANT = ("eu", "one", "once", "ubiq", "uni", "use", "usu", "util", "uk")
_SILENT_H = ("heir", "honest", "honor", "honour", "hour")
_SPOKEN_AS_VOWEL = ("unidentified", "unimp", "unin")
_LETTERS_NAMED_WITH_A_VOWEL = "AEFHILMNORSX"

LEVELS: dict[str, tuple[tuple[float, str], ...]] = {
    "risk_aversion": (
        (-0.15, "enjoys a gamble"),
        (0.15, "is at ease with risk"),
        (0.41, "is slightly wary of risk"),
        (0.68, "prefers a sure thing to a gamble"),
        (0.97, "avoids risk wherever possible"),
        (inf, "gives up a good deal of gain to be safe"),
    ),
    "loss_aversion": (
        (1.25, "weighs gains and losses alike"),
        (2.0, "feels a loss rather more than an equal gain"),
        (3.0, "feels a loss much more than an equal gain"),
        (inf, "takes any loss very hard"),
    ),
    "patience": (
        (0.75, "wants results at once"),
        (0.85, "would rather deal soon than late"),
        (0.95, "can wait for a better deal"),
        (inf, "waits as long as a good deal takes"),
    ),
    "honesty": (
        (0.3, "bluffs whenever bluffing pays"),
        (0.6, "bends the truth when much is at stake"),
        (0.85, "usually tells the truth"),
        (inf, "tells the truth even when a lie would pay"),
    ),
    "fairness": (
        (0.12, "accepts any split that leaves a gain"),
        (0.3, "puts up with a small share of the gain when pressed"),
        (inf, "walks away from a lopsided split"),
    ),
    "talkativeness": (
        (0.25, "says little"),
        (0.5, "speaks when there is something to say"),
        (0.75, "talks readily"),
        (inf, "talks at every opportunity"),
    ),
    "confidence": (
        (0.35, "follows the judgement of others"),
        (0.65, "weighs personal judgement against that of others"),
        (inf, "relies on personal judgement"),
    ),
}
"""For each trait the phrases from low to high, each up to, not including, its bound in the trait's unit.

The bounds of risk aversion are those of Holt and Laury's (2002) classes; the others are chosen, not
estimated.
"""


def in_words(trait: str, value: float) -> str:
    """The phrase, a verb in the third person and what belongs to it, for a trait's value.

    Raises:
        KeyError: the trait has no phrases.
    """
    return next(phrase for bound, phrase in LEVELS[trait] if value < bound)


def with_article(noun: str) -> str:
    """The noun phrase with ``a`` or ``an`` before it, by sound as far as spelling tells it."""
    return f"{'an' if _begins_with_vowel_sound(noun) else 'a'} {noun}"


def years_of_experience(years: int) -> str:
    """Trading experience as a noun phrase, to follow ``with``."""
    if years == 0:
        return "no trading experience"
    return f"{years} {'year' if years == 1 else 'years'} of trading experience"


def _begins_with_vowel_sound(noun: str) -> bool:
    first = re.split(r"[\s-]", noun, maxsplit=1)[0] or noun
    if first.isupper() and (len(first) == 1 or (len(first) <= 4 and first.isalpha())):
        return first[0] in _LETTERS_NAMED_WITH_A_VOWEL
    word = first.lower()
    if word.startswith(_SILENT_H) or word.startswith(_SPOKEN_AS_VOWEL):
        return True
    return word[0] in _VOWEL_LETTERS and not word.startswith(_SPOKEN_AS_CONSONANT)
