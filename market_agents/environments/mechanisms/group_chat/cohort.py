"""A cohort of the current round: who talks, about what, and who sees which of its messages."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter

from market_agents.environments.mechanisms.group_chat.events import EVERYBODY, MessagePosted

_ID = attrgetter("message_id")


class Page:
    """Which messages of a cohort each member sees, in the order in which they were said.

    Reading the last few costs the same however many were said. Messages are posted in the order of their ids.
    """

    def __init__(self) -> None:
        self._public: list[MessagePosted] = []
        self._own: dict[str, list[MessagePosted]] = defaultdict(list)
        self._inbox: dict[str, list[MessagePosted]] = defaultdict(list)
        self._waiting: deque[MessagePosted] = deque()
        self._heard_of_public: dict[str, int] = {}

    def post(self, message: MessagePosted, *, at_once: bool) -> None:
        """Show a message to its sender and, at once or when it is released, to its recipients."""
        self._own[message.sender_id].append(message)
        if message.withheld is None:
            if at_once:
                self._deliver(message)
            else:
                self._waiting.append(message)

    def release(self, sub_round: int | None = None) -> None:
        """Deliver what is due by the end of a sub-round; without one, all that waits."""
        while self._waiting and (sub_round is None or (self._waiting[0].delivered or 0) <= sub_round):
            self._deliver(self._waiting.popleft())

    @property
    def is_waiting(self) -> bool:
        """Whether something was said that its recipients have not got yet."""
        return bool(self._waiting)

    def dismiss(self, agent_id: str) -> None:
        """From now on this member hears nothing more; what it heard stays."""
        self._heard_of_public[agent_id] = len(self._public)

    def _deliver(self, message: MessagePosted) -> None:
        if message.recipient_id == EVERYBODY:
            self._public.append(message)
        elif message.recipient_id not in self._heard_of_public:
            self._inbox[message.recipient_id].append(message)

    def seen_by(self, agent_id: str, last: int | None = None) -> list[MessagePosted]:
        """What a member sees, oldest first; the ``last`` ones only."""
        newest_first = heapq.merge(
            reversed(self._own.get(agent_id, ())),
            reversed(self._inbox.get(agent_id, ())),
            self._others_public(agent_id),
            key=_ID,
            reverse=True,
        )
        return list(islice(newest_first, last))[::-1]

    def _others_public(self, agent_id: str) -> Iterator[MessagePosted]:
        heard = self._heard_of_public.get(agent_id, len(self._public))
        for place in range(heard - 1, -1, -1):
            if self._public[place].sender_id != agent_id:
                yield self._public[place]


@dataclass(slots=True, eq=False)
class Cohort:
    """A cohort in the current round; numbered from 1.

    Attributes:
        members: who began the round in it.
        present: those of them who have not left.
        topic: as it was proposed or configured.
        scrambled_topic: what all but the proposer see instead; None where they see the topic.
        messages: all that was said and settled, in order.
        spoken: messages of the current sub-round.
        said: messages of the round by sender.
        left: members who are not present any more.
        leaving: members who are gone when the turn is over.
        held: messages that wait for the moderator, in order.
        held_topic: a topic that waits for the moderator.
        ended: why the discussion is over; empty while it goes on.
    """

    number: int
    members: tuple[str, ...]
    proposer_id: str
    topic: str
    topic_is_open: bool
    present: tuple[str, ...] = ()
    scrambled_topic: str | None = None
    messages: list[MessagePosted] = field(default_factory=list)
    page: Page = field(default_factory=Page)
    spoken: int = 0
    said: Counter[str] = field(default_factory=Counter)
    left: set[str] = field(default_factory=set)
    leaving: dict[str, None] = field(default_factory=dict)
    held: list[MessagePosted] = field(default_factory=list)
    held_topic: str | None = None
    ended: str = ""
    _names: tuple[str, tuple[str, ...]] = ("", ())

    @property
    def cohort_id(self) -> str:
        """The cohort's name in this round."""
        return f"cohort_{self.number}"

    def topic_seen_by(self, agent_id: str) -> str:
        """The topic as one member sees it."""
        hidden = self.scrambled_topic is not None and agent_id != self.proposer_id
        return self.scrambled_topic or "" if hidden else self.topic

    def admit(self, agent_id: str) -> None:
        """One more member."""
        self.members += (agent_id,)
        self.present += (agent_id,)
        self._names = ("", ())

    def dismiss(self, agent_id: str) -> None:
        """A member leaves; it hears and says nothing more."""
        self.present = tuple(member for member in self.present if member != agent_id)
        self.left.add(agent_id)
        self.page.dismiss(agent_id)
        self._names = ("", ())

    def may_be_written_to(self, agent_id: str, private_only: bool) -> tuple[str, ...]:
        """The recipients that a member may name."""
        if self._names[0] != agent_id:
            # Kept for the next time: who names nobody once tends to do so ten thousand times.
            others = tuple(member for member in self.present if member != agent_id)
            self._names = (agent_id, others if private_only else (EVERYBODY, *others))
        return self._names[1]
