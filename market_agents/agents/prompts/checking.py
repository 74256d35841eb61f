"""What a template must hold: its placeholders, each known, none missing, and none before one that changes less.

Providers keep the beginning of a prompt in their caches as long as it stays the same to the byte. So what never
changes stands first and what changes with every ask stands last.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from string import Template

from market_agents.agents.prompts.prompt_set import BUILT_IN
from market_agents.config import listing, suggestion

CHANGING = ("private", "memory", "heard", "perception", "observation")
"""Placeholders whose values change during a run, what changes least first.

The first three are the same for a round or nearly so, the others are new with every ask. What is not named here never
changes for an agent in an environment.
"""


def placeholders(text: str) -> list[str]:
    """Every placeholder of a template in its order, repeats included."""
    found = Template.pattern.finditer(text)
    return [name for match in found if (name := match["named"] or match["braced"])]


def find_mistakes(name: str, text: str) -> Iterator[str]:
    """What is wrong with a text for the built-in template ``name``, one line each."""
    lines = _lines_without_name(text)
    if lines:
        yield f"line {lines[0]}: a $ without a name behind it; write $$ for the sign itself"
        return
    known, used = set(placeholders(BUILT_IN.texts[name])), placeholders(text)
    for unknown in dict.fromkeys(used):
        if unknown not in known:
            hint = suggestion(unknown, known)
            yield f"unknown placeholder ${unknown}{hint}; this prompt knows {_listed(known)}"
    missing = known - set(used)
    if missing:
        yield f"missing placeholder{'s' if len(missing) > 1 else ''} {_listed(missing)}"
    yield from _order_mistakes([placeholder for placeholder in used if placeholder in known])


def _order_mistakes(used: list[str]) -> Iterator[str]:
    """The first placeholder that stands behind one that changes sooner."""
    for before, after in pairwise(used):
        if _volatility(before) > _volatility(after):
            yield (
                f"${after} stands behind ${before}, which changes sooner; "
                "what changes least comes first, so that providers can keep it in their caches"
            )
            return


def _volatility(placeholder: str) -> int:
    return CHANGING.index(placeholder) + 1 if placeholder in CHANGING else 0


def _lines_without_name(text: str) -> list[int]:
    found = Template.pattern.finditer(text)
    return [text.count("\n", 0, match.start()) + 1 for match in found if match["invalid"] is not None]


def _listed(names: set[str]) -> str:
    return listing(f"${name}" for name in names)
