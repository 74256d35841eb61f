"""Who spoke how much: shares, and how unequal they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from market_agents.reporting.records import EVERYBODY, Talk
from market_agents.reporting.statistics import evenness, gini


@dataclass(frozen=True, slots=True)
class Speaking:
    """How a conversation was divided among its members.

    Attributes:
        messages: in all.
        private: messages to one member alone.
        silent: members who said nothing.
        shares: each member's share of the messages, 0 to 1, in the order of joining; empty where nobody spoke.
        words: each member's words, parted by white space.
        gini: Gini coefficient of the members' messages: 0 where all said as much, (n − 1)/n where one said
            all; None where nobody spoke.
        evenness: entropy of the shares over its largest value, 0 to 1, 1 where all said as much; None where
            nobody spoke or there is one member only.
    """

    messages: int
    private: int
    silent: int
    shares: Mapping[str, float]
    words: Mapping[str, int]
    gini: float | None
    evenness: float | None


def speaking(talk: Talk) -> Speaking:
    """Count a conversation's messages by speaker."""
    said: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for message in talk.messages:
        said[message.sender_id] += 1
        words[message.sender_id] += len(message.content.split())
    total = len(talk.messages)
    ids = [member.agent_id for member in talk.members]
    counts = [said[agent_id] for agent_id in ids]
    return Speaking(
        messages=total,
        private=sum(message.recipient_id != EVERYBODY for message in talk.messages),
        silent=counts.count(0),
        shares={agent_id: said[agent_id] / total for agent_id in ids} if total else {},
        words={agent_id: words[agent_id] for agent_id in ids},
        gini=gini(counts),
        evenness=evenness(counts),
    )
