"""Units and holdings from round to round, for whoever lets agents trade."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from market_agents.agents.market_agent import Endowment, MarketAgent
from market_agents.agents.preferences import Preferences
from market_agents.agents.schedules import Schedules
from market_agents.config import MarketConfig, Renewal, SimulationConfig
from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Trade
from market_agents.rng import RandomStreams

GOODS = ("plum", "pear")
VALUES = {"plum": (120, 110, 100), "pear": (60, 50)}
COSTS = {"plum": (70, 80, 90), "pear": (20,)}


class Village:
    """A buyer and a seller of two goods, who trade without a market."""

    def __init__(self, *renewals: Renewal, last_rounds: Sequence[int | None] = (None, None)) -> None:
        self.buyer = MarketAgent("ann", "buyer", endowment=Endowment(1_000), units=VALUES)
        self.seller = MarketAgent(
            "bob", "seller", endowment=Endowment(0, dict.fromkeys(GOODS, 3)), units=COSTS
        )
        agents = [self.buyer, self.seller]
        self.accounts = Accounts(GOODS)
        config = SimulationConfig(
            num_agents=2,
            max_rounds=3,
            environment_order=GOODS,
            environment_configs={
                good: MarketConfig(good_name=good, renewal=renewal, max_rounds=last_round)
                for good, renewal, last_round in zip(GOODS, renewals, last_rounds, strict=True)
            },
        )
        for agent in agents:
            self.accounts.open(agent.id, agent.endowment.cash, agent.endowment.goods)
        self.preferences = Preferences(agents, self.accounts, Schedules(config, RandomStreams(1)))
        self.accounts.take_movements()

    def open(self, round_number: int) -> list[str]:
        return [good.name for good in self.preferences.begin_round(round_number)]

    def trade(self, good: str, price: int, quantity: int = 1) -> None:
        self.accounts.reserve_cash("ann", price * quantity)
        self.accounts.reserve_goods("bob", good, quantity)
        values = self.preferences.use("ann", good, quantity)
        costs = self.preferences.use("bob", good, quantity)
        trade = Trade(1, 1, good, 1, 2, "ann", "bob", price, quantity, values, costs, 0, 0)
        self.accounts.settle(trade, bid_price=price)

    def holdings(self, good: str) -> tuple[int, int, int, int]:
        """Cash and goods of the buyer, then of the seller."""
        ann, bob = self.accounts.holding("ann"), self.accounts.holding("bob")
        return ann.cash, ann.goods[good], bob.cash, bob.goods[good]


def test_every_unit_is_traded_once_and_in_its_order() -> None:
    village = Village("units", "units")
    village.open(1)
    assert village.preferences.use("ann", "plum", 2) == (120, 110)
    assert village.buyer.units_of("plum") == (100,)
    assert village.buyer.units_of("pear") == VALUES["pear"]
    assert village.preferences.use("ann", "plum", 1) == (100,)
    with pytest.raises(ValueError, match="ann has 0 units of plum open, cannot trade 1"):
        village.preferences.use("ann", "plum", 1)
    with pytest.raises(ValueError, match="cannot trade -1"):
        village.preferences.use("ann", "pear", -1)


def test_endowments_return_as_they_were_and_cash_returns_once() -> None:
    village = Village("endowment", "endowment")
    village.open(1)
    village.trade("plum", 100, 2)
    village.trade("pear", 40)
    assert village.open(2) == ["plum", "pear"]
    for good in GOODS:
        assert village.holdings(good) == (1_000, 0, 0, 3)
        assert village.buyer.units_of(good) == VALUES[good]
        assert village.seller.units_of(good) == COSTS[good]
    cash = [movement.cash for movement in village.accounts.take_movements() if movement.kind != "trade"]
    assert sorted(filter(None, cash)) == [-240, 240]


def test_units_return_and_cash_stays_where_it_went() -> None:
    village = Village("units", "units")
    village.open(1)
    village.trade("plum", 100, 2)
    village.trade("pear", 40)
    village.open(2)
    for good in GOODS:
        assert village.holdings(good) == (760, 0, 240, 3)
        assert village.buyer.units_of(good) == VALUES[good]


def test_without_renewal_what_is_gone_is_gone() -> None:
    village = Village("none", "none")
    village.open(1)
    village.trade("plum", 100, 2)
    village.open(2)
    assert village.holdings("plum") == (800, 2, 200, 1)
    assert village.buyer.units_of("plum") == (100,)
    assert village.seller.units_of("plum") == (90,)
    assert village.buyer.units_of("pear") == VALUES["pear"]
    village.open(3)
    assert village.buyer.units_of("plum") == (100,)


def test_each_good_is_renewed_on_its_own_terms() -> None:
    village = Village("units", "none")
    village.open(1)
    village.trade("plum", 100)
    village.trade("pear", 40)
    village.open(2)
    assert village.holdings("plum") == (860, 0, 140, 3)
    assert village.holdings("pear") == (860, 1, 140, 2)
    assert village.seller.units_of("pear") == ()


def test_a_good_is_opened_as_long_as_it_is_traded() -> None:
    village = Village("units", "units", last_rounds=(1, None))
    assert village.open(1) == ["plum", "pear"]
    village.trade("plum", 100)
    assert village.open(2) == ["pear"]
    assert village.holdings("plum") == (900, 1, 100, 2)
    assert village.buyer.units_of("plum") == VALUES["plum"][1:]
