"""Textbook measures of a round, written again from their definitions, for comparison with what is stored."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.end_to_end.stage import Row

Key = tuple[int, str]
Schedules = Mapping[Key, list[Decimal]]


def money(value: object) -> Decimal:
    """An amount as either driver gives it."""
    return Decimal(str(value))


def read_schedules(rows: Iterable[Row]) -> Schedules:
    """Values or costs by round and agent, in trading order."""
    schedules: dict[Key, list[Decimal]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["unit"])):
        worth = row["cost"] if row["value"] is None else row["value"]
        schedules[int(row["round"]), str(row["agent_id"])].append(money(worth))
    return schedules


@dataclass(frozen=True)
class Worth:
    """What the units of one trade are worth to its parties."""

    value: Decimal
    cost: Decimal


def worth_of_trades(trades: Iterable[Row], schedules: Schedules) -> dict[int, Worth]:
    """By trade, the value and cost of the units that it moved: each agent trades its schedule from the front."""
    left = {key: list(units) for key, units in schedules.items()}
    worth: dict[int, Worth] = {}
    for trade in sorted(trades, key=lambda row: int(row["trade_id"])):
        taken = [
            [left[trade["round"], trade[party]].pop(0) for _ in range(trade["quantity"])]
            for party in ("buyer_id", "seller_id")
        ]
        worth[trade["trade_id"]] = Worth(sum(taken[0], Decimal(0)), sum(taken[1], Decimal(0)))
    return worth


@dataclass(frozen=True)
class Theory:
    """The competitive equilibrium of a round."""

    quantity: int
    low: Decimal | None
    high: Decimal | None
    surplus: Decimal

    @property
    def price(self) -> Decimal | None:
        """The middle of the interval."""
        return None if self.low is None or self.high is None else (self.low + self.high) / 2


def theory(values: Iterable[Decimal], costs: Iterable[Decimal]) -> Theory:
    """Walk down demand and up supply until they part."""
    demand, supply = sorted(values, reverse=True), sorted(costs)
    quantity, surplus = 0, Decimal(0)
    while quantity < min(len(demand), len(supply)) and demand[quantity] >= supply[quantity]:
        surplus += demand[quantity] - supply[quantity]
        quantity += 1
    lows = supply[quantity - 1 : quantity] if quantity else []
    highs = demand[quantity - 1 : quantity] if quantity else []
    lows = lows + demand[quantity : quantity + 1]
    highs = highs + supply[quantity : quantity + 1]
    return Theory(quantity, max(lows, default=None), min(highs, default=None), surplus)


def profits(trades: Iterable[Row]) -> dict[str, Decimal]:
    """Surplus by agent."""
    earned: dict[str, Decimal] = defaultdict(Decimal)
    for trade in trades:
        earned[trade["buyer_id"]] += money(trade["buyer_surplus"])
        earned[trade["seller_id"]] += money(trade["seller_surplus"])
    return earned


def alpha(trades: Iterable[Row], price: Decimal) -> float:
    """Smith's coefficient of convergence in percent, every unit counted once."""
    prices = [float(money(trade["price"])) for trade in trades for _ in range(trade["quantity"])]
    squares = [(paid - float(price)) ** 2 for paid in prices]
    return 100 * math.sqrt(sum(squares) / len(squares)) / float(price)


def dispersion(
    earned: Mapping[str, Decimal],
    buyers: Schedules,
    sellers: Schedules,
    price: Decimal,
    agents: Iterable[str],
) -> float:
    """Root mean square distance of profits from those that theory predicts; schedules of one round."""
    squares = []
    for agent in agents:
        limits = [
            max(value - price, Decimal(0))
            for (_, owner), units in buyers.items()
            if owner == agent
            for value in units
        ]
        limits += [
            max(price - cost, Decimal(0))
            for (_, owner), units in sellers.items()
            if owner == agent
            for cost in units
        ]
        squares.append(float(earned.get(agent, Decimal(0)) - sum(limits, Decimal(0))) ** 2)
    return math.sqrt(sum(squares) / len(squares))
