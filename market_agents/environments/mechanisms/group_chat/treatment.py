"""What an experimenter may change about a discussion: the treatments of a chat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from market_agents.environments.mechanisms.group_chat.moderation import ModerationRule

LeavingRule = Literal["never", "round", "run"]

_SPACES = re.compile(r"(\s+)")


@dataclass(frozen=True, slots=True)
class Attendance:
    """In which rounds an agent talks: from ``joins`` on, and before ``leaves``."""

    joins: int = 1
    leaves: int | None = None

    def covers(self, round_number: int) -> bool:
        """Whether the agent talks in a round."""
        return self.joins <= round_number and (self.leaves is None or round_number < self.leaves)


@dataclass(frozen=True, slots=True)
class ChatTreatment:
    """What differs from a plain discussion; by default nothing does.

    Attributes:
        delay: sub-rounds by which a message reaches its recipients later than it would.
        scramble: recipients see the words of a message in a drawn order.
        private_only: a message goes to one member, never to all; nobody proposes a topic, which all would read.
        moderation: the rule that withholds messages and topics; None for none.
        is_judged: messages and topics that the rule lets through are held until somebody settles them.
        leaving: whether members may leave, for the rest of the ``round`` or of the ``run``.
        is_simultaneous: a turn's acts count as done at the same time, so that who leaves still hears them.
        attendance: by agent id; whoever is not named talks in every round.
    """

    delay: int = 0
    scramble: bool = False
    private_only: bool = False
    moderation: ModerationRule | None = None
    is_judged: bool = False
    leaving: LeavingRule = "never"
    is_simultaneous: bool = False
    attendance: Mapping[str, Attendance] = field(default_factory=dict)

    def attends(self, agent_id: str, round_number: int) -> bool:
        """Whether an agent is to talk in a round."""
        return agent_id not in self.attendance or self.attendance[agent_id].covers(round_number)

    def objection(self, text: str) -> str | None:
        """Why the rule withholds a text; None where it does not."""
        return None if self.moderation is None else self.moderation.objection(text)

    def words_beside(self, text: str) -> str:
        """The words that may go with what is no message, and so cannot be delayed, scrambled or judged: all or none."""
        is_treated = self.delay or self.scramble or self.is_judged
        return "" if is_treated or self.objection(text) is not None else text


def scrambled(text: str, rng: Random) -> str:
    """The words of a text in a drawn order that differs from the given one wherever another order exists.

    Spaces stay where they are counted, so that length and number of words are kept.
    """
    parts = _SPACES.split(text)
    words = parts[::2]
    drawn = list(words)
    rng.shuffle(drawn)
    if drawn == words:
        # The first place where two neighbours differ; there is none where all words are alike.
        for place in range(1, len(drawn)):
            if drawn[place - 1] != drawn[place]:
                drawn[place - 1], drawn[place] = drawn[place], drawn[place - 1]
                break
    parts[::2] = drawn
    return "".join(parts)
