"""The contract of a trading institution: orders in, fills out, blind to who trades and with what right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction.institutions.book import BookSide, Level

_BID = Side.BID  # bound once, as in `orders`


class Fill(NamedTuple):
    """A match of two orders, both filled already when it is reported.

    Attributes:
        bid: the buyer's order.
        ask: the seller's order.
        price: ticks per unit, between the two limits.
        quantity: units.
        bid_filled: units of the bid that were traded up to and including this fill.
        ask_filled: the same of the ask.
        fee: ticks per unit that the institution keeps, so that the seller receives ``price − fee``.
    """

    bid: Order
    ask: Order
    price: int
    quantity: int
    bid_filled: int
    ask_filled: int
    fee: int = 0


@dataclass(slots=True)
class Means:
    """What a market order may use up.

    Attributes:
        buying: whether it is a bid, for which cash counts, or an ask, for which goods do.
        cash: ticks.
        goods: units.
    """

    buying: bool
    cash: int
    goods: int

    def units_at(self, price: int) -> int:
        """How many units the rest of it covers at a price in ticks."""
        return self.cash // price if self.buying else self.goods

    def spend(self, price: int, units: int) -> None:
        """Take out what units at a price use up."""
        if self.buying:
            self.cash -= price * units
        else:
            self.goods -= units


def match(bid: Order, ask: Order, price: int, fee: int = 0, *, at_most: int | None = None) -> Fill:
    """Fill two orders against each other at ``price`` as far as both reach, and ``at_most`` units."""
    quantity = min(ask.remaining, bid.remaining)
    if at_most is not None and at_most < quantity:
        quantity = at_most
    bid.fill(quantity)
    ask.fill(quantity)
    return Fill(bid, ask, price, quantity, bid.quantity - bid.remaining, ask.quantity - ask.remaining, fee)


class Institution(ABC):
    """A rule that turns orders into fills.

    It changes the state of the orders given to it and nothing else: cash, goods, rights to trade and the
    number of quotes a trader may have are the mechanism's. Orders come with rising ids, their time priority.

    Attributes:
        name: what a configuration calls it.
        must_improve: whether a new order is admitted only if it beats the best one of its side.
        clears_each_turn: whether `clear` belongs to the end of every turn, or to the end of the round only.
        sealed: whether nobody ever sees the book, so that best quotes and depth tell nothing of it.
        keeps_fees: whether buyers may pay more than sellers receive.
        deals: whether quoting turns and dealing turns take each other's place.
        continuous: whether an order trades as it arrives, so that a market order finds something to trade with.
    """

    name: ClassVar[str]
    must_improve: ClassVar[bool] = False
    clears_each_turn: ClassVar[bool] = True
    sealed: ClassVar[bool] = False
    keeps_fees: ClassVar[bool] = False
    deals: ClassVar[bool] = False
    continuous: ClassVar[bool] = False

    def __init__(self) -> None:
        self._bids = BookSide(Side.BID)
        self._asks = BookSide(Side.ASK)

    @abstractmethod
    def submit(self, order: Order) -> list[Fill]:
        """Take in a new open order.

        Returns:
            What traded at once, in order; whatever remains of the order is then open here.
        """

    def take(self, order: Order, means: Means) -> list[Fill]:  # noqa: ARG002  (for those that are continuous)
        """Trade a market order, which never rests, with the best opposite orders; its price is not looked at.

        Args:
            order: a new open order; what does not trade of it is left to the mechanism to close.
            means: what it may use up at the prices of the orders it meets.

        Returns:
            What traded, in order.

        Raises:
            ValueError: the institution is not continuous.
        """
        raise ValueError(f"{self.name} has no continuous book that {order!r} could take from")

    def _take_best(self, order: Order, means: Means) -> Fill | None:
        """Trade with the best opposite order as far as the means reach; None where they do not, or there is none."""
        buying = order.side is _BID
        resting = (self._asks if buying else self._bids).best()
        units = 0 if resting is None else means.units_at(resting.price)
        if resting is None or not units or not order.remaining:
            return None
        bid, ask = (order, resting) if buying else (resting, order)
        fill = match(bid, ask, resting.price, at_most=units)
        self._side(resting.side).units -= fill.quantity
        means.spend(fill.price, fill.quantity)
        return fill

    def refuses(self, agent_id: str, side: Side, price: int) -> str | None:  # noqa: ARG002  (for those that refuse)
        """Why the rule does not take an order now, in one line; None if it does. The default takes all."""
        return None

    def taking_over(self, earlier: Self) -> Self:
        """The rule that goes on after an earlier one of its kind: with that one's orders, on the terms of this."""
        return earlier

    @property
    def dealers(self) -> Collection[str] | None:
        """Who may accept a quote in the dealing turn that this is; None in every other turn."""
        return None

    def take_closed(self) -> Sequence[Order]:
        """The orders that the rule itself has closed since the last call; each is handed over once."""
        return ()

    def clear(self) -> list[Fill]:
        """All who wanted to act have acted: match what the rule matches only now."""
        return []

    def cancel(self, order: Order, status: OrderStatus = OrderStatus.CANCELLED) -> None:
        """Close an order that is open here, as ``status``.

        Raises:
            ValueError: the order is closed already.
        """
        order.close(status)
        (self._bids if order.side is _BID else self._asks).units -= order.remaining

    def expire(self) -> list[Order]:
        """Close everything that is open here, as expired, and return it in order of arrival."""
        orders = self._bids.drain(OrderStatus.EXPIRED) + self._asks.drain(OrderStatus.EXPIRED)
        return sorted(orders, key=lambda order: order.order_id)

    def best_bid(self) -> int | None:
        """The highest open bid that traders may see, in ticks."""
        best = self._bids.best()
        return None if best is None else best.price

    def best_ask(self) -> int | None:
        """The lowest open ask that traders may see, in ticks."""
        best = self._asks.best()
        return None if best is None else best.price

    def depth(self, side: Side, levels: int = 10) -> list[Level]:
        """Open units at the best prices of one side that traders may see, the best first."""
        return self._side(side).depth(levels)

    def open_units(self, side: Side) -> int | None:
        """Units open on one side, at whatever price, as a turn leaves it; None where traders may not see the book."""
        return None if self.sealed else self._side(side).units

    def _trade_resting(
        self, bid: Order, ask: Order, price: int, fee: int = 0, at_most: int | None = None
    ) -> Fill:
        """Fill two orders that both rest here against each other."""
        fill = match(bid, ask, price, fee, at_most=at_most)
        self._bids.units -= fill.quantity
        self._asks.units -= fill.quantity
        return fill

    def _side(self, side: Side) -> BookSide:
        return self._bids if side is _BID else self._asks
