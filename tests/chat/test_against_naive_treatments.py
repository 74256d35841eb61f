"""Whatever the treatments, everybody sees exactly what a naive model says it may see, in the same order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.environments.mechanisms.group_chat import (
    ChatTreatment,
    GroupChat,
    GroupChatEnvironment,
    MessagePosted,
    ModerationRule,
)
from market_agents.errors import IllegalAction, UnknownRecipient
from tests.environments.basket import Person

SUB_ROUNDS = 3
BLOCKED, DISLIKED = "b l o c k e d", "disliked"
WHO = st.integers(0, 4)


@dataclass(eq=False)
class Said:
    order: int
    sender: str
    recipient: str
    content: str
    due: int
    withheld: bool


@dataclass
class NaiveDiscussion:
    """Who has seen what, kept agent by agent as it happens."""

    delay: int
    cohort: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seen: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    under_way: list[Said] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def others(self, agent: str) -> set[str]:
        return {other for other in self.cohort[agent] if other != agent and other not in self.gone}

    def say(self, said: Said) -> None:
        self.seen[said.sender].append(said)
        if said.withheld:
            return
        self.under_way.append(said)
        if not self.delay:
            self.arrive(SUB_ROUNDS + 99)

    def arrive(self, sub_round: int) -> None:
        for said in [one for one in self.under_way if one.due <= sub_round]:
            self.under_way.remove(said)
            for other in self.others(said.sender):
                if said.recipient in {"all", other}:
                    self.seen[other].append(said)

    def visible(self, agent: str) -> list[tuple[str, str, bool]]:
        seen = sorted(self.seen[agent], key=lambda said: said.order)
        return [(said.sender, said.content, said.withheld) for said in seen]


class TreatedConversation(RuleBasedStateMachine):
    """Rounds of turns under a drawn treatment."""

    @initialize(
        size=st.integers(1, 5),
        group_size=st.none() | st.integers(2, 3),
        delay=st.integers(0, SUB_ROUNDS),
        scramble=st.booleans(),
        private_only=st.booleans(),
        is_judged=st.booleans(),
        is_simultaneous=st.booleans(),
        leaving=st.sampled_from(["never", "round", "run"]),
        reshuffle=st.booleans(),
    )
    def meet(self, size: int, group_size: int | None, reshuffle: bool, **treatment: object) -> None:
        self.treatment = ChatTreatment(moderation=ModerationRule(["blocked"], 50), **treatment)  # type: ignore[arg-type]  # drawn as a whole
        self.people = [Person(f"agent_{number}") for number in range(1, size + 1)]
        self.mechanism = GroupChat(
            sub_rounds=SUB_ROUNDS, group_size=group_size, reshuffle=reshuffle, treatment=self.treatment
        )
        self.chat = GroupChatEnvironment("chat", self.mechanism)
        self.chat.join(self.people)
        self.round = self.count = 0
        self.acted: dict[str, int] = {}
        self.leaving: list[str] = []
        self.never_back: set[str] = set()
        self.begin_round()

    def begin_round(self) -> None:
        self.round += 1
        self.sub_round = 0
        self.is_open = False
        self.mechanism.begin_round(self.round, Random(self.round))
        self.mechanism.take_events()
        self.naive = NaiveDiscussion(self.treatment.delay)
        for cohort in self.mechanism.cohorts:
            for member in cohort.members:
                self.naive.cohort[member] = cohort.members
        assert set(self.naive.cohort) == {person.id for person in self.people} - self.never_back

    # -- what may happen --------------------------------------------------------------------------------------

    @precondition(lambda self: not self.is_open and self.sub_round < SUB_ROUNDS)
    @rule()
    def open_turn(self) -> None:
        self.sub_round += 1
        self.naive.arrive(self.sub_round - 1)
        self.mechanism.begin_sub_round(self.sub_round)
        self.chat.open_turn(simultaneous=self.treatment.is_simultaneous)
        self.is_open, self.acted, self.leaving = True, defaultdict(int), []

    @precondition(lambda self: not self.is_open)
    @rule()
    def next_round(self) -> None:
        self.naive.arrive(SUB_ROUNDS + 99)
        self.mechanism.end_round()
        self.everybody_sees_what_it_may_see()
        self.begin_round()

    @precondition(lambda self: self.is_open)
    @rule(
        who=WHO,
        recipient=st.sampled_from(["all", "nobody", *(f"agent_{number}" for number in range(1, 6))]),
        words=st.sampled_from(["fair", BLOCKED, DISLIKED, "long " * 20]),
        leaves=st.booleans(),
    )
    def speak(self, who: int, recipient: str, words: str, leaves: bool) -> None:
        person = self.people[who % len(self.people)]
        self.count += 1
        action: dict[str, object] = {"message": f"{words} number {self.count}", "recipient_id": recipient}
        if leaves:
            action["leave"] = True
        refusal = self.refusal(person.id, recipient, leaves)
        handle = person.environments["chat"]
        if refusal is not None:
            with pytest.raises(refusal):
                handle.step(action)
            return
        handle.step(action)
        self.acted[person.id] += 1
        if leaves:
            self.leaving.append(person.id)
        if not self.treatment.is_simultaneous:
            self.settle()

    def refusal(self, agent: str, recipient: str, leaves: bool) -> type[Exception] | None:
        if agent in self.naive.gone or agent in self.never_back or agent not in self.naive.cohort:
            return IllegalAction
        if leaves and self.treatment.leaving == "never":
            return IllegalAction
        valid = self.naive.others(agent) | (set() if self.treatment.private_only else {"all"})
        if recipient not in valid:
            return UnknownRecipient
        # In a simultaneous turn whoever will leave can go on: it leaves when the turn is over.
        return IllegalAction if self.acted[agent] >= MAX_ACTIONS_PER_TURN else None

    @precondition(lambda self: self.is_open)
    @rule()
    def close_turn(self) -> None:
        self.chat.close_turn(Random(self.count))
        self.is_open = False
        self.settle()

    def settle(self) -> None:
        """The moderator judges, and everything that was decided is told to the naive model."""
        for cohort in self.mechanism.cohorts:
            disliked = {held.message_id: "no" for held in cohort.held if DISLIKED in held.content}
            self.mechanism.settle_messages(cohort, disliked)
        events = [event for event in self.mechanism.take_events() if isinstance(event, MessagePosted)]
        for event in sorted(events, key=lambda event: event.message_id):
            self.check(event)
            withheld = event.withheld is not None
            due = min(self.sub_round + self.treatment.delay, SUB_ROUNDS)
            said = Said(event.message_id, event.sender_id, event.recipient_id, event.content, due, withheld)
            self.naive.say(said)
        if not self.is_open:
            self.naive.arrive(self.sub_round)
        for agent in self.leaving:
            self.naive.gone.add(agent)
            if self.treatment.leaving == "run":
                self.never_back.add(agent)
        self.leaving = []

    def check(self, event: MessagePosted) -> None:
        bad = BLOCKED in event.content or len(event.content) > 50
        disliked = self.treatment.is_judged and DISLIKED in event.content
        assert (event.withheld is not None) == (bad or disliked)
        due = min(self.sub_round + self.treatment.delay, SUB_ROUNDS)
        assert event.delivered == (None if event.withheld else due)
        assert (event.scrambled is None) == (not self.treatment.scramble or event.withheld is not None)

    # -- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def everybody_sees_what_it_may_see(self) -> None:
        for person in self.people:
            if person.id not in self.naive.cohort:
                continue
            state = person.environments["chat"].get_global_state()
            seen = [(one["sender_id"], one["content"], "withheld" in one) for one in state["round_messages"]]
            expected = self.naive.visible(person.id)
            if self.treatment.scramble:
                seen, expected = ([shuffled(one, person.id) for one in part] for part in (seen, expected))
            assert seen == expected
            if self.treatment.is_simultaneous or not self.leaving:
                assert set(state["members"]) - {person.id} == self.naive.others(person.id)


def shuffled(seen: tuple[str, str, bool], viewer: str) -> tuple[str, str, bool]:
    """What is compared under scrambling: the words of others, in whatever order."""
    sender, content, withheld = seen
    return (sender, content if sender == viewer else " ".join(sorted(content.split())), withheld)


TestTreatedConversation = TreatedConversation.TestCase
TestTreatedConversation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
