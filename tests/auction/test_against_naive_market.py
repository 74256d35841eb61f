"""A market does, act by act, what its plain restatement does: several quotes a trader, house orders, market orders."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.environments.mechanisms.auction.house import House, HouseOrder
from tests.auction.naive_market import NaiveMarket

BUYERS, SELLERS = ("ann", "amy"), ("bob", "ben")
TRADERS = (*BUYERS, *SELLERS)
prices, quantities = st.integers(1, 12), st.integers(1, 4)
names = st.none() | st.integers(0, 12)


class AgainstNaiveMarket(RuleBasedStateMachine):
    """Four traders and the house, over several rounds."""

    name = "lob"

    @initialize(
        most=st.integers(1, 4),
        cash=st.integers(5, 80),
        goods=st.integers(1, 6),
        units=st.lists(st.integers(0, 8), min_size=4, max_size=4),
        bids=st.dictionaries(st.integers(1, 5), quantities, max_size=3),
        asks=st.dictionaries(st.integers(6, 12), quantities, max_size=3),
    )
    def open(
        self,
        most: int,
        cash: int,
        goods: int,
        units: list[int],
        bids: dict[int, int],
        asks: dict[int, int],
    ) -> None:
        self.accounts = Accounts(["apple"])
        self.market = DoubleAuction(
            good="apple",
            accounts=self.accounts,
            institution=self.name,
            tick_size=Decimal(1),
            market_orders=True,
            quotes_per_trader=most,
        )
        for agent in TRADERS:
            buying = agent in BUYERS
            self.accounts.open(agent, cash if buying else 0, {"apple": 0 if buying else goods})
            self.market.join(agent, "buyer" if buying else "seller")
        offers = [(Side.BID, *offer) for offer in bids.items()] + [
            (Side.ASK, *offer) for offer in asks.items()
        ]
        house = House(
            self.market, [HouseOrder(f"house_{number}", *offer) for number, offer in enumerate(offers, 1)]
        )
        house.open_units(stands=True)
        for agent, count in zip(TRADERS, units, strict=True):
            self.market.open_units(agent, [7] * count)
        everybody = [*TRADERS, *(order.id for order in house.orders)]
        self.naive = NaiveMarket(
            self.name,
            most,
            {agent: self.accounts.holding(agent).cash for agent in everybody},
            {agent: self.accounts.holding(agent).goods["apple"] for agent in everybody},
            {agent: self.market.units_left(agent) for agent in everybody},
        )
        self.market.begin_round(1, Random(0))
        self.matches: list[tuple[int, int, int, int]] = []
        house.place()
        for order in house.orders:
            assert self.naive.quote(order.id, order.side, order.price, order.quantity, None)
        if self.name == "midpoint":
            self.naive.clear()

    @rule(agent=st.sampled_from(TRADERS), price=prices, quantity=quantities, order_id=names)
    def quote(self, agent: str, price: int, quantity: int, order_id: int | None) -> None:
        side = Side.BID if agent in BUYERS else Side.ASK
        said = {"action": side.value, "price": price, "quantity": quantity, "order_id": order_id}
        told = self.market.apply(agent, self.market.check(agent, said))
        assert (told["status"] == "accepted") == self.naive.quote(
            agent, side, price, quantity, order_id or None
        )

    @rule(agent=st.sampled_from(TRADERS), quantity=quantities, order_id=names)
    def take(self, agent: str, quantity: int, order_id: int | None) -> None:
        side = Side.BID if agent in BUYERS else Side.ASK
        said = {"action": side.value, "order": "market", "quantity": quantity, "order_id": order_id}
        told = self.market.apply(agent, self.market.check(agent, said))
        assert (told["status"] == "accepted") == self.naive.take(agent, side, quantity, order_id or None)

    @rule(agent=st.sampled_from(TRADERS), youngest=st.booleans(), order_id=names)
    def cancel(self, agent: str, youngest: bool, order_id: int | None) -> None:
        own = self.market.observe(agent)["own_orders"]
        named = own[-1]["order_id"] if own and youngest else order_id
        cancelled = self.market.withdraw(agent, named) is None
        assert cancelled == self.naive.cancel(agent, named)

    @rule()
    def clear(self) -> None:
        self.market.end_turn()
        if self.name != "call":  # which clears when the round ends
            self.naive.clear()

    @rule(renewed=st.none() | st.lists(st.integers(0, 8), min_size=4, max_size=4))
    def next_round(self, renewed: list[int] | None) -> None:
        self.market.end_round()
        self.naive.clear()
        self.naive.book.expire()
        self.compare()
        self.matches += self.made()
        for agent, count in zip(TRADERS, renewed or (), strict=bool(renewed)):
            self.market.open_units(agent, [7] * count)
            self.naive.units[agent] = [7] * count
        self.market.begin_round(self.market.round + 1, Random(0))

    def made(self) -> list[tuple[int, int, int, int]]:
        return [
            (trade.bid_order_id, trade.ask_order_id, trade.price, trade.quantity)
            for trade in self.market.trades
        ]

    @invariant()
    def compare(self) -> None:
        assert self.matches + self.made() == self.naive.book.matches
        for agent in self.naive.cash:
            own = [
                (order["order_id"], order["price"], order["quantity"] - order["filled_quantity"])
                for order in self.market.observe(agent)["own_orders"]
            ]
            assert own == [(o.number, o.price, o.left) for o in self.naive.open_orders(agent)]
            held = self.accounts.holding(agent)
            assert (held.cash, held.goods["apple"]) == (self.naive.cash[agent], self.naive.goods[agent])
            assert (held.locked_cash, held.locked_goods["apple"]) == self.naive.locked(agent)
            assert len(self.market.units_left(agent)) == len(self.naive.units[agent])


class MidpointAgainstNaiveMarket(AgainstNaiveMarket):
    name = "midpoint"


class ClearingAgainstNaiveMarket(AgainstNaiveMarket):
    name = "gs"


class CallAgainstNaiveMarket(AgainstNaiveMarket):
    name = "call"


TestLimitOrderBook = AgainstNaiveMarket.TestCase
TestMidpoint = MidpointAgainstNaiveMarket.TestCase
TestClearingBook = ClearingAgainstNaiveMarket.TestCase
TestCall = CallAgainstNaiveMarket.TestCase
for case in (TestLimitOrderBook, TestMidpoint, TestClearingBook, TestCall):
    case.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
del case  # which would be collected once more
