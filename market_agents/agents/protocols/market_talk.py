"""A double auction in the words of ACL: an order is proposed to the market, which accepts, rejects or informs.

An order is one conversation, ``MARKET/order_ID``: the trader's ``propose`` asks for an answer with ``reply_with``; the
market's ``accept``, ``reject`` (with the reason) and ``inform`` (fills, and the end of the order) carry it in
``in_reply_to``. So a run can be read as conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from market_agents.agents.protocols.acl_message import ACLMessage, Performative
from market_agents.economics.ticks import TickScale
from market_agents.environments import Event
from market_agents.environments.mechanisms.auction import (
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
)


def conversations(events: Iterable[Event], market: str, scale: TickScale) -> Iterator[ACLMessage]:
    """What traders and market said to each other, in the order of the events.

    Args:
        events: as the mechanism decided them.
        market: the market's name as a party to the conversation.
        scale: turns ticks into currency.
    """
    for event in events:
        match event:
            case OrderPlaced():
                terms = f"{event.side.value} {event.quantity} {event.good} at {scale.to_decimal(event.price)}"
                yield _proposal(event, market, terms)
                yield _answer(event, market, Performative.ACCEPT, f"order {event.order_id} is open")
            case MarketOrderPlaced():
                terms = f"{event.side.value} {event.quantity} {event.good} at the best open prices"
                yield _proposal(event, market, terms)
                yield _answer(event, market, Performative.ACCEPT, f"order {event.order_id} trades at once")
            case OrderRejected():
                side = event.side.value if event.side else "order"
                price = "" if event.price is None else f" at {scale.to_decimal(event.price)}"
                quantity = "" if event.quantity is None else f" {event.quantity} {event.good}"
                yield _proposal(event, market, f"{side}{quantity}{price}")
                yield _answer(event, market, Performative.REJECT, event.reason)
            case OrderFilled():
                text = f"order {event.order_id} traded {event.quantity} in trade {event.trade_id}: {event.status.value}"
                yield _answer(event, market, Performative.INFORM, text)
            case OrderCancelled():
                text = f"order {event.order_id} {event.status.value} with {event.quantity} untraded"
                yield _answer(event, market, Performative.INFORM, text)


def _label(order_id: int) -> str:
    return f"order_{order_id}"


def _proposal(event: OrderPlaced | MarketOrderPlaced | OrderRejected, market: str, terms: str) -> ACLMessage:
    return ACLMessage(
        sender=event.agent_id,
        receiver=market,
        content=terms,
        performative=Performative.PROPOSE,
        conversation_id=f"{market}/{_label(event.order_id)}",
        reply_with=_label(event.order_id),
    )


def _answer(
    event: OrderPlaced | MarketOrderPlaced | OrderRejected | OrderFilled | OrderCancelled,
    market: str,
    what: Performative,
    text: str,
) -> ACLMessage:
    return ACLMessage(
        sender=market,
        receiver=event.agent_id,
        content=text,
        performative=what,
        conversation_id=f"{market}/{_label(event.order_id)}",
        in_reply_to=_label(event.order_id),
    )
