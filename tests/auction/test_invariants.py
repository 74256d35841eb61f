"""Whatever traders do in whatever order, nothing is created, lost, owed or forgotten."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_agents.economics.accounts import Accounts, Movement
from market_agents.economics.orders import OrderStatus, Side
from market_agents.environments.environment import Event
from market_agents.environments.mechanisms.auction import (
    INSTITUTIONS,
    DoubleAuction,
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    TradeMade,
)

BUYERS = ("buyer_1", "buyer_2", "buyer_3")
SELLERS = ("seller_1", "seller_2", "seller_3")
TRADERS = (*BUYERS, *SELLERS)
GOODS = ("apple", "pear")

PLACED = OrderPlaced | MarketOrderPlaced

schedules = st.lists(st.integers(1, 30), max_size=5)
numbers = st.integers(1, 30) | st.sampled_from([0, -1, float("nan"), 1e308, "12", True, 7.5])


class Trading(RuleBasedStateMachine):
    """Six traders in two markets with one cash balance each, over many rounds."""

    institution = "lob"

    @initialize(
        lifetime=st.sampled_from(["round", "run"]),
        cash=st.lists(st.integers(0, 120), min_size=6, max_size=6),
        units=st.lists(schedules, min_size=12, max_size=12),
        must_improve=st.booleans(),
        quotes=st.integers(1, 3),
    )
    def open(
        self, lifetime: Any, cash: list[int], units: list[list[int]], must_improve: bool, quotes: int
    ) -> None:
        self.accounts = Accounts(GOODS)
        for agent_id, amount in zip(TRADERS, cash, strict=True):
            self.accounts.open(agent_id, amount, dict.fromkeys(GOODS, amount // 20))
        self.markets = [
            DoubleAuction(
                good=good,
                accounts=self.accounts,
                institution=self.institution,
                tick_size=Decimal(1),
                order_lifetime=lifetime,
                must_improve=must_improve,
                market_orders=INSTITUTIONS[self.institution].continuous,
                quotes_per_trader=quotes,
            )
            for good in GOODS
        ]
        self.total_cash = sum(cash)
        self.total_goods = sum(amount // 20 for amount in cash)
        self.events: list[list[Event]] = [[], []]
        self.open_now: list[dict[str, list[int]]] = [{}, {}]
        self.ledger: list[Movement] = []
        for which, market in enumerate(self.markets):
            for agent_id in TRADERS:
                market.join(agent_id, agent_id.split("_")[0])
            for agent_id, own in zip(TRADERS, units[which * 6 :], strict=False):
                self.renew(which, agent_id, own)
            market.begin_round(1, Random(0))

    def renew(self, which: int, agent_id: str, units: list[int]) -> None:
        self.markets[which].open_units(agent_id, units)
        self.open_now[which][agent_id] = list(units)

    def snapshot(self) -> object:
        """All that a refusal must leave alone."""
        views = [[market.observe(agent_id) for agent_id in TRADERS] for market in self.markets]
        for view in (view for row in views for view in row):
            del view["last_verdict"]
        books = [market.institution.depth(side) for market in self.markets for side in Side]
        return views, books, [self.accounts.holding(agent_id) for agent_id in TRADERS]

    @rule(
        which=st.integers(0, 1),
        agent_id=st.sampled_from(TRADERS),
        action=st.sampled_from(["bid", "ask", "own", "own", "own", "cancel", "hold", "steal"]),
        price=numbers,
        quantity=st.integers(1, 3) | numbers,
        order_id=st.none() | st.integers(1, 9),
        order=st.sampled_from([None, "limit", "limit", "market", "stop"]),
    )
    def act(
        self,
        which: int,
        agent_id: str,
        action: str,
        price: object,
        quantity: object,
        order_id: int | None,
        order: object,
    ) -> None:
        market = self.markets[which]
        if action == "own":
            action = "bid" if agent_id in BUYERS else "ask"
        before = self.snapshot()
        said = {"action": action, "price": price, "quantity": quantity, "order_id": order_id, "order": order}
        told = market.apply(agent_id, market.check(agent_id, said))
        if told["status"] in ("rejected", "held"):
            assert self.snapshot() == before
        assert (told["status"] == "rejected") == bool(told["reason"])

    @rule(which=st.integers(0, 1))
    def end_turn(self, which: int) -> None:
        self.markets[which].end_turn()

    @rule(which=st.integers(0, 1), renewed=st.lists(st.none() | schedules, min_size=6, max_size=6))
    def next_round(self, which: int, renewed: list[list[int] | None]) -> None:
        market = self.markets[which]
        market.end_round()
        self.collect()
        if market.order_lifetime == "round":
            assert not any(market.observe(agent_id)["own_orders"] for agent_id in TRADERS)
        for agent_id, units in zip(TRADERS, renewed, strict=True):
            if units is not None:
                self.renew(which, agent_id, units)
        market.begin_round(market.round + 1, Random(0))

    @invariant()
    def collect(self) -> None:
        """Follow the events, and hold each trade against the schedules and limits behind it."""
        for which, market in enumerate(self.markets):
            fresh = market.take_events()
            self.events[which] += fresh
            for event in fresh:
                if isinstance(event, TradeMade):
                    self.hold_against_schedules(which, event)
        self.ledger += self.accounts.take_movements()

    def hold_against_schedules(self, which: int, trade: TradeMade) -> None:
        placed = {event.order_id: event for event in self.events[which] if isinstance(event, PLACED)}
        bid, ask = placed[trade.bid_order_id], placed[trade.ask_order_id]
        assert (bid.side, ask.side) == (Side.BID, Side.ASK)
        assert (bid.agent_id, ask.agent_id) == (trade.buyer_id, trade.seller_id)
        assert trade.buyer_id != trade.seller_id
        assert ask.price is None or ask.price <= trade.price - trade.fee
        assert bid.price is None or trade.price <= bid.price
        assert trade.price >= 1
        values, costs = (self.open_now[which][agent_id] for agent_id in (trade.buyer_id, trade.seller_id))
        assert list(trade.buyer_values) == values[: trade.quantity]
        assert list(trade.seller_costs) == costs[: trade.quantity]
        assert len(trade.buyer_values) == len(trade.seller_costs) == trade.quantity
        assert trade.buyer_surplus == sum(value - trade.price for value in trade.buyer_values)
        assert trade.seller_surplus == sum(trade.price - trade.fee - cost for cost in trade.seller_costs)
        del values[: trade.quantity], costs[: trade.quantity]

    @invariant()
    def cash_and_goods_are_constant_and_never_negative(self) -> None:
        holdings = [self.accounts.holding(agent_id) for agent_id in TRADERS]
        assert sum(holding.cash for holding in holdings) + self.accounts.fees == self.total_cash
        for good in GOODS:
            assert sum(holding.goods[good] for holding in holdings) == self.total_goods
            assert all(0 <= holding.locked_goods[good] <= holding.goods[good] for holding in holdings)
        assert all(0 <= holding.locked_cash <= holding.cash for holding in holdings)

    @invariant()
    def the_ledger_adds_up_to_the_holdings(self) -> None:
        self.ledger += self.accounts.take_movements()
        for agent_id in TRADERS:
            own = [line for line in self.ledger if line.agent_id == agent_id]
            assert sum(line.cash for line in own) == self.accounts.holding(agent_id).cash
            for good in GOODS:
                booked = sum(line.quantity for line in own if line.good == good)
                assert booked == self.accounts.holding(agent_id).goods[good]

    @invariant()
    def what_is_reserved_is_what_open_orders_need(self) -> None:
        for agent_id in TRADERS:
            cash = 0
            for market in self.markets:
                goods = 0
                for order in market.observe(agent_id)["own_orders"]:
                    left = order["quantity"] - order["filled_quantity"]
                    cash += order["price"] * left if order["side"] == "bid" else 0
                    goods += left if order["side"] == "ask" else 0
                assert self.accounts.holding(agent_id).locked_goods[market.good] == goods
            assert self.accounts.holding(agent_id).locked_cash == cash

    @invariant()
    def orders_add_up_and_final_states_are_final(self) -> None:
        for which, market in enumerate(self.markets):
            still_open = {
                order["order_id"]: order["quantity"] - order["filled_quantity"]
                for agent_id in TRADERS
                for order in market.observe(agent_id)["own_orders"]
            }
            accounted = Counter(still_open)
            ended: set[int] = set()
            ordered = {e.order_id: e.quantity for e in self.events[which] if isinstance(e, PLACED)}
            for event in self.events[which]:
                if isinstance(event, OrderFilled | OrderCancelled):
                    assert event.order_id not in ended
                    accounted[event.order_id] += event.quantity
                    if isinstance(event, OrderCancelled) or event.status is OrderStatus.FILLED:
                        ended.add(event.order_id)
            assert accounted == ordered
            assert not ended & set(still_open)

    @invariant()
    def ids_count_from_one_without_gaps(self) -> None:
        for events in self.events:
            orders = [e.order_id for e in events if isinstance(e, PLACED | OrderRejected)]
            trades = [e.trade_id for e in events if isinstance(e, TradeMade)]
            assert orders == list(range(1, len(orders) + 1))
            assert trades == list(range(1, len(trades) + 1))

    @invariant()
    def no_round_yields_more_than_its_maximum(self) -> None:
        for market in self.markets:
            result = market.round_result()
            assert result.realized_surplus <= result.maximum_surplus
            assert result.efficiency is None or result.efficiency <= 1
            fees = sum(trade.fee * trade.quantity for trade in result.trades)
            assert sum(result.profits.values()) + fees == result.realized_surplus
            within = all(
                trade.price <= min(trade.buyer_values) and trade.price >= max(trade.seller_costs)
                for trade in result.trades
            )
            if within and result.efficiency is not None:
                assert result.efficiency >= 0

    @invariant()
    def nobody_has_an_open_order_for_more_than_its_open_units(self) -> None:
        for market in self.markets:
            for agent_id in TRADERS:
                view = market.observe(agent_id)
                units = view["values"] if agent_id in BUYERS else view["costs"]
                open_units = [order["quantity"] - order["filled_quantity"] for order in view["own_orders"]]
                assert sum(open_units) <= len(units)
                assert len(open_units) <= market.quotes_per_trader

    def teardown(self) -> None:
        for market in getattr(self, "markets", []):
            for agent_id in TRADERS:
                for order in market.observe(agent_id)["own_orders"]:
                    assert market.withdraw(agent_id, order["order_id"]) is None
        if hasattr(self, "accounts"):
            holdings = [self.accounts.holding(agent_id) for agent_id in TRADERS]
            assert not any(holding.locked_cash for holding in holdings)
            assert not any(sum(holding.locked_goods.values()) for holding in holdings)


class MidpointTrading(Trading):
    institution = "midpoint"


class ClearingTrading(Trading):
    institution = "gs"


class CallTrading(Trading):
    institution = "call"


class TradeReductionTrading(Trading):
    institution = "mcafee"


class AuroraTrading(Trading):
    institution = "aurora"


TestLimitOrderBook = Trading.TestCase
TestMidpoint = MidpointTrading.TestCase
TestClearingBook = ClearingTrading.TestCase
TestCall = CallTrading.TestCase
TestTradeReduction = TradeReductionTrading.TestCase
TestAurora = AuroraTrading.TestCase
for case in (TestLimitOrderBook, TestMidpoint, TestClearingBook, TestCall, TestTradeReduction, TestAurora):
    case.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
del case  # which would be collected once more
