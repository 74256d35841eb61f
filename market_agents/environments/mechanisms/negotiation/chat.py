"""A group chat in whose cohorts agents may also trade with each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Self

from market_agents.environments.environment import Observation
from market_agents.environments.mechanisms.group_chat import ChatAct, GroupChat
from market_agents.environments.mechanisms.negotiation.actions import (
    Misread,
    NegotiationAct,
    is_negotiation,
)
from market_agents.environments.mechanisms.negotiation.mechanism import Negotiation


@dataclass(frozen=True, slots=True)
class DealAct(ChatAct):
    """An act that negotiates, and does not just talk."""

    act: NegotiationAct | None = None


class NegotiatingChat(GroupChat):
    """The rules of the chat, and beside them those of a `Negotiation` among the members of each cohort.

    What is negotiated is seen by its two parties alone, under ``negotiation`` in what they observe. Its events are kept
    apart, see `Negotiation.take_events`.

    Args:
        negotiation: the rules of trade.
        chat: as in `GroupChat`.
    """

    settings = GroupChat.settings | {"negotiation"}

    def __init__(self, negotiation: Negotiation, **chat: Any) -> None:  # noqa: ANN401  (the chat's own arguments)
        super().__init__(**chat)
        self.negotiation = negotiation

    def continue_from(self, earlier: Self) -> None:
        """Take over the talk and, where members could trade before, who traded what; see `GroupChat.continue_from`."""
        super().continue_from(earlier)
        # The earlier chat may be a plain one; if there was trade before it, it has kept that.
        before = getattr(earlier, "negotiation", None)
        if isinstance(before, Negotiation):
            self.negotiation.continue_from(before)

    def join(self, agent_id: str, role: str) -> None:
        """Admit an agent to talk and trade; see `GroupChat.join` and `Negotiation.join`."""
        self.negotiation.join(agent_id, role)
        super().join(agent_id, role)

    def begin_round(self, round_number: int, rng: Random) -> None:
        """Form the cohorts; their members may trade with each other from now on."""
        super().begin_round(round_number, rng)
        self.negotiation.begin_round(round_number, [cohort.members for cohort in self.cohorts])

    def begin_sub_round(self, sub_round: int) -> None:
        """Start a sub-round of talk and trade."""
        super().begin_sub_round(sub_round)
        self.negotiation.begin_sub_round(sub_round)

    def end_round(self) -> None:
        """The discussion and everything that was not agreed are over."""
        super().end_round()
        self.negotiation.end_round()

    def _dismiss(self, agent_id: str) -> None:
        super()._dismiss(agent_id)
        self.negotiation.leave(agent_id)

    def check(self, agent_id: str, action: Mapping[str, object]) -> ChatAct:
        """Read an act of talk, see `GroupChat.check`, or one with a ``performative``, see `Negotiation.read`."""
        if is_negotiation(action):
            act = self.negotiation.read(agent_id, action)
            if not isinstance(act, Misread):
                act = replace(act, text=self.treatment.words_beside(act.text))
            return DealAct(act=act)
        return super().check(agent_id, action)

    def apply(self, agent_id: str, action: ChatAct) -> Observation:
        """Carry out an act."""
        if isinstance(action, DealAct) and action.act is not None:
            return self.negotiation.apply(agent_id, action.act)
        return super().apply(agent_id, action)

    def observe(self, agent_id: str) -> Observation:
        """What one agent may see of the discussion and of its own negotiations."""
        return {**super().observe(agent_id), "negotiation": self.negotiation.observe(agent_id)}

    def global_state(self) -> Observation:
        """Every cohort with its messages, open proposals and trades."""
        return {**super().global_state(), "negotiation": self.negotiation.global_state()}
