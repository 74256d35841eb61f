"""Sentiment, confidence and topic of a conversation, as its members gave them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from market_agents.plain_text import one_line
from market_agents.reporting.records import Message, Talk

LONGEST_LABEL = 24
SHORTEST_TOPIC_WORD = 4
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Tone:
    """How members spoke, by their own account.

    Attributes:
        sentiments: messages by the sentiment given with them, in lower case, the commonest first.
        sentiment_balance: (positive − negative) / messages with a sentiment, −1 to 1; None without any.
        confidence: mean of the confidence behind the messages that have one, 0 to 1; None without any.
        confidence_change: mean of the last sub-round that has one less that of the first; None where only one
            sub-round has.
    """

    sentiments: Mapping[str, int]
    sentiment_balance: float | None
    confidence: float | None
    confidence_change: float | None


@dataclass(frozen=True, slots=True)
class TopicUse:
    """What a conversation was to be about.

    Attributes:
        topic: as proposed or configured; None where it was not set yet.
        proposer_id: None where the topic is the configured one.
        on_topic: share of messages with at least one of the topic's words of four letters and more, in any
            case; None without messages or such words. A crude measure: it knows no synonyms.
    """

    topic: str | None
    proposer_id: str | None
    on_topic: float | None


def tone(talk: Talk) -> Tone:
    """Sum up sentiment and confidence."""
    labels = Counter(
        one_line(message.sentiment, LONGEST_LABEL).lower()
        for message in talk.messages
        if message.sentiment is not None
    )
    given = labels.total()
    by_turn: dict[int, list[float]] = {}
    for message in talk.messages:
        if message.confidence is not None:
            by_turn.setdefault(message.sub_round, []).append(message.confidence)
    turns = [fmean(by_turn[turn]) for turn in sorted(by_turn)]
    everything = [confidence for turn in by_turn.values() for confidence in turn]
    return Tone(
        sentiments=dict(sorted(labels.items(), key=lambda item: (-item[1], item[0]))),
        sentiment_balance=(labels["positive"] - labels["negative"]) / given if given else None,
        confidence=fmean(everything) if everything else None,
        confidence_change=turns[-1] - turns[0] if len(turns) > 1 else None,
    )


def topic_use(talk: Talk) -> TopicUse:
    """Say what the topic was, and how much of the talk took up its words."""
    wanted = _topic_words(talk.topic or "")
    return TopicUse(talk.topic, talk.proposer_id, _share_with(wanted, talk.messages))


def _topic_words(text: str) -> frozenset[str]:
    return frozenset(
        word for word in map(str.casefold, _WORD.findall(text)) if len(word) >= SHORTEST_TOPIC_WORD
    )


def _share_with(wanted: frozenset[str], messages: Sequence[Message]) -> float | None:
    if not wanted or not messages:
        return None
    return sum(not wanted.isdisjoint(_topic_words(message.content)) for message in messages) / len(messages)
