"""Whatever agents do in a chat, each sees exactly what a naive model says it may see, in the same order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.environments.mechanisms.group_chat import (
    CohortFormed,
    GroupChat,
    GroupChatEnvironment,
    MessagePosted,
    TopicSet,
)
from market_agents.errors import IllegalAction, UnknownRecipient
from tests.chat.naive_chat import NaiveChat
from tests.environments.basket import Person

FRAME = "Strawberry prices"
RECIPIENTS = ("all", "nobody", "", *(f"agent_{index}" for index in range(1, 8)))
INDEX = st.integers(0, 5)


class Conversation(RuleBasedStateMachine):
    """Rounds of topic, simultaneous and sequential turns, in cohorts that change."""

    @initialize(
        size=st.integers(1, 6),
        group_size=st.none() | st.integers(1, 4),
        by_role=st.booleans(),
        reshuffle=st.booleans(),
        proposed=st.booleans(),
    )
    def meet(self, size: int, group_size: int | None, by_role: bool, reshuffle: bool, proposed: bool) -> None:
        self.people = [Person(f"agent_{n}", "buyer" if n % 2 else "seller") for n in range(1, size + 1)]
        self.mechanism = GroupChat(
            initial_topic=FRAME,
            max_rounds=9,
            group_size=group_size,
            cohorts="role" if by_role else "chance",
            reshuffle=reshuffle,
            topic="proposed" if proposed else "fixed",
        )
        self.chat = GroupChatEnvironment("chat", self.mechanism)
        self.chat.join(self.people)
        self.naive = NaiveChat()
        self.turn: str | None = None
        self.acted: dict[str, int] = {}
        self.staged: dict[str, list[tuple[str, str]]] = {}
        self.last_id = 0
        self.round = 0
        self.count = 0
        self.proposed = proposed
        self.chance = Random(size)
        self.begin_round()

    def begin_round(self) -> None:
        self.round += 1
        self.mechanism.begin_round(self.round, Random(self.round))
        self.sub_round = 0
        events = self.mechanism.take_events()
        formed = [event.members for event in events if isinstance(event, CohortFormed)]
        assert sorted(member for members in formed for member in members) == sorted(
            person.id for person in self.people
        )
        self.naive.begin_round(formed)
        if not self.proposed:
            self.naive.settle(FRAME)

    # -- what may happen --------------------------------------------------------------------------------------

    @precondition(lambda self: self.turn is None)
    @rule()
    def next_round(self) -> None:
        self.mechanism.end_round()
        self.begin_round()

    @precondition(lambda self: self.turn is None)
    @rule(kind=st.sampled_from(["simultaneous", "sequential"]))
    def open_turn(self, kind: str) -> None:
        self.sub_round += 1
        self.mechanism.begin_sub_round(self.sub_round)
        self.naive.settle(FRAME)
        self.mechanism.take_events()
        self.chat.open_turn(simultaneous=kind == "simultaneous")
        self.turn, self.acted, self.staged = kind, {}, {}

    @precondition(lambda self: self.turn is not None)
    @rule()
    def close_turn(self) -> None:
        acts = self.chat.close_turn(self.chance)
        assert {agent_id: len(done) for agent_id, done in acts.items()} == self.acted
        posted = self._posted()
        if self.turn == "simultaneous":
            assert len(posted) == sum(self.acted.values())
            for event in posted:
                assert self.staged[event.sender_id].pop(0) == (event.recipient_id, event.content)
                self.naive.say(event.sender_id, event.recipient_id, event.content)
        self.turn = None

    @precondition(lambda self: self.turn is not None)
    @rule(who=INDEX, recipient=st.sampled_from(RECIPIENTS))
    def speak(self, who: int, recipient: str) -> None:
        person = self.people[who % len(self.people)]
        handle = person.environments["chat"]
        self.count += 1
        action = {"message": f"message {self.count}", "recipient_id": recipient}
        if recipient not in self.naive.can_write_to(person.id):
            with pytest.raises(UnknownRecipient) as caught:
                handle.step(action)
            assert set(caught.value.valid) == self.naive.can_write_to(person.id)
            return
        if self.acted.get(person.id, 0) >= MAX_ACTIONS_PER_TURN:
            with pytest.raises(IllegalAction, match="acts in one turn"):
                handle.step(action)
            return
        told = handle.step(action)
        self.acted[person.id] = self.acted.get(person.id, 0) + 1
        if self.turn == "simultaneous":
            assert told["status"] == "staged"
            self.staged.setdefault(person.id, []).append((recipient, action["message"]))
            return
        assert told["status"] == "accepted"
        self.naive.say(person.id, recipient, action["message"])

    @precondition(lambda self: self.turn is None and self.sub_round == 0)
    @rule(who=INDEX)
    def propose(self, who: int) -> None:
        person = self.people[who % len(self.people)]
        cohort = self.naive.cohort_of(person.id)
        [place] = [one for one in self.mechanism.cohorts if one.members == cohort]
        topic = f"topic of {person.id} in round {self.round}"
        if place.proposer_id == person.id and self.naive.topics[cohort] is None:
            assert person.environments["chat"].step({"topic": topic})["current_topic"] == topic
            self.naive.topics[cohort] = topic
            [event] = [event for event in self.mechanism.take_events() if isinstance(event, TopicSet)]
            assert (event.topic, event.proposer_id, event.round) == (topic, person.id, self.round)
        else:
            with pytest.raises(IllegalAction, match="to propose, once, before the discussion"):
                person.environments["chat"].step({"topic": topic})

    @precondition(lambda self: self.sub_round > 0 and self.turn != "simultaneous")
    @rule(who=INDEX)
    def propose_too_late(self, who: int) -> None:
        person = self.people[who % len(self.people)]
        if self.acted.get(person.id, 0) < MAX_ACTIONS_PER_TURN:
            with pytest.raises(IllegalAction, match="once, before the discussion"):
                person.environments["chat"].step({"topic": "something else"})

    @rule(who=INDEX)
    def scribble_on_what_is_seen(self, who: int) -> None:
        seen = self.people[who % len(self.people)].environments["chat"].get_global_state()
        for message in seen["round_messages"]:
            message["content"] = message["sender_id"] = "scribble"
        seen["round_messages"].clear()
        seen["members"].clear()

    # -- what always holds ------------------------------------------------------------------------------------

    def _posted(self) -> list[MessagePosted]:
        posted = [event for event in self.mechanism.take_events() if isinstance(event, MessagePosted)]
        ids = {event.message_id for event in posted}
        assert len(ids) == len(posted)
        assert min(ids, default=self.last_id + 1) > self.last_id, "ids are unique and rise from turn to turn"
        self.last_id = max(ids, default=self.last_id)
        return posted

    @invariant()
    def everybody_sees_what_it_may_see(self) -> None:
        for person in self.people:
            state = person.environments["chat"].get_global_state(agent_id=person.id)
            seen = [
                (message["sender_id"], message["recipient_id"], message["content"])
                for message in state["round_messages"]
            ]
            assert seen == self.naive.visible(person.id)
            cohort = self.naive.cohort_of(person.id)
            assert tuple(state["members"]) == cohort
            assert state["current_topic"] == (self.naive.topics[cohort] or FRAME)
            assert state["current_round"] == self.round

    @invariant()
    def the_experimenter_sees_all_of_it(self) -> None:
        seen = self.chat.get_global_state()["round_messages"]
        assert sorted(message["content"] for message in seen) == sorted(
            said.content for said in self.naive.said
        )


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
