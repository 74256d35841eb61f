"""A negotiation in the words of ACL: what the two parties told each other, and what the market told them of it.

All that one buyer and one seller negotiate in a round is one conversation, ``MARKET/rROUND/BUYER-SELLER``. A
proposal's label is its ``reply_with``; acceptance, rejection and counter-proposal carry it in ``in_reply_to``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from market_agents.agents.protocols.acl_message import ACLMessage, Performative
from market_agents.agents.protocols.market_talk import conversations
from market_agents.economics.orders import OrderStatus, Side
from market_agents.economics.ticks import TickScale
from market_agents.environments import Event
from market_agents.environments.mechanisms.auction import OrderRejected, TradeMade
from market_agents.environments.mechanisms.negotiation import ProposalAccepted, ProposalClosed, ProposalMade


@dataclass(frozen=True, slots=True)
class NegotiationTalk:
    """Turns what a negotiation decided into what was said.

    Attributes:
        market: the environment's name, as a party where the market itself speaks.
        scale: turns ticks into currency.
        sides: who buys and who sells.
    """

    market: str
    scale: TickScale
    sides: Mapping[str, Side]

    def messages(self, events: Iterable[Event]) -> Iterator[ACLMessage]:
        """What parties and market said to each other, in the order of the events."""
        for event in events:
            match event:
                case OrderRejected():
                    yield from conversations([event], self.market, self.scale)
                case ProposalMade():
                    yield self._proposal(event)
                case ProposalAccepted():
                    yield self._acceptance(event)
                case ProposalClosed(is_countered=False):
                    yield self._end(event)
                case TradeMade():
                    yield from self._trade(event)

    def _proposal(self, event: ProposalMade) -> ACLMessage:
        terms = f"{event.side.value} {event.quantity} {event.good} at {self.scale.to_decimal(event.price)}"
        return ACLMessage(
            sender=event.agent_id,
            receiver=event.recipient_id,
            content=_with_words(terms, event.text),
            performative=Performative.PROPOSE,
            conversation_id=self._conversation(event.round, event.agent_id, event.recipient_id),
            reply_with=event.label,
            in_reply_to=event.answers,
        )

    def _acceptance(self, event: ProposalAccepted) -> ACLMessage:
        terms = f"{event.quantity} {event.good} at {self.scale.to_decimal(event.price)}"
        return ACLMessage(
            sender=event.agent_id,
            receiver=event.proposer_id,
            content=_with_words(terms, event.text),
            performative=Performative.ACCEPT,
            conversation_id=self._conversation(event.round, event.agent_id, event.proposer_id),
            in_reply_to=event.label,
        )

    def _end(self, event: ProposalClosed) -> ACLMessage:
        """A rejection by the recipient, a withdrawal by the proposer, or the market's word that time was over."""
        proposer, recipient = event.agent_id, event.recipient_id
        talk = self._conversation(event.round, proposer, recipient)
        if event.status is OrderStatus.DECLINED:
            return ACLMessage(
                sender=recipient,
                receiver=proposer,
                content=event.text or "no",
                performative=Performative.REJECT,
                conversation_id=talk,
                in_reply_to=event.label,
            )
        return ACLMessage(
            sender=proposer if event.by else self.market,
            receiver=recipient if event.by else proposer,
            content=_with_words(f"proposal {event.label}: {event.status.value}", event.text),
            performative=Performative.INFORM,
            conversation_id=talk,
        )

    def _trade(self, event: TradeMade) -> Iterator[ACLMessage]:
        text = f"{event.quantity} {event.good} traded at {self.scale.to_decimal(event.price)}"
        talk = self._conversation(event.round, event.buyer_id, event.seller_id)
        for party in (event.buyer_id, event.seller_id):
            yield ACLMessage(
                sender=self.market,
                receiver=party,
                content=text,
                performative=Performative.INFORM,
                conversation_id=talk,
            )

    def _conversation(self, round_number: int, one: str, other: str) -> str:
        buyer, seller = (one, other) if self.sides[one] is Side.BID else (other, one)
        return f"{self.market}/r{round_number}/{buyer}-{seller}"


def _with_words(terms: str, text: str) -> str:
    return f"{terms}: {text}" if text else terms
