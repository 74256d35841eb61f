"""What a negotiation decides: proposals are orders to one counterpart, and an acceptance is the order that meets one.

A label is a proposal's name between its two parties: it counts what one has proposed to the other in the round, so that
it tells neither of them what happens between others.
"""

from __future__ import annotations

from dataclasses import dataclass

from market_agents.environments.mechanisms.auction import OrderCancelled, OrderPlaced


@dataclass(frozen=True, slots=True)
class ProposalMade(OrderPlaced):
    """A proposal was made; the cash or goods behind it are reserved.

    Attributes:
        recipient_id: who alone may answer it.
        label: its name between the two parties.
        answers: the label of the counterpart's proposal that it counters; None where it is the first word.
        text: what the proposer says with it.
    """

    recipient_id: str
    label: str
    answers: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ProposalAccepted(OrderPlaced):
    """A proposal was accepted by its recipient; the trade follows.

    Attributes:
        proposer_id: whose proposal it is.
        label: which one.
        text: what the accepting side says.
    """

    proposer_id: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ProposalClosed(OrderCancelled):
    """A proposal ended without a trade and its reservation was released.

    Attributes:
        recipient_id: to whom it was made.
        label: which one.
        by: who ended it; None where its time was over.
        text: what was said with it.
        is_countered: whether the recipient answered with a proposal of its own.
    """

    recipient_id: str
    label: str
    by: str | None
    text: str
    is_countered: bool
