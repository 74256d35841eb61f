"""Agent Communication Language: messages with a performative, after FIPA's ACL Message Structure (SC00061G)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from market_agents.plain_text import clean


class Performative(StrEnum):
    """What a message does. Compares equal to its plain name."""

    INFORM = "inform"
    QUERY = "query"
    PROPOSE = "propose"
    ACCEPT = "accept"
    REJECT = "reject"
    REQUEST = "request"
    AGREE = "agree"
    REFUSE = "refuse"


FIPA_SYNONYMS = {
    "accept-proposal": Performative.ACCEPT,
    "reject-proposal": Performative.REJECT,
    "query-if": Performative.QUERY,
    "query-ref": Performative.QUERY,
    "cfp": Performative.QUERY,
    "call-for-proposal": Performative.QUERY,
    "call-for-proposals": Performative.QUERY,
    "inform-if": Performative.INFORM,
    "inform-ref": Performative.INFORM,
    "inform-done": Performative.INFORM,
    "inform-result": Performative.INFORM,
    "confirm": Performative.INFORM,
    "disconfirm": Performative.INFORM,
    "failure": Performative.INFORM,
    "request-when": Performative.REQUEST,
    "request-whenever": Performative.REQUEST,
    "subscribe": Performative.REQUEST,
}
"""FIPA's communicative acts (SC00037J) whose formal model is one of the eight; the others are refused with the list.

A call for proposals is modelled there as a ``query-ref`` and answered by ``propose`` or ``refuse``, a failure as an
``inform``, a subscription as a ``request-whenever``.
"""


def _performative(value: object) -> object:
    if isinstance(value, str):
        name = value.strip().lower().replace("_", "-")
        return FIPA_SYNONYMS.get(name, name)
    return value


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


# Strict, because bytes would turn into text behind the cleaning.
Text = Annotated[str, BeforeValidator(_cleaned), Field(strict=True)]
Name = Annotated[str, BeforeValidator(_cleaned), Field(strict=True, min_length=1, max_length=200)]


class ACLMessage(BaseModel):
    """One message from one agent to one other.

    Attributes:
        sender: the sending agent's id; must be the agent that sends it.
        receiver: the receiving agent's id.
        content: the text.
        performative: one of `Performative`, or a FIPA synonym such as ``accept-proposal``.
        conversation_id: names the conversation that the message belongs to.
        reply_with: the label that an answer is to carry in ``in_reply_to``.
        in_reply_to: the label of the message that this one answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sender: Name
    receiver: Name
    content: Text
    performative: Annotated[Performative, BeforeValidator(_performative)] = Performative.INFORM
    conversation_id: Name | None = None
    reply_with: Name | None = None
    in_reply_to: Name | None = None
