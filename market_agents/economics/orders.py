"""What traders send to a market and what comes of it: orders with their life cycle, and trades."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Side(StrEnum):
    """Which side of the market an order stands on."""

    BID = "bid"
    ASK = "ask"


class OrderStatus(StrEnum):
    """Where an order is in its life; whatever is neither open nor partially filled is final.

    A market rejects an order at once; a counterpart declines one that was open to it alone.
    """

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    EXPIRED = "expired"
    DECLINED = "declined"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether an order in this state stays in it for ever."""
        return self not in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


# Bound once, because looking a member up in its enum is slow on CPython 3.11 and every order needs one.
_OPEN, _PARTIALLY_FILLED, _FILLED = OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED
_GIVEN_UP = (
    OrderStatus.REPLACED,
    OrderStatus.EXPIRED,
    OrderStatus.CANCELLED,
    OrderStatus.DECLINED,
    OrderStatus.REJECTED,
)


class Order:
    """A limit order: buy at no more, or sell at no less, than its price.

    Args:
        order_id: given in order of arrival, so that it also tells time priority.
        agent_id: whose order it is.
        side: bid or ask.
        price: the limit in ticks for one unit, at least 1.
        quantity: units ordered, at least 1.
        round_number: the round in which it was placed.

    Attributes:
        remaining: units neither traded nor given up; of a closed order, the units that were given up.
        status: where the order is in its life.
        live: whether the order may still trade, that is, whether its status is not final.

    Raises:
        ValueError: price or quantity below 1.
    """

    __slots__ = ("agent_id", "live", "order_id", "price", "quantity", "remaining", "round", "side", "status")

    def __init__(
        self, order_id: int, agent_id: str, side: Side, price: int, quantity: int, round_number: int = 0
    ) -> None:
        if price < 1 or quantity < 1:
            raise ValueError(f"order {order_id}: price {price} and quantity {quantity} must be at least 1")
        self.order_id = order_id
        self.agent_id = agent_id
        self.side = side
        self.price = price
        self.quantity = quantity
        self.round = round_number
        self.remaining = quantity
        self.status = _OPEN
        self.live = True

    def __repr__(self) -> str:
        return (
            f"Order({self.order_id}, {self.agent_id!r}, {self.side.value} {self.quantity} @ {self.price}, "
            f"{self.remaining} remaining, {self.status.value})"
        )

    @property
    def filled(self) -> int:
        """Units traded so far."""
        return self.quantity - self.remaining

    def fill(self, quantity: int) -> None:
        """Trade some of the remaining units.

        Raises:
            ValueError: the order is closed, or has fewer units remaining.
        """
        if not self.live or not 1 <= quantity <= self.remaining:
            raise ValueError(f"{self!r} cannot fill {quantity}")
        self.remaining -= quantity
        if self.remaining:
            self.status = _PARTIALLY_FILLED
        else:
            self.status = _FILLED
            self.live = False

    def close(self, status: OrderStatus) -> None:
        """End the order's life without a trade; what remained is given up.

        Raises:
            ValueError: the order is closed already, or ``status`` is not a final one that giving up leads to.
        """
        if not self.live or status not in _GIVEN_UP:
            raise ValueError(f"{self!r} cannot become {status.value}")
        self.status = status
        self.live = False


@dataclass(frozen=True, slots=True)
class Trade:
    """An exchange of units for cash between a buyer and a seller; money in ticks.

    Attributes:
        trade_id: counted from 1 within a market.
        round: the round in which it happened.
        good: what was traded.
        bid_order_id: the buyer's order.
        ask_order_id: the seller's order.
        buyer_id: who pays.
        seller_id: who delivers.
        price: per unit.
        quantity: units.
        buyer_values: what each unit is worth to the buyer, in the order of trading.
        seller_costs: what each unit costs the seller, in the order of trading.
        buyer_surplus: Σ(value − price) over all units.
        seller_surplus: Σ(price − fee − cost) over all units.
        fee: per unit, what the institution keeps of the price.
    """

    trade_id: int
    round: int
    good: str
    bid_order_id: int
    ask_order_id: int
    buyer_id: str
    seller_id: str
    price: int
    quantity: int
    buyer_values: tuple[int, ...]
    seller_costs: tuple[int, ...]
    buyer_surplus: int
    seller_surplus: int
    fee: int = field(default=0, kw_only=True)
