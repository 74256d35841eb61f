"""What a double auction remembers of one trader."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.economics.orders import Order, Side
from market_agents.environments.environment import Observation

SHOWN_TRADES = 10
"""How many past trades an observation shows."""


class Trader:
    """One trader's private schedule, open order and fortune in the round.

    Args:
        agent_id: who trades.
        role: ``buyer`` or ``seller``.
        side: the side of the market that the role may quote on.

    Attributes:
        units: values or costs in ticks of the units of this round, in the order of trading.
        traded: how many of them were traded.
        order: the one open order.
        profit: surplus of this round's trades, in ticks.
        recent_trades: price, quantity and surplus in ticks of this round's last trades.
        verdict: what the trader was told of its last act.
    """

    __slots__ = ("agent_id", "order", "profit", "recent_trades", "role", "side", "traded", "units", "verdict")

    def __init__(self, agent_id: str, role: str, side: Side) -> None:
        self.agent_id = agent_id
        self.role = role
        self.side = side
        self.units: tuple[int, ...] = ()
        self.traded = 0
        self.order: Order | None = None
        self.profit = 0
        # A list, because an empty deque takes ten times the memory, and there may be very many traders.
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

    def open(self, units: Sequence[int]) -> None:
        """Put ``units`` in the place of those not yet traded; those traded in this round stay on record."""
        self.units = (*self.units[: self.traded], *units)

    def begin_round(self) -> None:
        """Carry over what was not traded and forget the last round."""
        self.units = self.open_units
        self.traded = 0
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
