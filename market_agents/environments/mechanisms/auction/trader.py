"""What a market remembers of its traders: who may trade, their units, open orders and fortune in the round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from market_agents.economics.accounts import Account, Accounts
from market_agents.economics.orders import Order, Side
from market_agents.environments.environment import Observation
from market_agents.errors import IllegalAction

SIDES: Mapping[str, Side] = MappingProxyType({"buyer": Side.BID, "seller": Side.ASK})
"""The side of the market that each role may trade on."""

SHOWN_TRADES = 10
"""How many past trades an observation shows."""


class Trader:
    """One trader's private schedule, open orders and fortune in the round.

    Args:
        agent_id: who trades.
        role: one of `SIDES`.
        account: its cash and goods.

    Attributes:
        side: the side of the market that the role may trade on.
        units: values or costs in ticks of the units of this round, in the order of trading.
        traded: how many of them were traded, here or elsewhere.
        traded_elsewhere: how many of them were traded in other markets, before the first was traded here.
        orders: the open orders in a market's book, the oldest first.
        profit: surplus of this round's trades, in ticks.
        recent_trades: price, quantity and surplus in ticks of this round's last trades.
        verdict: what the trader was told of its last act.
    """

    __slots__ = (
        "account",
        "agent_id",
        "orders",
        "profit",
        "recent_trades",
        "role",
        "side",
        "traded",
        "traded_elsewhere",
        "units",
        "verdict",
    )

    def __init__(self, agent_id: str, role: str, account: Account) -> None:
        self.agent_id = agent_id
        self.role = role
        self.side = SIDES[role]
        self.account = account
        self.units: tuple[int, ...] = ()
        self.traded = 0
        self.traded_elsewhere = 0
        # Lists, because an empty deque takes ten times the memory, and there may be very many traders.
        self.orders: list[Order] = []
        self.profit = 0
        self.recent_trades: list[tuple[int, int, int]] = []
        self.verdict: Observation | None = None

    @property
    def units_left(self) -> int:
        """How many units are still to be traded."""
        return len(self.units) - self.traded

    @property
    def open_units(self) -> tuple[int, ...]:
        """Values or costs of the units still to be traded."""
        return self.units[self.traded :]

    def open_order(self, order_id: int | None) -> Order | None:
        """The open order of that id; None where there is none."""
        return next((order for order in self.orders if order.order_id == order_id), None)

    def open(self, units: Sequence[int]) -> None:
        """Put ``units`` in the place of those not yet traded; those traded in this round stay on record."""
        self.units = (*self.units[: self.traded], *units)

    def begin_round(self) -> None:
        """Carry over what was not traded and forget the last round."""
        self.units = self.open_units
        self.traded = 0
        self.traded_elsewhere = 0
        self.profit = 0
        self.recent_trades.clear()

    def next_units(self, quantity: int) -> tuple[int, ...]:
        """Values or costs of the next units to be traded."""
        return self.units[self.traded : self.traded + quantity]

    def record_trade(self, price: int, quantity: int, surplus: int) -> None:
        """Note that the next ``quantity`` units were traded."""
        self.traded += quantity
        self.profit += surplus
        self.recent_trades.append((price, quantity, surplus))
        del self.recent_trades[:-SHOWN_TRADES]


class Traders(dict[str, Trader]):
    """The traders of one good, by id; looking up somebody who has not joined raises `IllegalAction`."""

    def __missing__(self, agent_id: str) -> Trader:
        raise IllegalAction(f"{agent_id} has not joined this market")

    def admit(self, agent_id: str, role: str, accounts: Accounts) -> None:
        """Admit a buyer or seller who has an account; admitting twice changes nothing.

        Raises:
            IllegalAction: another role.
            ValueError: no account.
        """
        if agent_id in self:
            return
        if role not in SIDES:
            raise IllegalAction(f"{agent_id} cannot join as {role!r}; roles are buyer and seller")
        if agent_id not in accounts:
            raise ValueError(f"{agent_id} has no account; open one before it joins this market")
        self[agent_id] = Trader(agent_id, role, accounts.account(agent_id))

    def open_units(self, agent_id: str, units: Sequence[int]) -> Trader:
        """Set the values or costs that are still open to a trader, in ticks.

        Raises:
            ValueError: a negative value or cost.
        """
        trader = self[agent_id]
        if any(unit < 0 for unit in units):
            raise ValueError(f"values and costs of {agent_id} must not be negative: {list(units)[:10]}")
        trader.open(units)
        return trader

    def count_traded(self, agent_id: str, quantity: int) -> Trader:
        """Count units that a trader has traded in another market of this round; to be called after `begin_round`.

        Raises:
            ValueError: more than are left.
        """
        trader = self[agent_id]
        if not 0 <= quantity <= trader.units_left:
            raise ValueError(f"{agent_id} has {trader.units_left} units left, cannot have traded {quantity}")
        trader.traded += quantity
        trader.traded_elsewhere += quantity
        return trader

    def begin_round(self) -> None:
        """Count trades, profits and open units from here."""
        for trader in self.values():
            trader.begin_round()
