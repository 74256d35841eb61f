"""One cohort's side of a negotiation: cohorts work side by side, so each counts and notes for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from market_agents.economics.orders import Side
from market_agents.environments.environment import Event
from market_agents.environments.mechanisms.auction import TradeMade
from market_agents.environments.mechanisms.auction.trader import Traders


@dataclass(slots=True, eq=False)
class Desk:
    """A cohort of the round.

    Ids are interleaved by cohort and place, never by which cohort was faster.

    Attributes:
        number: the cohort's, counted from 1.
        desks: how many there are.
        orders_before: the last order's id before the round.
        trades_before: the last trade's.
        members: who is in the cohort.
        by_side: those of each side.
        gone: who has left.
        orders: how many orders there were in the round, refused ones included.
        trades: of the round, in their order.
        events: what happened since it was last asked for.
    """

    number: int
    desks: int
    orders_before: int
    trades_before: int
    members: tuple[str, ...]
    by_side: dict[Side, tuple[str, ...]]
    gone: set[str] = field(default_factory=set)
    orders: int = 0
    trades: list[TradeMade] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def next_order_id(self) -> int:
        """The id of one order more."""
        self.orders += 1
        return self.last_order_id

    @property
    def last_order_id(self) -> int:
        """The id that the cohort's last order has."""
        return self.orders_before + (self.orders - 1) * self.desks + self.number

    @property
    def next_trade_id(self) -> int:
        """The id that the cohort's next trade will have."""
        return self.trades_before + len(self.trades) * self.desks + self.number

    @property
    def last_trade_id(self) -> int:
        """The id that the cohort's last trade has."""
        return self.next_trade_id - self.desks


def make_desks(
    cohorts: Sequence[tuple[str, ...]], traders: Traders, orders_before: int, trades_before: int
) -> list[Desk]:
    """A desk for each cohort of a round.

    Args:
        cohorts: the members of each.
        traders: all of them, for their sides.
        orders_before: the last order's id before the round.
        trades_before: the last trade's.
    """
    return [
        Desk(
            number,
            len(cohorts),
            orders_before,
            trades_before,
            members,
            {side: tuple(member for member in members if traders[member].side is side) for side in Side},
        )
        for number, members in enumerate(cohorts, 1)
    ]
