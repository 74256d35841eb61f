"""What a double auction decides, one frozen record each; prices and surplus in ticks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from market_agents.economics.orders import OrderStatus, Side, Trade
from market_agents.environments.environment import Event


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    """An order was accepted and its cash or goods reserved."""

    round: int
    agent_id: str
    order_id: int
    good: str
    side: Side
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class MarketOrderPlaced(Event):
    """An order without a price was accepted; its trades follow, and its end where not all of it was traded."""

    price: ClassVar[None] = None

    round: int
    agent_id: str
    order_id: int
    good: str
    side: Side
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderRejected(Event):
    """An order was refused and nothing changed; what it does not name, or nobody can read, is None."""

    round: int
    agent_id: str
    order_id: int
    good: str
    side: Side | None
    price: int | None
    quantity: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """What remained of an order was given up and its reservation released.

    Attributes:
        round: when it was given up.
        agent_id: whose order it was.
        order_id: which order.
        order_round: the round in which the order was placed.
        quantity: units given up.
        filled_quantity: units traded before.
        status: ``cancelled``, ``replaced`` or ``expired``.
    """

    round: int
    agent_id: str
    order_id: int
    order_round: int
    quantity: int
    filled_quantity: int
    status: OrderStatus

    @property
    def reason(self) -> str:
        """Why, in one word: the status."""
        return self.status.value


@dataclass(frozen=True, slots=True)
class OrderFilled(Event):
    """An order traded; follows the `TradeMade` that it is part of, the bid's first.

    Attributes:
        round: when it traded.
        agent_id: whose order it is.
        order_id: which order.
        order_round: the round in which the order was placed.
        trade_id: the trade.
        quantity: units of this trade.
        filled_quantity: units traded so far, this trade included.
        status: ``partially_filled`` or ``filled``, as of this trade.
    """

    round: int
    agent_id: str
    order_id: int
    order_round: int
    trade_id: int
    quantity: int
    filled_quantity: int
    status: OrderStatus


@dataclass(frozen=True, slots=True)
class TradeMade(Trade, Event):
    """A trade was made and settled.

    Attributes:
        agent_id: who brought it about by acting; None where the institution cleared for all at once.
    """

    agent_id: str | None
