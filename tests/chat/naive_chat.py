"""The chat as one would tell it in words: the slow, obvious model that the real one is held against."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Said:
    """A message as the model knows it; ``cohort`` are those who were there."""

    sender: str
    recipient: str
    content: str
    cohort: frozenset[str]

    def heard_by(self, agent_id: str) -> bool:
        """To all of the cohort, or between two."""
        if agent_id not in self.cohort:
            return False
        return self.recipient == "all" or agent_id in {self.sender, self.recipient}


@dataclass
class NaiveChat:
    """What was said this round, in order, and each cohort's topic while it is open (None) or settled."""

    cohorts: list[tuple[str, ...]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    topics: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def begin_round(self, cohorts: list[tuple[str, ...]]) -> None:
        self.cohorts = cohorts
        self.said = []
        self.topics = dict.fromkeys(cohorts)

    def cohort_of(self, agent_id: str) -> tuple[str, ...]:
        [cohort] = [cohort for cohort in self.cohorts if agent_id in cohort]
        return cohort

    def can_write_to(self, agent_id: str) -> set[str]:
        return {"all", *self.cohort_of(agent_id)} - {agent_id}

    def say(self, sender: str, recipient: str, content: str) -> None:
        cohort = self.cohort_of(sender)
        self.said.append(Said(sender, recipient, content, frozenset(cohort)))

    def settle(self, topic: str) -> None:
        """The discussion begins: what nobody has proposed is as configured."""
        self.topics = {cohort: topic if now is None else now for cohort, now in self.topics.items()}

    def visible(self, agent_id: str) -> list[tuple[str, str, str]]:
        return [(one.sender, one.recipient, one.content) for one in self.said if one.heard_by(agent_id)]
