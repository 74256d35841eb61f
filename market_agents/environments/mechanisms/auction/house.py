"""Orders that stand in a book before anybody acts, and the house in whose name they stand.

Each such order has an account of its own, called ``house_1``, ``house_2`` and so on, that holds exactly the cash or the
goods behind it, so that cash and goods are conserved in every trade. The house values each unit at its order's price:
the units belong to demand or supply, and measures count them as anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction.mechanism import DoubleAuction


@dataclass(frozen=True, slots=True)
class HouseOrder:
    """One order of the house.

    Attributes:
        id: the name of its account.
        side: bid or ask.
        price: ticks for one unit.
        quantity: units.
    """

    id: str
    side: Side
    price: int
    quantity: int

    @property
    def role(self) -> str:
        """``buyer`` or ``seller``."""
        return "buyer" if self.side is Side.BID else "seller"

    def units_of(self, good: str) -> tuple[int, ...]:  # noqa: ARG002  (as agents tell their units)
        """What each unit is worth to the house, or costs it, in ticks."""
        return (self.price,) * self.quantity

    @property
    def cash(self) -> int:
        """Ticks behind the order."""
        return self.price * self.quantity if self.side is Side.BID else 0

    @property
    def goods(self) -> int:
        """Units behind the order."""
        return self.quantity if self.side is Side.ASK else 0


class House:
    """The house's orders in one market, in the order in which they arrive.

    Args:
        market: where they stand.
        orders: at prices of which no bid reaches an ask.
    """

    def __init__(self, market: DoubleAuction, orders: Sequence[HouseOrder]) -> None:
        self.market = market
        # The worst come first, so that each beats the one before it where that is demanded.
        self.orders = sorted(orders, key=lambda order: order.price * (1 if order.side is Side.BID else -1))
        for order in self.orders:
            market.accounts.open(order.id, order.cash, {market.good: order.goods})
            market.join(order.id, order.role)

    def renew(self) -> None:
        """Bring every account back to what it held at first."""
        accounts: Accounts = self.market.accounts
        good = self.market.good
        for order in self.orders:
            holding = accounts.holding(order.id)
            cash, goods = order.cash - holding.cash, order.goods - holding.goods[good]
            if cash < 0 or goods < 0:
                accounts.consume(order.id, good, max(-goods, 0), max(-cash, 0))
            if cash > 0 or goods > 0:
                accounts.renew(order.id, good, max(goods, 0), max(cash, 0))

    def open_units(self, *, stands: bool) -> Sequence[HouseOrder]:
        """Open what the house can trade in the coming round.

        Args:
            stands: whether the orders will be placed in it; else only those that outlived the last round have units.

        Returns:
            The orders with the units that they have in it.
        """
        market = self.market
        left = [
            order if stands else replace(order, quantity=len(market.units_left(order.id)))
            for order in self.orders
            if stands or market.has_open_order(order.id)
        ]
        units = {order.id: order.units_of(market.good) for order in left}
        for order in self.orders:
            market.open_units(order.id, units.get(order.id, ()))
        return left

    def place(self) -> None:
        """Let the orders arrive in the round that has begun, and be seen as far as the institution shows any.

        Raises:
            ValueError: the market refuses one; the text says why.
        """
        for order in self.orders:
            reason = self.market.place(order.id, order.price, order.quantity)
            if reason is not None:
                raise ValueError(f"the order of {order.id} is refused: {reason}")
        if self.market.institution.clears_each_turn and not self.market.institution.deals:
            self.market.clear()
