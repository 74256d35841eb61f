"""Which memories come back: by words, by meaning, by age; the same every time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.inference.embeddings import packed, unpacked, word_vector
from market_agents.memory import Bm25, ByEmbeddings, MemoryEntry, MemoryKind, Recent, Retriever


def kept(*contents: str, rounds: Sequence[int] | None = None) -> list[MemoryEntry]:
    numbers = rounds or range(1, len(contents) + 1)
    return [
        MemoryEntry(number, "auction", MemoryKind.REFLECTION, content, seq)
        for seq, (number, content) in enumerate(zip(numbers, contents, strict=True), 1)
    ]


class Words:
    """Vectors by words, with a book of what was asked."""

    def __init__(self, *, silent: bool = False) -> None:
        self.asked: list[list[str]] = []
        self.silent = silent

    async def embed(self, texts: Sequence[str]) -> list[list[float]] | None:
        self.asked.append(list(texts))
        return None if self.silent else [word_vector(text) for text in texts]


async def test_rare_words_weigh_more_than_common_ones() -> None:
    entries = kept(
        "price price rose", "price fell", "the frost killed berries", "price rose", "price stood still"
    )
    assert (
        await Bm25().rank("price after a frost", entries) == [2, 4, 3, 1, 0]
        or (await Bm25().rank("price after a frost", entries))[0] == 2
    )


async def test_what_shares_no_word_does_not_come_back() -> None:
    assert await Bm25().rank("harvest", kept("prices rose", "I waited")) == []
    assert await Bm25().rank("", kept("prices rose")) == []
    assert await Bm25().rank("the and of", kept("prices rose")) == []
    assert await Bm25().rank("prices", kept("", "…")) == []


@pytest.mark.parametrize("retriever", [Bm25(), ByEmbeddings(Words()), Recent()])
async def test_equal_memories_are_told_apart_by_age_and_then_by_order(retriever: Retriever) -> None:
    entries = kept("sell high", "sell high", "sell high", "sell high", rounds=[1, 2, 2, 3])
    assert await retriever.rank("sell", entries) == [3, 2, 1, 0]


async def test_the_nearest_in_meaning_comes_first() -> None:
    entries = kept("alpha beta", "gamma delta", "beta gamma")
    assert (await ByEmbeddings(Words()).rank("gamma delta", entries))[0] == 1


async def test_each_text_is_embedded_once_and_forgotten_with_its_memory() -> None:
    words = Words()
    retriever = ByEmbeddings(words)
    entries = kept("one", "two")
    await retriever.rank("now", entries)
    await retriever.rank("then", [*entries[1:], *kept("three")])
    await retriever.rank("again", entries)
    assert words.asked == [["now", "one", "two"], ["then", "three"], ["again", "one"]]


async def test_without_vectors_words_decide() -> None:
    assert await ByEmbeddings(Words(silent=True)).rank("frost", kept("frost came", "sun shone")) == [0]


@given(st.lists(st.text("ab \n$🍓", max_size=12), max_size=8), st.text("ab 🍓", max_size=10))
async def test_any_texts_are_ranked_and_the_same_again(contents: list[str], situation: str) -> None:
    entries = kept(*contents)
    for make in (Bm25, lambda: ByEmbeddings(Words()), Recent):
        retriever: Retriever = make()
        first = await retriever.rank(situation, entries)
        assert len(set(first)) == len(first) <= len(entries)
        assert await retriever.rank(situation, entries) == first
        assert await make().rank(situation, entries) == first


@given(st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), max_size=4))
def test_vectors_come_back_from_the_journal_as_they_went_in(vectors: list[list[float]]) -> None:
    assert unpacked(packed(vectors)) == vectors
