"""Who holds what: cash and goods, reservations behind open orders, and the ledger of every movement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from market_agents.economics.orders import Trade

HOUSE = "house"
"""The account, where it is open, that receives what institutions keep."""


class MovementKind(StrEnum):
    """Why a holding changed."""

    ENDOWMENT = "endowment"
    TRADE = "trade"
    RENEWAL = "renewal"
    CONSUMPTION = "consumption"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger: what an account gained, or lost where negative.

    Attributes:
        agent_id: whose account.
        kind: why.
        good: which good the quantity is of.
        quantity: units.
        cash: ticks.
        trade_id: the trade behind it, within the good's market; None for other kinds.
    """

    agent_id: str
    kind: MovementKind
    good: str
    quantity: int
    cash: int
    trade_id: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A snapshot of an account; ``cash`` and ``goods`` are totals, what is locked behind orders included."""

    cash: int
    locked_cash: int
    goods: Mapping[str, int]
    locked_goods: Mapping[str, int]


class Account:
    """One agent's cash and goods; whoever trades often asks it directly, and need not name its holder each time.

    Attributes:
        cash: ticks, what is locked included.
        locked_cash: ticks behind open bids.
        goods: units by good, what is locked included.
        locked_goods: units by good behind open asks.
    """

    __slots__ = ("cash", "goods", "locked_cash", "locked_goods")

    def __init__(self, goods: Sequence[str]) -> None:
        self.cash = 0
        self.locked_cash = 0
        self.goods = dict.fromkeys(goods, 0)
        self.locked_goods = dict.fromkeys(goods, 0)

    def free_goods(self, good: str) -> int:
        """Units that back no order."""
        return self.goods[good] - self.locked_goods[good]

    def relock_cash(self, former: int, cash: int) -> bool:
        """Lock ticks in the place of those that were locked; False, and nothing changed, where fewer are available."""
        locked = self.locked_cash - former + cash
        if locked > self.cash:
            return False
        if former < 0 or cash < 0 or former > self.locked_cash:
            raise ValueError(f"{self.locked_cash} ticks are locked, cannot lock {cash} instead of {former}")
        self.locked_cash = locked
        return True

    def relock_goods(self, good: str, former: int, quantity: int) -> bool:
        """Lock units in the place of those that were locked; False, and nothing changed, where fewer are available."""
        before = self.locked_goods[good]
        locked = before - former + quantity
        if locked > self.goods[good]:
            return False
        if former < 0 or quantity < 0 or former > before:
            raise ValueError(f"{before} {good} are locked, cannot lock {quantity} instead of {former}")
        self.locked_goods[good] = locked
        return True


class _OpenAccounts(dict[str, Account]):
    """Accounts by holder; a plain look-up is all that the many small calls below can afford."""

    def __missing__(self, agent_id: str) -> Account:
        raise ValueError(f"{agent_id} has no account; open one first")


class Accounts:
    """The accounts of all agents in all markets: several goods, one cash balance.

    Cash is counted in ticks and goods in units. Nothing here can become negative: a reservation that is not
    covered is refused, and whatever else would break the books raises and changes nothing.

    Args:
        goods: every good that is traded anywhere.

    Attributes:
        fees: ticks that institutions have kept. They go to the account `HOUSE` where it is open; else they leave
            the accounts, as cash does nowhere else in a trade.

    Raises:
        ValueError: no good, or one named twice.
    """

    def __init__(self, goods: Sequence[str]) -> None:
        if not goods or len(set(goods)) != len(goods):
            raise ValueError(f"accounts need at least one good, each named once, not {list(goods)}")
        self.goods = tuple(goods)
        self.fees = 0
        self._open = _OpenAccounts()
        self._movements: list[Movement] = []

    def __contains__(self, agent_id: object) -> bool:
        return agent_id in self._open

    @property
    def agents(self) -> tuple[str, ...]:
        """The ids of all account holders, in the order of opening."""
        return tuple(self._open)

    def open(self, agent_id: str, cash: int, goods: Mapping[str, int]) -> None:
        """Open an account with an endowment: one movement per good, the cash in the first.

        Args:
            agent_id: who will hold it.
            cash: ticks.
            goods: units by good; goods left out count 0.

        Raises:
            ValueError: the account exists, an amount is negative, or a good is unknown.
        """
        if agent_id in self._open:
            raise ValueError(f"{agent_id} has an account already")
        unknown = goods.keys() - set(self.goods)
        if unknown:
            raise ValueError(f"unknown goods {sorted(unknown)}; known are {list(self.goods)}")
        _refuse_negative(cash, *goods.values())
        self._open[agent_id] = Account(self.goods)
        for good in self.goods:
            self._book(agent_id, MovementKind.ENDOWMENT, good, goods.get(good, 0), cash)
            cash = 0

    def account(self, agent_id: str) -> Account:
        """An agent's account itself.

        Raises:
            ValueError: the agent has no account.
        """
        return self._open[agent_id]

    def holding(self, agent_id: str) -> Holding:
        """What an agent holds now.

        Raises:
            ValueError: the agent has no account.
        """
        account = self._open[agent_id]
        return Holding(account.cash, account.locked_cash, dict(account.goods), dict(account.locked_goods))

    def available_cash(self, agent_id: str) -> int:
        """Ticks that back no order."""
        account = self._open[agent_id]
        return account.cash - account.locked_cash

    def available_goods(self, agent_id: str, good: str) -> int:
        """Units that back no order."""
        return self._open[agent_id].free_goods(good)

    def reserve_cash(self, agent_id: str, cash: int) -> bool:
        """Lock ticks behind an order; False, and nothing changed, where fewer are available."""
        _refuse_negative(cash)
        return self._open[agent_id].relock_cash(0, cash)

    def reserve_goods(self, agent_id: str, good: str, quantity: int) -> bool:
        """Lock units behind an order; False, and nothing changed, where fewer are available."""
        _refuse_negative(quantity)
        return self._open[agent_id].relock_goods(good, 0, quantity)

    def release_cash(self, agent_id: str, cash: int) -> None:
        """Unlock ticks.

        Raises:
            ValueError: more than are locked.
        """
        account = self._open[agent_id]
        if not 0 <= cash <= account.locked_cash:
            raise ValueError(f"{agent_id} has {account.locked_cash} ticks locked, cannot release {cash}")
        account.locked_cash -= cash

    def release_goods(self, agent_id: str, good: str, quantity: int) -> None:
        """Unlock units.

        Raises:
            ValueError: more than are locked.
        """
        account = self._open[agent_id]
        if not 0 <= quantity <= account.locked_goods[good]:
            raise ValueError(
                f"{agent_id} has {account.locked_goods[good]} {good} locked, cannot release {quantity}"
            )
        account.locked_goods[good] -= quantity

    def settle(self, trade: Trade, *, bid_price: int) -> None:
        """Exchange cash and goods out of the two reservations; what was reserved above the price is freed.

        Args:
            trade: what was agreed.
            bid_price: ticks per unit that the buyer's order has reserved.

        Raises:
            ValueError: the reservations do not cover the trade, the fee exceeds the price, or buyer and seller
                are the same.
        """
        buyer, seller = self._open[trade.buyer_id], self._open[trade.seller_id]
        good, quantity, paid = trade.good, trade.quantity, trade.price * trade.quantity
        fee = trade.fee * quantity
        reserved = bid_price * quantity
        if buyer is seller:
            raise ValueError(f"trade {trade.trade_id}: {trade.buyer_id} cannot trade with itself")
        covered = 0 < paid <= reserved <= buyer.locked_cash and 0 < quantity <= seller.locked_goods[good]
        if not (covered and 0 <= fee <= paid):
            raise ValueError(f"trade {trade.trade_id} of {quantity} {good} at {trade.price} is not covered")
        buyer.locked_cash -= reserved
        seller.locked_goods[good] -= quantity
        self._book(trade.buyer_id, MovementKind.TRADE, good, quantity, -paid, trade.trade_id)
        self._book(trade.seller_id, MovementKind.TRADE, good, -quantity, paid - fee, trade.trade_id)
        self.fees += fee
        if fee and HOUSE in self._open:
            self._book(HOUSE, MovementKind.TRADE, good, 0, fee, trade.trade_id)

    def renew(self, agent_id: str, good: str, quantity: int, cash: int = 0) -> None:
        """Hand an agent units and ticks from outside the market.

        Raises:
            ValueError: a negative amount.
        """
        _refuse_negative(quantity, cash)
        self._book(agent_id, MovementKind.RENEWAL, good, quantity, cash)

    def consume(self, agent_id: str, good: str, quantity: int, cash: int = 0) -> None:
        """Take units and ticks out of an account for good.

        Raises:
            ValueError: a negative amount, or more than is available.
        """
        _refuse_negative(quantity, cash)
        free_goods, free_cash = self.available_goods(agent_id, good), self.available_cash(agent_id)
        if quantity > free_goods or cash > free_cash:
            raise ValueError(
                f"{agent_id} has {free_goods} {good} and {free_cash} ticks available, "
                f"cannot consume {quantity} and {cash}"
            )
        self._book(agent_id, MovementKind.CONSUMPTION, good, -quantity, -cash)

    def take_movements(self) -> list[Movement]:
        """The movements since the last call, in order; each is handed over once."""
        movements, self._movements = self._movements, []
        return movements

    def _book(
        self,
        agent_id: str,
        kind: MovementKind,
        good: str,
        quantity: int,
        cash: int,
        trade_id: int | None = None,
    ) -> None:
        account = self._open[agent_id]
        account.goods[good] += quantity
        account.cash += cash
        self._movements.append(Movement(agent_id, kind, good, quantity, cash, trade_id))


def _refuse_negative(*amounts: int) -> None:
    if min(amounts) < 0:
        raise ValueError(f"amounts must not be negative: {list(amounts)}")
