"""Bilateral negotiation with binding agreements: proposals between two parties, and the trades they come to."""

from market_agents.environments.mechanisms.negotiation.actions import (
    Answer,
    Misread,
    NegotiationAct,
    Propose,
    Withdraw,
    is_negotiation,
)
from market_agents.environments.mechanisms.negotiation.chat import NegotiatingChat
from market_agents.environments.mechanisms.negotiation.events import (
    ProposalAccepted,
    ProposalClosed,
    ProposalMade,
)
from market_agents.environments.mechanisms.negotiation.mechanism import Negotiation

__all__ = [
    "Answer",
    "Misread",
    "NegotiatingChat",
    "Negotiation",
    "NegotiationAct",
    "ProposalAccepted",
    "ProposalClosed",
    "ProposalMade",
    "Propose",
    "Withdraw",
    "is_negotiation",
]
