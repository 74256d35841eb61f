"""AURORA, the synchronised double auction of the Santa Fe tournament: all quote, then the best two may deal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction.institutions.contract import Fill, Institution, match

_BID = Side.BID  # bound once, as in `orders`


class Aurora(Institution):
    """Two kinds of turns take each other's place; the end of a turn, `clear`, leads to the next.

    In a quoting turn an order must beat its side's standing quote and takes its place; nothing trades, even where
    bid and ask cross. In a dealing turn only the holders of the standing bid and ask may act, and only by taking the
    other's quote: they trade at the quote that is taken, the first to accept deciding, and both quotes end (Rust,
    Miller & Palmer 1994, Journal of Economic Dynamics and Control 18(1)).

    Attributes:
        dealing: whether this is a dealing turn.
    """

    name: ClassVar[str] = "aurora"
    deals: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.dealing = False
        self._holders: dict[Side, str] = {}
        self._closed: list[Order] = []

    @property
    def dealers(self) -> Collection[str] | None:
        """The holders of best bid and ask, where there are both, until one has accepted; None while all quote."""
        if not self.dealing:
            return None
        both_stand = self._bids.best() is not None and self._asks.best() is not None
        return tuple(self._holders.values()) if both_stand else ()

    def refuses(self, agent_id: str, side: Side, price: int) -> str | None:
        """Whatever the turn does not allow."""
        buying = side is _BID
        if self.dealing:
            quote = self.best_ask() if buying else self.best_bid()
            crosses = quote is not None and (price >= quote if buying else price <= quote)
            if self._holders.get(side) == agent_id and crosses:
                return None
            return "only who holds the best bid or ask may act now, by taking the other's quote"
        best = self.best_bid() if buying else self.best_ask()
        if best is None or (price > best if buying else price < best):
            return None
        return "the best bid is as high already" if buying else "the best ask is as low already"

    def submit(self, order: Order) -> list[Fill]:
        """Let an order stand in the place of its side's quote or, in a dealing turn, take the other's quote."""
        buying = order.side is _BID
        own, other = (self._bids, self._asks) if buying else (self._asks, self._bids)
        if not self.dealing:
            self._closed += own.drain(OrderStatus.CANCELLED)
            own.add(order)
            return []
        own.add(order)
        quote = other.best()
        if quote is None or (quote.price > order.price if buying else quote.price < order.price):
            return []
        fill = match(order, quote, quote.price) if buying else match(quote, order, quote.price)
        for side in (self._bids, self._asks):
            self._closed += side.drain(OrderStatus.CANCELLED)
        return [fill]

    def clear(self) -> list[Fill]:
        """Go on to the next turn."""
        self.dealing = not self.dealing
        holders = ((side, self._side(side).best()) for side in Side)
        self._holders = {side: order.agent_id for side, order in holders if order is not None}
        return []

    def expire(self) -> list[Order]:
        """As promised by the contract; the next turn is a quoting one."""
        self.dealing = False
        self._holders = {}
        return super().expire()

    def take_closed(self) -> Sequence[Order]:
        """Quotes that were outdone, or ended by a trade."""
        if not self._closed:
            return ()
        closed, self._closed = self._closed, []
        return closed
