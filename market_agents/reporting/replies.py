"""Who answered whom: a directed network of a conversation."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from market_agents.reporting.records import EVERYBODY, Member, Message, Talk

_WORD = re.compile(r"\w+")


class Link(StrEnum):
    """Why a message counts as an answer."""

    DIRECT = "direct"
    MENTION = "mention"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Reply:
    """One arrow of the network: how often one member answered another, by reason.

    Attributes:
        direct: messages to that member alone.
        mention: messages to all that name the member.
        previous: messages to all that name nobody and follow upon that member's.
    """

    sender_id: str
    receiver_id: str
    direct: int = 0
    mention: int = 0
    previous: int = 0

    @property
    def messages(self) -> int:
        """Messages behind the arrow."""
        return self.direct + self.mention + self.previous


@dataclass(frozen=True, slots=True)
class ReplyNetwork:
    """Who answered whom in one conversation.

    Attributes:
        replies: the arrows, ordered by sender and receiver in the order of joining.
        unlinked: messages that answer nobody: they open the conversation.
        density: arrows over possible arrows n·(n − 1), 0 to 1, n counting members and whoever else was written
            to; None for fewer than two.
        reciprocity: share of arrows that have one in return, 0 to 1; None without an arrow.
    """

    replies: tuple[Reply, ...]
    unlinked: int
    density: float | None
    reciprocity: float | None


def reply_network(talk: Talk) -> ReplyNetwork:
    """Link each message to those it answers, by the first rule that fits.

    1. A message to one member alone answers that member.
    2. A message to all that names other members, by id or by name, answers each of them once. A name counts
       in full in any case, or by its first word alone, written as in the name, if no other member's name
       begins with it.
    3. Any other message answers whoever said last what its speaker had heard: in conversations in turn the
       latest message before it by another member and visible to the speaker, otherwise the latest such
       message of an earlier sub-round, for of the same one nobody had heard any.

    A message that fits no rule is unlinked.
    """
    names, heard = _Names(talk.members), _Heard(in_turn=talk.in_turn)
    counts: dict[tuple[str, str], Counter[Link]] = defaultdict(Counter)
    unlinked = 0
    for message in talk.messages:
        heard.until(message)
        link, receivers = _answered(message, names, heard)
        unlinked += not receivers
        for receiver in receivers:
            counts[message.sender_id, receiver][link] += 1
        heard.say(message)
    place = {member.agent_id: index for index, member in enumerate(talk.members)}
    people = len(place.keys() | {who for pair in counts for who in pair})
    pairs = sorted(counts, key=lambda pair: [(place.get(who, len(place)), who) for who in pair])
    return ReplyNetwork(
        replies=tuple(_reply(pair, counts[pair]) for pair in pairs),
        unlinked=unlinked,
        density=len(pairs) / (people * (people - 1)) if people > 1 else None,
        reciprocity=sum((to, of) in counts for of, to in pairs) / len(pairs) if pairs else None,
    )


def _reply(pair: tuple[str, str], counted: Mapping[Link, int]) -> Reply:
    return Reply(*pair, counted[Link.DIRECT], counted[Link.MENTION], counted[Link.PREVIOUS])


def _answered(message: Message, names: _Names, heard: _Heard) -> tuple[Link, Sequence[str]]:
    if message.recipient_id != EVERYBODY:
        return Link.DIRECT, [message.recipient_id] if message.recipient_id != message.sender_id else []
    named = [who for who in names.in_text(message.content) if who != message.sender_id]
    if named:
        return Link.MENTION, named
    before = heard.latest(message.sender_id)
    return Link.PREVIOUS, [] if before is None else [before]


class _Heard:
    """Who spoke last as far as each member has heard, kept without looking back."""

    def __init__(self, *, in_turn: bool) -> None:
        self._in_turn = in_turn
        self._said: list[Message] = []
        self._count = 0
        self._last_to_all: tuple[int, str] | None = None
        self._last_by_another: tuple[int, str] | None = None
        self._last_to: dict[str, tuple[int, str]] = {}

    def until(self, message: Message) -> None:
        """Hear what was said before a message, or in earlier sub-rounds where not spoken in turn."""
        if self._in_turn or (self._said and self._said[-1].sub_round < message.sub_round):
            for said in self._said:
                self._hear(said)
            self._said.clear()

    def say(self, message: Message) -> None:
        """Note a message that others may hear later."""
        self._said.append(message)

    def latest(self, agent_id: str) -> str | None:
        """Who of the others said last what this member has heard."""
        to_all = self._last_to_all
        if to_all is not None and to_all[1] == agent_id:
            to_all = self._last_by_another
        found = [entry for entry in (to_all, self._last_to.get(agent_id)) if entry is not None]
        return max(found)[1] if found else None

    def _hear(self, message: Message) -> None:
        self._count += 1
        entry = (self._count, message.sender_id)
        if message.recipient_id != EVERYBODY:
            self._last_to[message.recipient_id] = entry
            return
        if self._last_to_all is not None and self._last_to_all[1] != message.sender_id:
            self._last_by_another = self._last_to_all
        self._last_to_all = entry


class _Names:
    """Finds members in a text, in time that hardly grows with their number."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._known: dict[tuple[str, ...], list[str]] = defaultdict(list)
        first_words: dict[str, list[str]] = defaultdict(list)
        for member in members:
            self._known[member.agent_id.casefold(),].append(member.agent_id)
            words = _WORD.findall(member.name)
            if words and member.name != member.agent_id:
                self._known[tuple(word.casefold() for word in words)].append(member.agent_id)
                first_words[words[0]].append(member.agent_id)
        self._first = {word: ids[0] for word, ids in first_words.items() if len(ids) == 1}
        self._lengths = sorted({len(name) for name in self._known})

    def in_text(self, text: str) -> list[str]:
        """The ids of members that the text names, each once, in the order of naming."""
        words = _WORD.findall(text)
        folded = [word.casefold() for word in words]
        found: dict[str, None] = {}
        for index, word in enumerate(words):
            for length in self._lengths:
                for agent_id in self._known.get(tuple(folded[index : index + length]), ()):
                    found[agent_id] = None
            if word in self._first:
                found[self._first[word]] = None
        return list(found)
