"""A cohort of the current round: who talks, about what, and what has been said."""

from __future__ import annotations

from dataclasses import dataclass, field

from market_agents.environments.mechanisms.group_chat.events import MessagePosted


@dataclass(slots=True, eq=False)
class Cohort:
    """A cohort in the current round; numbered from 1."""

    number: int
    members: tuple[str, ...]
    proposer_id: str
    topic: str
    topic_is_open: bool
    messages: list[MessagePosted] = field(default_factory=list)
    spoken: int = 0

    @property
    def cohort_id(self) -> str:
        """The cohort's name in this round."""
        return f"cohort_{self.number}"
