"""Which of many memories a situation brings back: those whose words or meaning are nearest, or just the latest.

Equal scores are settled by age, the newest first, and then by the order in which things were kept, so that the same
run always remembers the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from market_agents.memory.entries import MemoryEntry

if TYPE_CHECKING:
    import bm25s
    import numpy as np
    from numpy.typing import NDArray

DIGITS = 5
"""Digits of a score that count: the last ones depend on the machine."""


class Retriever(Protocol):
    """Ranks memories by how well they fit a situation."""

    async def rank(self, situation: str, entries: Sequence[MemoryEntry]) -> list[int]:
        """Places of the entries that fit, the best first; entries stand in the order in which they were kept."""


class Embedder(Protocol):
    """Turns texts into vectors, for example by a model."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """A vector for each text, all equally long; None where there was no usable answer."""


class Recent:
    """The latest memories, whatever the situation."""

    async def rank(self, situation: str, entries: Sequence[MemoryEntry]) -> list[int]:  # noqa: ARG002  (by age alone)
        """All places, the newest first."""
        return _ranked([0.0] * len(entries), entries)


class Bm25:
    """Memories that share rare words with the situation.

    Okapi BM25 as Lucene computes it (Robertson & Zaragoza 2009, *The Probabilistic Relevance Framework: BM25 and
    Beyond*), k1 1.5 and b 0.75, over words of two letters and more, English stop words apart.
    """

    def __init__(self) -> None:
        self._words: dict[str, list[str]] = {}
        self._indexed: Sequence[MemoryEntry] = ()
        self._index: bm25s.BM25 | None = None

    async def rank(self, situation: str, entries: Sequence[MemoryEntry]) -> list[int]:
        """Places of the entries that share a word with the situation."""
        words = self._words_of([situation])[0]
        index = self._index_of(entries)
        if index is None or not words:
            return []
        scores = [float(score) for score in index.get_scores(words)]
        return [place for place in _ranked(scores, entries) if scores[place] > 0]

    def _index_of(self, entries: Sequence[MemoryEntry]) -> bm25s.BM25 | None:
        """The index over the entries; made anew only where they are others than last time."""
        if entries != self._indexed:
            library = _library()
            texts = [entry.content for entry in entries]
            new = [text for text in dict.fromkeys(texts) if text not in self._words]
            self._words.update(zip(new, self._words_of(new), strict=True))
            self._words = {text: self._words[text] for text in texts}
            documents = [self._words[text] for text in texts]
            self._indexed, self._index = tuple(entries), None
            if any(documents):
                self._index = library.BM25()
                self._index.index(documents, show_progress=False)
        return self._index

    @staticmethod
    def _words_of(texts: Sequence[str]) -> list[list[str]]:
        if not texts:
            return []
        tokens = _library().tokenize(list(texts), stopwords="en", return_ids=False, show_progress=False)
        return [list(map(str, words)) for words in tokens]


class ByEmbeddings:
    """Memories whose meaning is nearest, by the cosine of their vectors; by words where there are no vectors.

    Args:
        embedder: makes the vectors; it is asked for each text once.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, NDArray[np.float64]] = {}
        self._by_words = Bm25()

    async def rank(self, situation: str, entries: Sequence[MemoryEntry]) -> list[int]:
        """All places, the nearest first."""
        import numpy as np  # only those who embed pay for it here

        if not (situation.strip() and entries):
            return []
        texts = list(dict.fromkeys(entry.content for entry in entries))
        self._vectors = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in texts if text not in self._vectors]
        vectors = await self._embedder.embed([situation, *new])
        if vectors is None:
            return await self._by_words.rank(situation, entries)
        unit = [_unit(np.asarray(vector, dtype=np.float64)) for vector in vectors]
        self._vectors.update(zip(new, unit[1:], strict=True))
        scores = np.stack([self._vectors[entry.content] for entry in entries]) @ unit[0]
        return _ranked([float(score) for score in scores], entries)


def _library() -> ModuleType:
    """BM25 itself; only runs long enough to forget something pay for the import."""
    library = import_module("bm25s")
    # It would tell everybody who listens of every index that it builds.
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return library


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np  # as above

    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _ranked(scores: Sequence[float], entries: Sequence[MemoryEntry]) -> list[int]:
    return sorted(
        range(len(entries)), key=lambda place: (-round(scores[place], DIGITS), -entries[place].round, -place)
    )
