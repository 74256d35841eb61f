"""The rules of the chat: cohorts, topics, broadcast and direct messages, and who may see which."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, Self, get_args

from market_agents.environments.environment import Mechanism, Observation
from market_agents.environments.mechanisms.cohorts import CohortRule, form_cohorts, keep_cohorts
from market_agents.environments.mechanisms.group_chat.actions import (
    ChatAct,
    read_metadata,
    read_text,
    refuse_unknown_keys,
    wants_to_leave,
)
from market_agents.environments.mechanisms.group_chat.cohort import Cohort
from market_agents.environments.mechanisms.group_chat.events import (
    EVERYBODY,
    AttendanceChanged,
    CohortFormed,
    DiscussionEnded,
    MessagePosted,
    TopicSet,
)
from market_agents.environments.mechanisms.group_chat.treatment import ChatTreatment, scrambled
from market_agents.errors import IllegalAction, UnknownRecipient, UserError
from market_agents.rng import derive_seed

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""Simulated time starts here: a round is a day, a sub-round an hour, or its share of the day where there are more
than 23, and a cohort's next message a second later, as long as the sub-round lasts."""

TopicRule = Literal["proposed", "fixed"]


class GroupChat(Mechanism[ChatAct]):
    """The rules of the chat.

    Before any round has begun, all who joined form one cohort in round 1.

    Args:
        initial_topic: what is discussed unless a proposer narrows it.
        max_rounds: told to agents; the chat itself does not end.
        sub_rounds: told to agents; what is delayed beyond the last one is delivered with it.
        group_size: the largest cohort; None for one cohort of all.
        cohorts: by ``chance`` or by ``role``.
        reshuffle: form new cohorts each round, or keep those of the first.
        topic: ``proposed`` by a member in turn, or ``fixed``.
        treatment: what differs from a plain discussion.
        window: messages that an observation holds, the newest ones; None for all of the round.

    Raises:
        UserError: an argument makes no sense; the text names what would.
    """

    settings = frozenset(
        {"initial_topic", "max_rounds", "sub_rounds", "_group_size", "_rule", "_reshuffle"}
        | {"has_proposers", "treatment", "_window"}
    )

    def __init__(
        self,
        *,
        initial_topic: str = "",
        max_rounds: int = 1,
        sub_rounds: int = 1,
        group_size: int | None = None,
        cohorts: CohortRule = "chance",
        reshuffle: bool = True,
        topic: TopicRule = "fixed",
        treatment: ChatTreatment | None = None,
        window: int | None = None,
    ) -> None:
        super().__init__()
        if group_size is not None and group_size < 1:
            raise UserError(f"group_size must be at least 1, or None for one cohort of all, not {group_size}")
        for key, given, known in (("cohorts", cohorts, CohortRule), ("topic", topic, TopicRule)):
            if given not in get_args(known):
                raise UserError(f"{key} must be one of {', '.join(get_args(known))}, not {given!r}")
        self.initial_topic = initial_topic
        self.max_rounds = max_rounds
        self.sub_rounds = sub_rounds
        self.treatment = treatment or ChatTreatment()
        self.round, self.sub_round = 1, 1
        self._group_size = group_size
        self._rule = cohorts
        self._reshuffle = reshuffle
        self.has_proposers = topic == "proposed" and not self.treatment.private_only
        self._window = window
        self._roles: dict[str, str] = {}
        self._cohorts: list[Cohort] = []
        self._cohort_of: dict[str, Cohort] = {}
        self._gone: set[str] = set()
        self._begun = False
        self._appointed: Counter[str] = Counter()
        self._last_id = 0
        self._ids_before = 0
        self._scrambling_seed = 0

    # -- life cycle -------------------------------------------------------------------------------------------

    def continue_from(self, earlier: Self) -> None:
        """Take over members, ids and whose turn it is to propose; cohorts are formed anew where their rule differs."""
        super().continue_from(earlier)
        self._roles = {}  # whoever takes part from now on joins after this
        if (self._group_size, self._rule) != (earlier._group_size, earlier._rule):
            self._begun = False

    def join(self, agent_id: str, role: str) -> None:
        """Admit an agent; before the first round everybody is in one cohort, later it waits for the next round.

        Raises:
            UserError: the agent's id is the word for everybody.
        """
        if agent_id == EVERYBODY:
            raise UserError(f"no agent of a chat can be called {EVERYBODY!r}; give it another id")
        if agent_id in self._roles:
            return
        self._roles[agent_id] = role
        if self._begun or not self.treatment.attends(agent_id, 1):
            return
        if not self._cohorts:
            self._enter([(agent_id,)])
        else:
            self._cohorts[0].admit(agent_id)
            self._cohort_of[agent_id] = self._cohorts[0]

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Form the cohorts of those who talk in this round, and open their topics."""
        super().begin_round(round_number, rng)
        self.sub_round = 0
        self._ids_before = self._last_id
        roles = {
            agent_id: role
            for agent_id, role in self._roles.items()
            if agent_id not in self._gone and self.treatment.attends(agent_id, round_number)
        }
        if self._begun:
            self._note_attendance(roles)
        if self._reshuffle or not self._begun:
            members = form_cohorts(roles, self._group_size, self._rule, rng)
        else:
            kept = [cohort.members for cohort in self._cohorts]
            members = keep_cohorts(kept, roles, self._group_size, self._rule, rng)
        if self.treatment.scramble:
            self._scrambling_seed = rng.getrandbits(63)
        self._begun = True
        self._enter(list(members))
        for cohort in self._cohorts:
            self.emit(CohortFormed(self.round, cohort.cohort_id, cohort.members))
            if cohort.topic_is_open:
                self._appointed[cohort.proposer_id] += 1
            else:
                self.emit(TopicSet(self.round, cohort.cohort_id, cohort.topic, None))

    def _note_attendance(self, now: Mapping[str, str]) -> None:
        """Who talked in the last round and does not in this one, or the other way round."""
        for agent_id in self._roles:
            cohort = self._cohort_of.get(agent_id)
            has_left = cohort is not None and agent_id in cohort.left
            if agent_id in now and (cohort is None or has_left):
                reason = "scheduled" if agent_id in self.treatment.attendance else "came late"
                self._note(agent_id, "joined", "back for the new round" if has_left else reason)
            elif agent_id not in now and cohort is not None and not has_left:
                self._note(agent_id, "left", "scheduled")

    def _note(self, agent_id: str, change: str, reason: str) -> None:
        self.emit(AttendanceChanged(self.round, self.sub_round, agent_id, change, reason))

    def _enter(self, members: list[tuple[str, ...]]) -> None:
        self._cohorts = [self._new_cohort(number, ids) for number, ids in enumerate(members, 1)]
        self._cohort_of = {agent_id: cohort for cohort in self._cohorts for agent_id in cohort.members}

    def _new_cohort(self, number: int, members: tuple[str, ...]) -> Cohort:
        proposer = min(members, key=lambda agent_id: self._appointed[agent_id])
        return Cohort(number, members, proposer, self.initial_topic, self.has_proposers, present=members)

    def begin_sub_round(self, sub_round: int) -> None:
        """Start a sub-round; a topic that nobody has proposed by now is the configured one."""
        super().begin_sub_round(sub_round)
        self._ids_before = self._last_id
        for cohort in self._cohorts:
            cohort.spoken = 0
            self._settle_topic(cohort)
            cohort.page.release(sub_round - 1)

    def end_turn(self) -> None:
        """All have spoken: what is due reaches its recipients, and who wanted to leave is gone."""
        if self.treatment.is_judged and self.treatment.is_simultaneous:
            return  # the turn is over when its messages have been judged
        for cohort in self._cohorts:
            self._close_turn(cohort)

    def _close_turn(self, cohort: Cohort) -> None:
        cohort.page.release(self.sub_round)
        leaving, cohort.leaving = cohort.leaving, {}
        for agent_id in leaving:
            self._dismiss(agent_id)

    def end_round(self) -> None:
        """What is still on its way arrives now: a delay takes the dialogue away, not the information."""
        for cohort in self._cohorts:
            cohort.page.release()
            if not cohort.ended:
                self._end(cohort, "time")

    def end_discussion(self, cohort: Cohort) -> None:
        """A cohort has nothing more to say in this round."""
        if not cohort.ended:
            self._end(cohort, "all passed" if cohort.present else "all left")

    def _end(self, cohort: Cohort, ended: str) -> None:
        cohort.ended = ended
        self.emit(DiscussionEnded(self.round, cohort.cohort_id, self.sub_round, ended))

    # -- acting -----------------------------------------------------------------------------------------------

    def check(self, agent_id: str, action: Mapping[str, object]) -> ChatAct:
        """Read ``{"message", "recipient_id"?, "metadata"?, "leave"?}`` or, from the proposer, ``{"topic"}``."""
        refuse_unknown_keys(action)
        if "topic" in action:
            if len(action) > 1:
                raise IllegalAction("a topic is proposed alone, without a message")
            return ChatAct(topic=read_text(action["topic"], "topic"))
        cohort = self._open_cohort(agent_id)
        leaves = wants_to_leave(action, is_allowed=self.treatment.leaving != "never")
        if leaves and "message" not in action:
            return ChatAct(leaves=True)
        metadata = action.get("metadata")
        return ChatAct(
            message=read_text(action.get("message"), "message"),
            recipient_id=self._known_recipient(cohort, agent_id, action.get("recipient_id", EVERYBODY)),
            metadata=read_metadata(metadata) if metadata is not None else {},
            leaves=leaves,
        )

    def _known_recipient(self, cohort: Cohort, agent_id: str, recipient: object) -> str:
        private_only = self.treatment.private_only
        if isinstance(recipient, str):
            is_other = recipient != agent_id and self._is_present(recipient, cohort)
            if is_other or (recipient == EVERYBODY and not private_only):
                return recipient
        valid = cohort.may_be_written_to(agent_id, private_only)
        if recipient == EVERYBODY:
            raise UnknownRecipient(EVERYBODY, valid, "only private messages are allowed, not one to")
        raise UnknownRecipient(recipient if isinstance(recipient, str) else reprlib.repr(recipient), valid)

    def _is_present(self, agent_id: str, cohort: Cohort) -> bool:
        return self._cohort_of.get(agent_id) is cohort and agent_id not in cohort.left

    def _cohort(self, agent_id: str) -> Cohort:
        try:
            return self._cohort_of[agent_id]
        except KeyError:
            pass
        if agent_id in self.treatment.attendance or agent_id in self._gone:
            raise IllegalAction(f"{agent_id} takes no part in this round's discussions")
        raise IllegalAction(f"{agent_id} has come late and talks from the next round on")

    def _open_cohort(self, agent_id: str) -> Cohort:
        cohort = self._cohort(agent_id)
        if agent_id in cohort.leaving or not self._is_present(agent_id, cohort):
            raise IllegalAction(f"{agent_id} has left the discussion")
        if cohort.ended:
            raise IllegalAction(f"the discussion of {agent_id}'s group is over")
        return cohort

    def apply(self, agent_id: str, action: ChatAct) -> Observation:
        """Post the message, or take over the topic; the answer is as short in a large cohort as in a small one."""
        cohort = self._cohort(agent_id)
        if action.topic is not None:
            return self._propose(cohort, agent_id, action.topic)
        told: Observation = {"status": "accepted"}
        if action.message:
            told = self._say(cohort, agent_id, action)
        if action.leaves and self.treatment.is_simultaneous:
            cohort.leaving[agent_id] = None
        elif action.leaves:
            self._dismiss(agent_id)
        return told

    def _say(self, cohort: Cohort, agent_id: str, action: ChatAct) -> Observation:
        self._settle_topic(cohort)
        cohort.spoken += 1
        cohort.said[agent_id] += 1
        message_id = self._next_id(cohort)
        objection = self.treatment.objection(action.message)
        message = MessagePosted(
            round=self.round,
            sub_round=self.sub_round,
            cohort_id=cohort.cohort_id,
            message_id=message_id,
            sender_id=agent_id,
            recipient_id=action.recipient_id,
            content=action.message,
            metadata=action.metadata,
            timestamp=self._simulated_time(cohort.spoken),
            delivered=self._delivery(),
            scrambled=self._scrambled(action.message, agent_id, cohort),
            withheld=objection,
        )
        if self.treatment.is_judged:
            cohort.held.append(message)
        else:
            self._post(cohort, message)
        if objection is not None:
            return {"status": "withheld", "reason": objection, "message_id": message_id}
        return {"status": "held" if self.treatment.is_judged else "accepted", "message_id": message_id}

    def _delivery(self) -> int:
        """Messages due after the last sub-round come with it, before the market opens."""
        due = self.sub_round + self.treatment.delay
        return max(self.sub_round, min(due, self.sub_rounds)) if self.treatment.delay else due

    def _scrambled(self, text: str, agent_id: str, cohort: Cohort) -> str | None:
        if not self.treatment.scramble:
            return None
        # The sender's own count and nothing of the others' enters, so that no message shows in another's order.
        seed = derive_seed(self._scrambling_seed, agent_id, cohort.said[agent_id])
        return scrambled(text, Random(seed))  # noqa: S311  (simulation, not cryptography)

    def _post(self, cohort: Cohort, message: MessagePosted) -> None:
        if message.withheld is not None:
            message = replace(message, delivered=None, scrambled=None)
        cohort.messages.append(message)
        cohort.page.post(message, at_once=not self.treatment.delay)
        self.emit(message)

    def _next_id(self, cohort: Cohort) -> int:
        """Cohorts talk side by side, so ids are interleaved by cohort and place, never by who was faster."""
        message_id = self._ids_before + (cohort.spoken - 1) * len(self._cohorts) + cohort.number
        self._last_id = max(self._last_id, message_id)
        return message_id

    def _simulated_time(self, place: int) -> str:
        length = min(3600, 86_400 // (self.sub_rounds + 1))
        seconds = self.sub_round * length + min(place, length - 1)
        moment = EPOCH + timedelta(days=self.round - 1, seconds=seconds)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _dismiss(self, agent_id: str) -> None:
        self._cohort_of[agent_id].dismiss(agent_id)
        if self.treatment.leaving == "run":
            self._gone.add(agent_id)
        self._note(agent_id, "left", "own decision")

    # -- topics and the moderator -----------------------------------------------------------------------------

    def _propose(self, cohort: Cohort, agent_id: str, topic: str) -> Observation:
        if not cohort.topic_is_open or cohort.held_topic is not None or agent_id != cohort.proposer_id:
            raise IllegalAction(
                f"the topic is {cohort.proposer_id}'s to propose, once, before the discussion"
            )
        objection = self.treatment.objection(topic)
        if objection is not None:
            raise IllegalAction(f"the topic is withheld: {objection}")
        if self.treatment.is_judged:
            cohort.held_topic = topic
            return {"status": "held"}
        self._set_topic(cohort, topic, agent_id)
        return {"status": "accepted"}

    def settle_topic(self, cohort: Cohort, objection: str | None) -> None:
        """Let a topic that waits for the moderator through, or keep the configured one."""
        topic, cohort.held_topic = cohort.held_topic, None
        if topic is not None and objection is None:
            self._set_topic(cohort, topic, cohort.proposer_id)
        else:
            self._settle_topic(cohort)

    def settle_messages(self, cohort: Cohort, objections: Mapping[int, str]) -> None:
        """Let the messages that wait for the moderator through, but for those with an objection, by message id."""
        held, cohort.held = cohort.held, []
        for message in held:
            objection = message.withheld or objections.get(message.message_id)
            self._post(cohort, replace(message, withheld=objection))
        if self.treatment.is_simultaneous:
            self._close_turn(cohort)

    def _settle_topic(self, cohort: Cohort) -> None:
        if cohort.topic_is_open:
            cohort.held_topic = None
            self._set_topic(cohort, self.initial_topic, None)

    def _set_topic(self, cohort: Cohort, topic: str, proposer_id: str | None) -> None:
        cohort.topic, cohort.topic_is_open = topic, False
        if proposer_id is not None and self.treatment.scramble:
            rng = Random(derive_seed(self._scrambling_seed, proposer_id, 0))  # noqa: S311  (simulation)
            cohort.scrambled_topic = scrambled(topic, rng)
        self.emit(TopicSet(self.round, cohort.cohort_id, topic, proposer_id, cohort.scrambled_topic))

    # -- seeing -----------------------------------------------------------------------------------------------

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """This round's cohorts."""
        return tuple(self._cohorts)

    def takes_part(self, agent_id: str) -> bool:
        """Whether the agent talks in this round, or has talked and left."""
        return agent_id in self._cohort_of

    def is_present(self, agent_id: str) -> bool:
        """Whether the agent talks in this round and has not left."""
        cohort = self._cohort_of.get(agent_id)
        return cohort is not None and agent_id not in cohort.left

    def visible_messages(self, agent_id: str, last: int | None = None) -> list[dict[str, Any]]:
        """This round's messages that the agent may see, its own included, oldest first; the ``last`` ones only."""
        return [message.as_dict(agent_id) for message in self._cohort(agent_id).page.seen_by(agent_id, last)]

    def observe(self, agent_id: str) -> Observation:
        """What one agent may see."""
        cohort = self._cohort(agent_id)
        return {
            "current_topic": cohort.topic_seen_by(agent_id),
            "current_round": self.round,
            "max_rounds": self.max_rounds,
            "sub_round": self.sub_round,
            "sub_rounds": self.sub_rounds,
            "cohort_id": cohort.cohort_id,
            "members": list(cohort.present),
            "topic_proposer": cohort.proposer_id,
            "round_messages": self.visible_messages(agent_id, self._window),
        }

    def global_state(self) -> Observation:
        """Every cohort with its topic and all its messages."""
        return {
            "current_topic": self._cohorts[0].topic if len(self._cohorts) == 1 else self.initial_topic,
            "current_round": self.round,
            "max_rounds": self.max_rounds,
            "sub_round": self.sub_round,
            "cohorts": {
                cohort.cohort_id: {"members": list(cohort.present), "topic": cohort.topic}
                for cohort in self._cohorts
            },
            "round_messages": [message.as_dict() for cohort in self._cohorts for message in cohort.messages],
        }
