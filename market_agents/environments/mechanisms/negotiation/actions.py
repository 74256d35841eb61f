"""What a party to a negotiation can do, and how it is read from what a mind says: nothing that is said can raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from market_agents.economics.orders import Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction.actions import Quote, Unreadable, read_action, shown
from market_agents.plain_text import clean

PERFORMATIVES = ("propose", "accept", "reject", "cancel")
_SYNONYMS = {"accept-proposal": "accept", "reject-proposal": "reject"}
_KEYS = {"performative", "recipient_id", "side", "price", "quantity", "message", "in_reply_to"}
_SIDES = tuple(side.value for side in Side)


@dataclass(frozen=True, slots=True)
class Propose:
    """An offer of terms to one counterpart; ``price`` in ticks for one unit."""

    recipient_id: str
    side: Side
    price: int
    quantity: int
    text: str = ""
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no to a counterpart's proposal, named by its label."""

    recipient_id: str
    label: str
    accepts: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The end of an own open proposal to a counterpart."""

    recipient_id: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Misread:
    """What makes no sense in any state, with what could be read of its terms.

    Attributes:
        is_order: whether it was meant to trade, and so is kept among the refused orders.
    """

    reason: str
    is_order: bool = False
    side: Side | None = None
    price: int | None = None
    quantity: int | None = None


NegotiationAct: TypeAlias = Propose | Answer | Withdraw | Misread


def is_negotiation(action: Mapping[str, object]) -> bool:
    """Whether an action negotiates, and does not just talk."""
    return "performative" in action


def read_negotiation(
    action: Mapping[str, object], own_side: Side, open_label: str | None, scale: TickScale
) -> NegotiationAct:
    """Read ``{"performative", "recipient_id", "price", "quantity", "side"?, "message"?, "in_reply_to"?}``.

    Args:
        action: as a mind gave it; values may be of any type.
        own_side: the side on which the agent trades, where the action names none.
        open_label: the label of the counterpart's proposal that is open to the agent now, so that an answer without
            ``in_reply_to`` means the terms that the agent has seen; None where there is none.
        scale: the market's ticks.
    """
    unknown = [key for key in action if key not in _KEYS]
    if unknown:
        return Misread(f"unknown key {shown(str(unknown[0]))}; known are {', '.join(sorted(_KEYS))}")
    kind, recipient, text = action["performative"], action.get("recipient_id"), action.get("message")
    kind = _SYNONYMS.get(kind, kind) if isinstance(kind, str) else kind
    if kind not in PERFORMATIVES:
        return Misread(f'"performative" must be one of {", ".join(PERFORMATIVES)}, not {shown(kind)}')
    if not isinstance(recipient, str):
        return Misread(f'"recipient_id" must be the id of your counterpart, not {shown(recipient)}')
    if text is not None and not isinstance(text, str):
        return Misread(f'"message" must be a text, not {shown(text)}')
    label = action.get("in_reply_to", open_label)
    if label is not None and not isinstance(label, str):
        return Misread(f'"in_reply_to" must be the label of a proposal, not {shown(label)}')
    return _read_act(str(kind), action, recipient, clean(text or ""), label, own_side, scale)


def _read_act(
    kind: str,
    action: Mapping[str, object],
    recipient: str,
    text: str,
    label: str | None,
    own_side: Side,
    scale: TickScale,
) -> NegotiationAct:
    if kind == "propose":
        side = action.get("side", own_side.value)
        if side not in _SIDES:
            return Misread(f'"side" must be "bid" or "ask", not {shown(side)}', is_order=True)
        terms = read_action({**action, "action": side}, scale)
        if isinstance(terms, Quote):
            return Propose(recipient, terms.side, terms.price, terms.quantity, text, label)
        if isinstance(terms, Unreadable):
            return Misread(terms.reason, True, terms.side, terms.price, terms.quantity)
    if kind == "cancel":
        return Withdraw(recipient, text)
    if label is None:
        reason = f"{shown(recipient)} has no proposal open to you that you could {kind}"
        return Misread(reason, is_order=kind == "accept")
    return Answer(recipient, label, kind == "accept", text)
