"""What a group chat decides, and what its records are made from."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from market_agents.environments.environment import Event

EVERYBODY = "all"
"""The recipient that means the whole cohort."""


@dataclass(frozen=True, slots=True)
class CohortFormed(Event):
    """A cohort of this round."""

    round: int
    cohort_id: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicSet(Event):
    """A cohort's topic of this round; without a proposer it is the configured one.

    Attributes:
        scrambled: what all but the proposer see instead; None where they see the topic itself.
    """

    round: int
    cohort_id: str
    topic: str
    proposer_id: str | None
    scrambled: str | None = None


@dataclass(frozen=True, slots=True)
class MessagePosted(Event):
    """A message that was said, and what became of it.

    Attributes:
        message_id: unique and rising over the whole run.
        recipient_id: ``all`` of the cohort, or one agent.
        timestamp: simulated time, ISO 8601.
        delivered: the sub-round in which its recipients get it; None where a moderator withheld it.
        scrambled: what the recipients see instead of the content; None where they see what was said.
        withheld: why a moderator withheld it; None where it was delivered.
    """

    round: int
    sub_round: int
    cohort_id: str
    message_id: int
    sender_id: str
    recipient_id: str
    content: str
    metadata: dict[str, Any]
    timestamp: str
    delivered: int | None = None
    scrambled: str | None = None
    withheld: str | None = None

    def visible_to(self, agent_id: str) -> bool:
        """Whether an agent of the cohort may see the message, once it is delivered."""
        if agent_id == self.sender_id:
            return True
        return self.withheld is None and self.recipient_id in {EVERYBODY, agent_id}

    def as_dict(self, viewer: str | None = None) -> dict[str, Any]:
        """The message as an agent receives it, a copy each; without a viewer, as it was said.

        Whoever gets scrambled words gets no metadata either, for they could tell what the words were to hide.
        """
        is_hidden = self.scrambled is not None and viewer not in {None, self.sender_id}
        seen: dict[str, Any] = {
            "sender_id": self.sender_id,
            "content": self.scrambled if is_hidden else self.content,
            "recipient_id": self.recipient_id,
            "timestamp": self.timestamp,
            "metadata": {} if is_hidden else deepcopy(self.metadata),
        }
        if self.withheld is not None:
            seen["withheld"] = self.withheld
        return seen


@dataclass(frozen=True, slots=True)
class AttendanceChanged(Event):
    """An agent joined the discussions, or left them.

    Attributes:
        sub_round: 0 where the round had not begun to talk.
        change: ``joined`` or ``left``.
        reason: ``scheduled``, ``came late``, ``back for the new round`` or ``own decision``.
    """

    round: int
    sub_round: int
    agent_id: str
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiscussionEnded(Event):
    """A cohort's discussion of this round is over.

    Attributes:
        sub_rounds: turns that were held.
        ended: ``time``, ``all passed`` or ``all left``.
    """

    round: int
    cohort_id: str
    sub_rounds: int
    ended: str
