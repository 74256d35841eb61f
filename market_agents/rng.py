"""Named random streams: every draw in a run comes from its seed and a path such as ``auction/3/agent_7``.

Streams are independent of each other, so one more agent leaves the draws of the others unchanged.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from random import Random

MAX_SEED = 2**63 - 1


def draw_seed() -> int:
    """A fresh seed from the operating system, for a run that names none (0 … 2**63 − 1)."""
    return secrets.randbelow(MAX_SEED + 1)


def derive_seed(seed: int, *path: str | int) -> int:
    """The seed (64 bits) of the stream at ``path``.

    Parts are length-prefixed before hashing, so that ``("a", "b")`` and ``("a/b",)`` differ.
    """
    digest = hashlib.sha256(str(seed).encode())
    for part in path:
        text = str(part).encode()
        digest.update(b"/%d:" % len(text) + text)
    return int.from_bytes(digest.digest()[:8], "big")


def drawn_order(names: Collection[str], rng: Random) -> list[str]:
    """The names by a draw of each, so that who comes first of two never depends on who else is there.

    Nothing is drawn from ``rng`` for nobody.
    """
    if not names:
        return []
    turn = rng.getrandbits(64)
    return sorted(names, key=lambda name: (derive_seed(turn, name), name))


class RandomStreams:
    """A tree of independent random streams below one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, *path: str | int) -> Random:
        """A new generator at the start of the stream at ``path``; the same path gives the same draws."""
        return Random(derive_seed(self.seed, *path))  # noqa: S311  (simulation, not cryptography)

    def below(self, *path: str | int) -> RandomStreams:
        """The subtree at ``path``."""
        return RandomStreams(derive_seed(self.seed, *path))
