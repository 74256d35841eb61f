"""A strategy that names its open quotes on the floor: it replaces and withdraws by id."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from market_agents.agents.strategies import MarketView, QuotingStrategy
from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.laboratory.floor import Floor, Seat


class Retreating(QuotingStrategy):
    """Quotes its limit in the place of its newest quote once it has two, and withdraws all as time runs out."""

    def quote(self, view: MarketView, rng: Random) -> int | None:
        return view.limit

    def replaces(self, view: MarketView) -> int | None:
        return view.own_quotes[-1].order_id if len(view.own_quotes) == 2 else None

    def cancels(self, view: MarketView) -> int | None:
        return view.own_quotes[0].order_id if view.own_quotes and view.progress > 0.5 else None


def market() -> DoubleAuction:
    accounts = Accounts(["apple"])
    accounts.open("ann", 1000, {})
    made = DoubleAuction(
        good="apple", accounts=accounts, institution="lob", tick_size=Decimal(1), quotes_per_trader=3
    )
    made.join("ann", "buyer")
    made.open_units("ann", [100, 90, 80])
    made.begin_round(1, Random(1))
    return made


PROGRESS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8)
STANDING = [
    [(1, 100)],
    [(1, 100), (2, 90)],
    [(1, 100), (3, 90)],
    [(1, 100), (4, 90)],
    [(4, 90)],
    [],
    [(5, 100)],
]


def test_on_the_floor() -> None:
    auction = market()
    seat = Seat("ann", 0, auction.view("ann"), Retreating(), seed=1)
    floor = Floor(auction, [seat])
    floor.open()
    seen = []
    for progress in PROGRESS:
        seat.view.progress = progress
        floor.quote(seat)
        seen.append([(quote.order_id, quote.price) for quote in seat.view.own_quotes])
    assert seen == STANDING


def test_from_observations() -> None:
    auction, strategy, seen = market(), Retreating(), []
    for progress in PROGRESS:
        observation: dict[str, Any] = {**auction.observe("ann"), "progress": progress}
        auction.apply("ann", auction.check("ann", strategy.act(observation, Random(1))))
        own = auction.observe("ann")["own_orders"]
        seen.append([(order["order_id"], order["price"]) for order in own])
    assert seen == STANDING
