"""Prices in what people say: which numbers of a text are prices, and in which unit they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from market_agents.reporting.records import Talk

LARGEST_PRICE = 1e9
"""Beyond that a number is no price, as for orders."""

MOST_IN_A_MESSAGE = 50
"""Prices read from one message, so that no speaker can drown the others in numbers."""

_MOST_NUMBERS = 1_000

_UNITS = {
    "$": "$", "usd": "$", "dollar": "$", "dollars": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€",
    "£": "£", "gbp": "£", "pound": "£", "pounds": "£", "¢": "cents", "cent": "cents", "cents": "cents",
    "coin": "coins", "coins": "coins", "credit": "credits", "credits": "credits",
}  # fmt: skip

_NUMBER = re.compile(
    r"""
    (?<![\w.,#^])
    (?P<mark>[$€£]\ ?)?
    (?P<digits>
        [0-9]{1,3}(?:,[0-9]{3}){1,3}(?![0-9])(?:\.[0-9]{1,20})?
      | [0-9]{1,9},[0-9]{1,2}(?![0-9]|,[0-9])
      | [0-9]{1,12}(?:\.[0-9]{1,20})?
    )
    (?P<unit>\ ?(?:[$€£¢]|(?:usd|eur|gbp|dollars?|euros?|pounds?|cents?|coins?|credits?)\b(?!\ of\b)))?
    (?![\w#^°]|[.,/:][0-9]|\ ?%)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LABELS = re.compile(
    r"\b(?:rounds?|turns?|agents?|cohorts?|groups?|traders?|buyers?|sellers?|members?|messages?|steps?|days?|weeks?|"
    r"months?|years?|numbers?|no\.?|nr\.?|units?|options?|rules?|top|version|page|part|quantity|qty|id)\s*[:=#]?\s*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b\w")
_SPACE = re.compile(r"\s*")
_ADJECTIVES = re.compile(
    r"(?:(?:more|extra|other|additional|spare|remaining|whole|good|fresh|ripe)\s+)*", re.IGNORECASE
)
_COUNTED = re.compile(
    r"(?:units?|pieces?|items?|goods|pcs|boxe?s?|baskets?|kilos?|kg|pounds?|lbs?|rounds?|turns?|agents?|traders?|"
    r"buyers?|sellers?|members?|people|messages?|steps?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|times|"
    r"trades?|deals?|orders?|bids?|asks?|offers?|percent(?:age)?|points?|per\s?cent|cash|in\s+cash|"
    r"more|left|of(?!\s+course))\b",
    re.IGNORECASE,
)
_AT_A_PRICE = re.compile(r"\s*(?:at|@|x|×)\s*[$€£]?\s?[0-9]", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,|and|or|to|-|–|&|,\s*and|,\s*or)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that a text uses as a price.

    Attributes:
        price: in currency; 95 cents are 0.95.
        unit: the currency as it was said, one word or sign for each; None where none was.
    """

    price: float
    unit: str | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A price named in a conversation.

    Attributes:
        price: in currency.
        unit: as in `Amount`.
    """

    message_id: int
    sub_round: int
    sender_id: str
    price: float
    unit: str | None


def mentions(talk: Talk) -> tuple[Mention, ...]:
    """Every price named in a conversation, in order; of several goods, where it may be the first one's."""
    return tuple(
        Mention(message.message_id, message.sub_round, message.sender_id, amount.price, amount.unit)
        for message in talk.messages
        if _is_about(message.content, talk)
        for amount in prices_in(message.content, talk.good, *talk.other_goods)
    )


def _is_about(text: str, talk: Talk) -> bool:
    """Whether a message may speak of the talk's good: it names it, or none of the others."""
    words = list(_WORD.finditer(text)) if talk.other_goods else []
    return not any(_names_a_good(text, word.start(), *talk.other_goods) for word in words) or any(
        _names_a_good(text, word.start(), talk.good) for word in words
    )


def prices_in(text: str, *goods: str) -> list[Amount]:
    """The numbers of a text that are prices, in order, at most `MOST_IN_A_MESSAGE`.

    A number counts if it is above 0, at most `LARGEST_PRICE` and, unless a currency stands with it, neither

    * part of a word, an id, a date, a time, a percentage or a negative number (``agent_3``, ``#4``, ``10:30``),
    * behind a word that numbers things (``round 2``, ``seller 7``, ``option 1``),
    * before a word that counts things (``3 units``, ``10 strawberries``, ``2 rounds``, ``5 more``), nor
    * before ``at`` and a number, which make it a quantity (``3 at 95``).

    Numbers joined by ``and``, ``or``, ``to``, a comma or a dash share one fate: ``rounds 2 and 3`` names no
    price, ``between 90 and 95`` two. Thousands may be set off by commas; a comma before one or two last digits
    is a decimal comma.

    Args:
        text: what was said.
        goods: the goods' names, words that are counted.
    """
    found: list[Amount] = []
    for chain in _chains(text):
        marked = any(number["mark"] or number["unit"] for number in chain)
        if marked or not _is_counted(text, chain, goods):
            found += [amount for amount in map(_amount, chain) if 0 < amount.price <= LARGEST_PRICE]
        if len(found) >= MOST_IN_A_MESSAGE:
            break
    return found[:MOST_IN_A_MESSAGE]


def _chains(text: str) -> Iterator[list[re.Match[str]]]:
    """Numbers of a text, those that are joined together in one list."""
    chain: list[re.Match[str]] = []
    for number in islice(_NUMBER.finditer(text), _MOST_NUMBERS):
        if _goes_on_from(text, number.start()):
            continue
        if chain and not _JOINED.fullmatch(text, chain[-1].end(), number.start()):
            yield chain
            chain = []
        chain.append(number)
    if chain:
        yield chain


def _goes_on_from(text: str, start: int) -> bool:
    """Whether a sign before a number makes it negative, or part of a date, a time or a fraction."""
    before, earlier = text[start - 1 : start], text[max(start - 2, 0) : max(start - 1, 0)]
    if before in {"-", "−"}:
        return not earlier.isdigit()
    return bool(before) and before in "/:" and earlier.isdigit()


def _is_counted(text: str, chain: list[re.Match[str]], goods: Sequence[str]) -> bool:
    start, end = chain[0].start(), chain[-1].end()
    if _LABELS.search(text, max(start - 20, 0), start) or _AT_A_PRICE.match(text, end):
        return True
    after = _SPACE.match(text, end)
    word = after.end() if after else end
    described = _ADJECTIVES.match(text, word)
    noun = described.end() if described else word
    return any(_COUNTED.match(text, place) for place in (word, noun)) or _names_a_good(text, noun, *goods)


def _names_a_good(text: str, start: int, *goods: str) -> bool:
    stems = (good.casefold().rstrip("s").removesuffix("y") for good in goods)
    return any(stem and text[start : start + len(stem)].casefold() == stem for stem in stems)


def _amount(number: re.Match[str]) -> Amount:
    digits = number["digits"]
    whole, comma, last = digits.rpartition(",")
    plain = f"{whole}.{last}" if comma and len(last) < 3 else digits.replace(",", "")
    said = (number["unit"] or number["mark"] or "").strip().lower()
    unit = _UNITS.get(said)
    price = float(plain)
    return Amount(price / 100 if unit == "cents" else price, unit)
