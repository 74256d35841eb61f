"""What an agent keeps in mind: windows of what it did, thought and heard, and what the past brings back to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from market_agents.memory.entries import MemoryEntry, MemoryKind
from market_agents.memory.retrieval import Recent, Retriever
from market_agents.memory.salience import MarketRound, salient
from market_agents.plain_text import one_line

RECORDED_OF_A_MESSAGE = 500
"""Characters of a message that the record of what was heard holds; the whole text is where messages are kept."""

WINDOWED = frozenset({MemoryKind.REFLECTION, MemoryKind.STEP, MemoryKind.TRADE})
"""What is kept in sight as far as the window reaches."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """What came back to an agent at the beginning of an environment's round, and what did not.

    Attributes:
        recalled: what prompts of this round show of earlier ones, oldest first.
        left_out: reflections, events, steps and trades so far that no prompt of this round shows.
        messages_left_out: messages of the latest conversation that no prompt of this round shows.
    """

    recalled: tuple[MemoryEntry, ...]
    left_out: int
    messages_left_out: int


class Memory:
    """An agent's memory, bounded so that prompts do not grow with the length of the run.

    Args:
        window: how many of its latest reflections, steps and trades are shown in prompts, of each.
        messages: messages of this round's conversations shown in prompts.
        enabled: without memory every round is the agent's first.
        recalled: how many older reflections and events a round brings back.
        kept: how many older reflections and events there can be; the oldest are forgotten.
        kinds: what is kept at all.
        retriever: decides what is brought back; the latest by default.
        note_length: characters of the agent's private note; 0 for no note.
    """

    def __init__(
        self,
        *,
        window: int = 3,
        messages: int = 20,
        enabled: bool = True,
        recalled: int = 3,
        kept: int = 200,
        kinds: Collection[str] = tuple(MemoryKind),
        retriever: Retriever | None = None,
        note_length: int = 0,
    ) -> None:
        self.enabled = enabled
        self.note_length = note_length if enabled else 0
        self._kinds = tuple(kinds)
        self._most_recalled = recalled
        self._retriever = retriever or Recent()
        # Empty stores are cheap or not there yet, for there may be very many agents who never remember anything.
        self._latest: dict[MemoryKind, list[MemoryEntry]] = {}
        self._window = window
        self._most_kept = kept
        self._out_of_sight = 0
        self._recalled: dict[str, tuple[MemoryEntry, ...]] = {}
        self._strategies: dict[str, MemoryEntry] = {}
        self._note = ""
        self._most_heard = messages
        self._heard_in = 0
        self._messages_missed = 0
        self._last_prices: dict[str, float] = {}
        self._earned: dict[str, tuple[float, float]] = {}
        self._closing: dict[str, float | None] = {}
        self._new: list[MemoryEntry] = []
        self._place = (0, 0)

    @cached_property
    def _older(self) -> deque[MemoryEntry]:
        return deque(maxlen=self._most_kept)

    @cached_property
    def _heard(self) -> deque[Mapping[str, Any]]:
        return deque(maxlen=self._most_heard)

    def go_on_as(self, other: Memory) -> None:
        """Remember on the terms of another memory, a new one; what they have no room for is put away or forgotten."""
        self.enabled, self.note_length = other.enabled, other.note_length
        self._kinds, self._most_recalled, self._retriever = (
            other._kinds,
            other._most_recalled,
            other._retriever,
        )
        self._window, self._most_kept, self._most_heard = other._window, other._most_kept, other._most_heard
        if not self.enabled:
            self._forget()
        older = [entry for entry in self._older if entry.kind in self._kinds]
        self._older = deque(older, maxlen=self._most_kept)
        for kind, window in self._latest.items():
            room = self._window if kind in self._kinds else 0
            while len(window) > room:
                self._put_away(window.pop(0))
        heard = self._heard if MemoryKind.HEARD in self._kinds else ()
        self._messages_missed += max(len(heard) - self._most_heard, 0)
        self._heard = deque(heard, maxlen=self._most_heard)
        if MemoryKind.STRATEGY not in self._kinds:
            self._strategies.clear()
        self._note = self._note[: self.note_length]

    def _forget(self) -> None:
        for kept in (self._latest, self._older, self._heard, self._strategies):
            kept.clear()
        for seen in (self._last_prices, self._earned, self._closing):
            seen.clear()
        self._note, self._out_of_sight, self._messages_missed = "", 0, 0

    # -- keeping --------------------------------------------------------------------------------------------------

    def remember(self, entry: MemoryEntry) -> None:
        """Keep something; a new strategy for an environment replaces the old one, and so does a note."""
        if not (self.enabled and (entry.kind in self._kinds or entry.kind is MemoryKind.NOTE)):
            return
        entry = self._numbered(entry)
        self._new.append(entry)
        if entry.kind is MemoryKind.STRATEGY:
            self._strategies[entry.environment] = entry
        elif entry.kind is MemoryKind.NOTE:
            self._note = entry.content
        elif entry.kind is MemoryKind.EVENT:
            self._put_away(entry)
        elif entry.kind in WINDOWED:
            window = self._latest.setdefault(entry.kind, [])
            window.append(entry)
            if len(window) > self._window:
                self._put_away(window.pop(0))

    def take_note(self, round_number: int, environment: str, note: str) -> None:
        """Rewrite the private note; it is cut to its length."""
        if self.note_length:
            text = one_line(note, self.note_length)
            self.remember(MemoryEntry(round_number, environment, MemoryKind.NOTE, text))

    def hear(self, round_number: int, environment: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Keep what was said in a conversation of this round, oldest first; the last round's is forgotten."""
        if not (self.enabled and MemoryKind.HEARD in self._kinds):
            return
        if round_number != self._heard_in:
            self._heard.clear()
            self._heard_in, self._messages_missed = round_number, 0
        said = list(messages)
        new = deque(said, maxlen=self._most_heard)
        before = len(self._heard)
        self._heard.extend(new)
        self._messages_missed += before + len(said) - len(self._heard)
        if new:
            heard = "\n".join(
                f"{message['sender_id']}: {one_line(str(message['content']), RECORDED_OF_A_MESSAGE)}"
                for message in new
            )
            self._new.append(self._numbered(MemoryEntry(round_number, environment, MemoryKind.HEARD, heard)))

    def live_through(self, round_number: int, environment: str, happened: MarketRound) -> None:
        """Keep what is salient of a round in a market."""
        earned = happened.earned
        best, worst = self._earned.get(environment, (None, None))
        before = self._closing.get(environment)
        for event in salient(replace(happened, price_before=before, best=best, worst=worst)):
            self.remember(MemoryEntry(round_number, environment, MemoryKind.EVENT, event))
        self._closing[environment] = happened.last_price
        self._earned[environment] = (
            (earned, earned) if best is None or worst is None else (max(best, earned), min(worst, earned))
        )

    def see_price(self, price: float | None, good: str) -> None:
        """Keep the price of a good's latest trade seen, in currency; None, where nobody has traded, changes nothing."""
        if self.enabled and price is not None:
            self._last_prices[good] = price

    # -- remembering ----------------------------------------------------------------------------------------------

    async def recall(self, situation: str, environment: str) -> Recollection:
        """Bring back what fits a situation, for all prompts in an environment until this is called again."""
        older = tuple(self._older)
        places: list[int] = []
        if older and self._most_recalled:
            places = (await self._retriever.rank(situation, older))[: self._most_recalled]
        found = tuple(older[place] for place in sorted(places))
        self._recalled[environment] = found
        return Recollection(found, self._out_of_sight - len(found), self._messages_missed)

    def recalled(self, environment: str) -> tuple[MemoryEntry, ...]:
        """What came back at the beginning of the environment's round, oldest first."""
        return self._recalled.get(environment, ())

    def latest(self, *kinds: MemoryKind) -> list[MemoryEntry]:
        """The latest reflections, steps or trades, at most the declared window of each, in the order of keeping."""
        found = [entry for kind in kinds for entry in self._latest.get(kind, ())]
        return sorted(found, key=lambda entry: (entry.round, entry.seq))

    def reflections(self) -> list[MemoryEntry]:
        """The latest reflections, oldest first, at most the declared window."""
        return self.latest(MemoryKind.REFLECTION)

    def strategy(self, environment: str) -> str:
        """The strategy that the agent last chose for an environment; empty before the first."""
        entry = self._strategies.get(environment)
        return entry.content if entry else ""

    @property
    def note(self) -> str:
        """The agent's private note; empty before the first."""
        return self._note

    def last_price(self, good: str) -> float | None:
        """The price of the latest trade that the agent saw in a good's market, in currency; None before the first."""
        return self._last_prices.get(good)

    @property
    def latest_round(self) -> int:
        """The round of the latest conversation; 0 before the first."""
        return self._heard_in

    def heard(self, round_number: int) -> list[Mapping[str, Any]]:
        """What was last said before now, oldest first, at most the declared number.

        That is this round's conversation or, where agents talk after they trade, the round's before.
        """
        return list(self._heard) if self._heard_in in {round_number - 1, round_number} else []

    def take_new(self) -> list[MemoryEntry]:
        """What was remembered since the last call, for the records."""
        new, self._new = self._new, []
        return new

    # -- helpers --------------------------------------------------------------------------------------------------

    def _numbered(self, entry: MemoryEntry) -> MemoryEntry:
        round_number, seq = self._place
        self._place = (entry.round, seq + 1 if entry.round == round_number else 1)
        return replace(entry, seq=self._place[1])

    def _put_away(self, entry: MemoryEntry) -> None:
        """Out of sight: reflections and events may come back, steps and trades are in the records alone."""
        self._out_of_sight += 1
        if entry.kind in {MemoryKind.REFLECTION, MemoryKind.EVENT} and entry.kind in self._kinds:
            self._older.append(entry)
