"""What the offline stand-in says, and how it reads prices out of what others said.

The stand-in is no economist: it names a price that suits its own side, believes the average of what it hears, and
remembers what it last expected and how far it had to give way. That is enough for talk and memory to change what
it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

_NEAR = re.compile(r"\bnear (\d{1,9}(?:\.\d{1,9})?)(?!\d)")
_GIVE_WAY = re.compile(r"\bGive way by (\d{1,2}) %")
_OPENINGS = {
    "buyer": ("I hear supply is plentiful", "Nobody should overpay this time", "I can wait if I have to"),
    "seller": ("Good quality has its price", "My costs are what they are", "I see many who want to buy"),
}


def prices_near(texts: Iterable[str]) -> list[float]:
    """Every price that a text calls ``near``, in order."""
    return [float(price) for text in texts for price in _NEAR.findall(text)]


def expected_price(
    strategy: str, heard: Iterable[Mapping[str, Any]], last_price: float | None
) -> float | None:
    """What the stand-in expects to pay or get: the mean of what it decided, what it heard and what it saw last."""
    told = prices_near(str(message.get("content", "")) for message in heard)
    beliefs = prices_near([strategy])
    if told:
        beliefs.append(sum(told) / len(told))
    if last_price is not None:
        beliefs.append(last_price)
    return sum(beliefs) / len(beliefs) if beliefs else None


def concession(strategy: str) -> float:
    """How far the stand-in decided to give way to the other side, as a share of the price; 0 where it did not."""
    found = _GIVE_WAY.search(strategy)
    return int(found[1]) / 100 if found else 0.0


def about(good: str, heard: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages that name a good."""
    return [message for message in heard if good.lower() in str(message.get("content", "")).lower()]


def opening_line(role: str, price: float | None, rng: Random, good: str | None = None) -> str:
    """One sentence for the discussion, with the price that the speaker would like others to believe in.

    ``good`` says what the price is of, where there is more than one.
    """
    opening = rng.choice(_OPENINGS.get(role, _OPENINGS["buyer"]))
    if price is None:
        return f"{opening}; let us see what the market says."
    slant = -1 if role == "buyer" else 1
    what = "price" if good is None else f"price of {good}"
    return f"{opening}; a fair {what} is near {price * (1 + slant * rng.uniform(0, 0.04)):.2f}."
