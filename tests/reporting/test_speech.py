"""Shares of speech, tone and topic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market_agents.reporting import Message, Talk, speaking, tone, topic_use
from tests.reporting.talks import members, talk


def voiced(*said: tuple[int, str | None, float | None]) -> Talk:
    """Messages with sub-round, sentiment and confidence."""
    return talk(
        messages=tuple(
            Message(number, turn, "agent_1", "all", "hm", sentiment, confidence)
            for number, (turn, sentiment, confidence) in enumerate(said, 1)
        )
    )


def test_shares_words_and_silence() -> None:
    found = speaking(talk((1, "1", "one two"), (1, "2", "x", "1"), (2, "1", " three\nfour  five ")))
    assert (found.messages, found.private, found.silent) == (3, 1, 1)
    assert found.shares == {"agent_1": pytest.approx(2 / 3), "agent_2": pytest.approx(1 / 3), "agent_3": 0}
    assert found.words == {"agent_1": 5, "agent_2": 1, "agent_3": 0}
    # Sorted counts 0, 1, 2: (−2·0 + 0·1 + 2·2) / (3·3).
    assert found.gini == pytest.approx(4 / 9)
    assert found.evenness is not None
    assert 0 < found.evenness < 1


def test_where_nobody_spoke_there_are_no_shares() -> None:
    found = speaking(talk())
    assert (found.messages, found.silent, found.shares) == (0, 3, {})
    assert (found.gini, found.evenness) == (None, None)


def test_a_monologue_is_even_only_in_company() -> None:
    assert speaking(talk((1, "1", "x"), members=members(1))).evenness is None
    assert speaking(talk((1, "1", "x"), members=members(2))).evenness == 0


def test_sentiments_are_counted_as_given() -> None:
    found = tone(voiced((1, "Positive", None), (1, "positive", None), (1, "negative", None), (1, None, None)))
    assert found.sentiments == {"positive": 2, "negative": 1}
    assert found.sentiment_balance == pytest.approx(1 / 3)


def test_a_sentiment_of_ones_own_counts_as_neither() -> None:
    found = tone(voiced((1, "wistful", None), (1, "positive", None)))
    assert found.sentiment_balance == pytest.approx(1 / 2)
    assert tone(voiced((1, None, None))).sentiment_balance is None


def test_a_hostile_sentiment_is_a_short_harmless_label() -> None:
    [label] = tone(voiced((1, "\x1b[31mred\u202e" + "x" * 1000, None))).sentiments
    assert label.isprintable()
    assert len(label) <= 24


def test_confidence_and_its_change_over_the_sub_rounds() -> None:
    found = tone(voiced((1, None, 0.2), (1, None, 0.4), (2, None, None), (3, None, 0.9)))
    assert found.confidence == pytest.approx(0.5)
    assert found.confidence_change == pytest.approx(0.6)
    assert tone(voiced((1, None, 0.2), (1, None, 0.4))).confidence_change is None
    assert tone(voiced((1, None, None))).confidence is None


def test_who_takes_up_the_topic() -> None:
    said = talk((1, "1", "PRICE, I say"), (1, "2", "so be it"), (1, "3", "prices"), topic="A price for all")
    assert topic_use(replace(said, proposer_id="agent_2")).proposer_id == "agent_2"
    assert topic_use(said).on_topic == pytest.approx(1 / 3)
    assert topic_use(replace(said, topic="so it be")).on_topic is None
    assert topic_use(replace(said, topic=None)).on_topic is None
    assert topic_use(replace(said, messages=())).on_topic is None
