"""What members of a discussion are told of its treatment: the truth, and nothing that the design keeps to itself.

Which words a moderator blocks and who is scheduled to join or leave is the experimenter's business.
"""

from __future__ import annotations

from dataclasses import dataclass

_AUDIENCE = (
    "What you say to all is seen by the whole group; "
    "what you say to one member is seen by the two of you alone."
)
_PRIVATE_AUDIENCE = (
    "You speak to one member at a time, and what you say is seen by the two of you alone; "
    "nothing can be said to all."
)
_TURNS = {
    "round_robin": "Members speak one after another, in an order that stays the same.",
    "random": "Members speak one after another, in an order that is drawn for each turn.",
    "by_request": (
        "Before each turn everybody says how much it wants to speak, from 0 to 10. Who wants it most speaks first; "
        "who says 0 passes."
    ),
}


@dataclass(frozen=True, slots=True)
class ChatRules:
    """The rules of a discussion as its members know them.

    Attributes:
        participants: ``all``, ``buyers`` or ``sellers``.
        turns: the order of speaking, as configured.
        delay: sub-rounds by which messages arrive later.
        is_scrambled: whether recipients see words in a drawn order.
        is_private: whether only messages to one member are allowed.
        is_moderated: whether messages may be withheld.
        leaving: ``never``, ``round`` or ``run``.
        ends_early: whether a discussion ends when all pass.
    """

    participants: str = "all"
    turns: str = "simultaneous"
    delay: int = 0
    is_scrambled: bool = False
    is_private: bool = False
    is_moderated: bool = False
    leaving: str = "never"
    ends_early: bool = False

    @property
    def audience(self) -> str:
        """Who sees what is said."""
        return _PRIVATE_AUDIENCE if self.is_private else _AUDIENCE

    @property
    def treatment(self) -> str:
        """What differs from a plain discussion, a line each, each after a line end; empty where nothing does."""
        lines = []
        if self.participants != "all":
            lines.append(f"Only {self.participants} take part in the discussion.")
        lines += [_TURNS[self.turns]] if self.turns in _TURNS else []
        if self.delay:
            later = "one turn" if self.delay == 1 else f"{self.delay} turns"
            lines.append(
                f"Messages reach others {later} later than they would; what is still on its way arrives at the end."
            )
        if self.is_scrambled:
            lines.append("Others see the words of your messages in a random order, and you see theirs so.")
        if self.is_moderated:
            lines.append(
                "A moderator may withhold a message. Its author is told why, and nobody else sees it."
            )
        if self.leaving != "never":
            until = "the rest of the round" if self.leaving == "round" else "good"
            lines.append(
                f"You may leave the discussion for {until}; from then on you neither hear nor speak."
            )
        if self.ends_early:
            lines.append("The discussion ends when everybody passes in the same turn.")
        return "".join(f"\n- {line}" for line in lines)


PLAIN_RULES = ChatRules()
"""A discussion without any treatment."""
