"""The rules of the chat: cohorts, topics, broadcast and direct messages, and who may see which."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, Self, get_args

from market_agents.environments.environment import Mechanism, Observation
from market_agents.environments.mechanisms.cohorts import CohortRule, form_cohorts
from market_agents.environments.mechanisms.group_chat.actions import ChatAct, read_metadata, read_text
from market_agents.environments.mechanisms.group_chat.cohort import Cohort
from market_agents.environments.mechanisms.group_chat.events import (
    EVERYBODY,
    CohortFormed,
    MessagePosted,
    TopicSet,
)
from market_agents.errors import IllegalAction, UnknownRecipient, UserError

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""Simulated time starts here: a round is a day, a sub-round an hour, or its share of the day where there are more
than 23, and a cohort's next message a second later, as long as the sub-round lasts."""

TopicRule = Literal["proposed", "fixed"]

_KEYS = {"message", "recipient_id", "metadata", "topic"}


class GroupChat(Mechanism[ChatAct]):
    """The rules of the chat.

    Before any round has begun, all who joined form one cohort in round 1.

    Args:
        initial_topic: what is discussed unless a proposer narrows it.
        max_rounds: told to agents; the chat itself does not end.
        sub_rounds: told to agents.
        group_size: the largest cohort; None for one cohort of all.
        cohorts: by ``chance`` or by ``role``.
        reshuffle: form new cohorts each round, or keep those of the first.
        topic: ``proposed`` by a member in turn, or ``fixed``.

    Raises:
        UserError: an argument makes no sense; the text names what would.
    """

    settings = frozenset(
        {"initial_topic", "max_rounds", "sub_rounds", "_group_size", "_rule", "_reshuffle", "_proposes"}
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
        self.round, self.sub_round = 1, 1
        self._group_size = group_size
        self._rule = cohorts
        self._reshuffle = reshuffle
        self._proposes = topic == "proposed"
        self._roles: dict[str, str] = {}
        self._cohorts: list[Cohort] = []
        self._cohort_of: dict[str, Cohort] = {}
        self._begun = False
        self._appointed: Counter[str] = Counter()
        self._last_id = 0
        self._ids_before = 0

    # -- life cycle -------------------------------------------------------------------------------------------

    def continue_from(self, earlier: Self) -> None:
        """Take over members, ids and whose turn it is to propose; cohorts are formed anew where their rule differs."""
        super().continue_from(earlier)
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
        if self._begun:
            return
        if not self._cohorts:
            self._enter([(agent_id,)])
        else:
            self._cohorts[0].members += (agent_id,)
            self._cohort_of[agent_id] = self._cohorts[0]

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Form the cohorts and open their topics."""
        super().begin_round(round_number, rng)
        self.sub_round = 0
        self._ids_before = self._last_id
        if self._reshuffle or not self._begun or len(self._cohort_of) < len(self._roles):
            members = list(form_cohorts(self._roles, self._group_size, self._rule, rng))
        else:
            members = [cohort.members for cohort in self._cohorts]
        self._begun = True
        self._enter(members)
        for cohort in self._cohorts:
            self.emit(CohortFormed(self.round, cohort.cohort_id, cohort.members))
            if cohort.topic_is_open:
                self._appointed[cohort.proposer_id] += 1
            else:
                self.emit(TopicSet(self.round, cohort.cohort_id, cohort.topic, None))

    def _enter(self, members: list[tuple[str, ...]]) -> None:
        self._cohorts = [self._new_cohort(number, ids) for number, ids in enumerate(members, 1)]
        self._cohort_of = {agent_id: cohort for cohort in self._cohorts for agent_id in cohort.members}

    def _new_cohort(self, number: int, members: tuple[str, ...]) -> Cohort:
        proposer = min(members, key=lambda agent_id: self._appointed[agent_id])
        return Cohort(number, members, proposer, self.initial_topic, self._proposes)

    def begin_sub_round(self, sub_round: int) -> None:
        """Start a sub-round; a topic that nobody has proposed by now is the configured one."""
        super().begin_sub_round(sub_round)
        self._ids_before = self._last_id
        for cohort in self._cohorts:
            cohort.spoken = 0
            self._settle_topic(cohort)

    # -- acting -----------------------------------------------------------------------------------------------

    def check(self, agent_id: str, action: Mapping[str, object]) -> ChatAct:
        """Read ``{"message", "recipient_id"?, "metadata"?}`` or, from the proposer, ``{"topic"}``."""
        unknown = [key for key in action if key not in _KEYS]
        if unknown:
            raise IllegalAction(
                f"unknown key {str(unknown[0])[:40]!r}; a chat action has message, recipient_id and metadata, "
                "and the sender is whoever holds this handle"
            )
        if "topic" in action:
            if len(action) > 1:
                raise IllegalAction("a topic is proposed alone, without a message")
            return ChatAct(topic=read_text(action["topic"], "topic"))
        metadata = action.get("metadata")
        return ChatAct(
            message=read_text(action.get("message"), "message"),
            recipient_id=self._known_recipient(agent_id, action.get("recipient_id", EVERYBODY)),
            metadata=read_metadata(metadata) if metadata is not None else {},
        )

    def _known_recipient(self, agent_id: str, recipient: object) -> str:
        cohort = self._cohort(agent_id)
        if isinstance(recipient, str):
            is_other = recipient != agent_id and self._cohort_of.get(recipient) is cohort
            if recipient == EVERYBODY or is_other:
                return recipient
        given = recipient if isinstance(recipient, str) else reprlib.repr(recipient)
        raise UnknownRecipient(
            given, [EVERYBODY, *(member for member in cohort.members if member != agent_id)]
        )

    def _cohort(self, agent_id: str) -> Cohort:
        try:
            return self._cohort_of[agent_id]
        except KeyError:
            raise IllegalAction(f"{agent_id} has come late and talks from the next round on") from None

    def apply(self, agent_id: str, action: ChatAct) -> Observation:
        """Post the message, or take over the topic; the answer is as short in a large cohort as in a small one."""
        cohort = self._cohort(agent_id)
        if action.topic is not None:
            if not cohort.topic_is_open or agent_id != cohort.proposer_id:
                raise IllegalAction(
                    f"the topic is {cohort.proposer_id}'s to propose, once, before the discussion"
                )
            self._set_topic(cohort, action.topic, agent_id)
            return {"status": "accepted"}
        self._settle_topic(cohort)
        cohort.spoken += 1
        message_id = self._next_id(cohort)
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
        )
        cohort.messages.append(message)
        self.emit(message)
        return {"status": "accepted", "message_id": message_id}

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

    def _settle_topic(self, cohort: Cohort) -> None:
        if cohort.topic_is_open:
            self._set_topic(cohort, self.initial_topic, None)

    def _set_topic(self, cohort: Cohort, topic: str, proposer_id: str | None) -> None:
        cohort.topic, cohort.topic_is_open = topic, False
        self.emit(TopicSet(self.round, cohort.cohort_id, topic, proposer_id))

    # -- seeing -----------------------------------------------------------------------------------------------

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """This round's cohorts."""
        return tuple(self._cohorts)

    def visible_messages(self, agent_id: str, last: int | None = None) -> list[dict[str, Any]]:
        """This round's messages that the agent may see, its own included, oldest first; the ``last`` ones only."""
        visible = [message for message in self._cohort(agent_id).messages if message.visible_to(agent_id)]
        return [
            message.as_dict()
            for message in (visible if last is None else visible[max(len(visible) - last, 0) :])
        ]

    def observe(self, agent_id: str) -> Observation:
        """What one agent may see."""
        cohort = self._cohort(agent_id)
        return {
            "current_topic": cohort.topic,
            "current_round": self.round,
            "max_rounds": self.max_rounds,
            "sub_round": self.sub_round,
            "sub_rounds": self.sub_rounds,
            "cohort_id": cohort.cohort_id,
            "members": list(cohort.members),
            "topic_proposer": cohort.proposer_id,
            "round_messages": self.visible_messages(agent_id),
        }

    def global_state(self) -> Observation:
        """Every cohort with its topic and all its messages."""
        return {
            "current_topic": self._cohorts[0].topic if len(self._cohorts) == 1 else self.initial_topic,
            "current_round": self.round,
            "max_rounds": self.max_rounds,
            "sub_round": self.sub_round,
            "cohorts": {
                cohort.cohort_id: {"members": list(cohort.members), "topic": cohort.topic}
                for cohort in self._cohorts
            },
            "round_messages": [message.as_dict() for cohort in self._cohorts for message in cohort.messages],
        }
