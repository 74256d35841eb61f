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
    """A cohort's topic of this round; without a proposer it is the configured one."""

    round: int
    cohort_id: str
    topic: str
    proposer_id: str | None


@dataclass(frozen=True, slots=True)
class MessagePosted(Event):
    """A message that its recipients can see from now on.

    Attributes:
        message_id: unique and rising over the whole run.
        recipient_id: ``all`` of the cohort, or one agent.
        timestamp: simulated time, ISO 8601.
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

    def visible_to(self, agent_id: str) -> bool:
        """Whether an agent of the cohort may see the message."""
        return self.recipient_id == EVERYBODY or agent_id in {self.sender_id, self.recipient_id}

    def as_dict(self) -> dict[str, Any]:
        """The message as agents receive it, a copy each."""
        return {
            "sender_id": self.sender_id,
            "content": self.content,
            "recipient_id": self.recipient_id,
            "timestamp": self.timestamp,
            "metadata": deepcopy(self.metadata),
        }
