"""What traders may do, what it does to their accounts, and what they are told."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from market_agents.economics.accounts import Accounts, Movement, MovementKind
from market_agents.economics.orders import OrderStatus, Side
from market_agents.environments.mechanisms.auction import (
    DoubleAuction,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    Quote,
    TradeMade,
)
from market_agents.errors import IllegalAction
from tests.auction.builders import Market, market


def two_traders(institution: str = "lob") -> Market:
    return market(
        buyers={"ann": [120, 110, 90]}, sellers={"bob": [50, 60, 80]}, institution=institution, goods=3
    )


def locked(made: Market, agent_id: str) -> tuple[int, int]:
    holding = made.accounts.holding(agent_id)
    return holding.locked_cash, holding.locked_goods["apple"]


class TestQuotes:
    def test_a_bid_reserves_its_cash(self) -> None:
        made = two_traders()
        told = made.act("ann", "bid", 100, 2)
        assert (told["status"], told["reason"], told["order_id"]) == ("accepted", None, 1)
        assert locked(made, "ann") == (200, 0)
        assert made.auction.take_events() == [OrderPlaced(1, "ann", 1, "apple", Side.BID, 100, 2)]

    def test_an_ask_reserves_its_goods(self) -> None:
        made = two_traders()
        made.act("bob", "ask", 100, 2)
        assert locked(made, "bob") == (0, 2)
        assert made.auction.take_events() == [OrderPlaced(1, "bob", 1, "apple", Side.ASK, 100, 2)]

    def test_a_new_quote_replaces_the_old_one_and_its_reservation(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 2)
        made.auction.take_events()
        made.act("ann", "bid", 80, 1)
        assert locked(made, "ann") == (80, 0)
        assert made.auction.institution.depth(Side.BID) == [(80, 1)]
        assert made.auction.take_events() == [
            OrderCancelled(1, "ann", 1, 1, 2, 0, OrderStatus.REPLACED),
            OrderPlaced(1, "ann", 2, "apple", Side.BID, 80, 1),
        ]

    def test_what_backs_the_old_quote_may_back_the_new_one(self) -> None:
        made = market(buyers={"ann": [120] * 5}, sellers={"bob": [50] * 3}, cash=200, goods=3)
        made.act("ann", "bid", 100, 2)
        assert made.act("ann", "bid", 50, 4)["status"] == "accepted"
        made.act("bob", "ask", 100, 3)
        assert made.act("bob", "ask", 90, 3)["status"] == "accepted"

    def test_only_the_rest_of_a_partly_traded_quote_backs_the_next(self) -> None:
        made = market(buyers={"ann": [120] * 5}, sellers={"bob": [50] * 5}, cash=200, goods=3)
        made.act("ann", "bid", 100, 2)
        made.act("bob", "ask", 100, 3)
        assert made.act("ann", "bid", 101)["reason"].startswith(
            "a bid of 1 at 101 needs 101 in cash; you have 0"
        )
        assert made.act("bob", "ask", 90, 2)["reason"].startswith("an ask of 2 needs 2 apple; you have 1")

    def test_the_highest_price_itself_is_admitted(self) -> None:
        made = market(buyers={"ann": [120]}, sellers={}, max_price=500)
        assert made.act("ann", "bid", 500)["status"] == "accepted"

    def test_a_quote_at_which_nobody_trades_leaves_holdings_alone(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 40, 1)
        made.act("bob", "ask", 45, 1)
        assert made.accounts.holding("ann").cash == 1000
        assert made.auction.round_result().trades == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("agent_id", "action", "price", "quantity", "reason"),
        [
            ("ann", "ask", 50, 1, "you are a buyer: you may bid, not ask"),
            ("bob", "bid", 50, 1, "you are a seller: you may ask, not bid"),
            ("ann", "bid", 50, 4, "you want to buy 4 but have 3 left to buy in this round"),
            ("bob", "ask", 50, 4, "you want to sell 4 but have 3 left to sell in this round"),
            ("ann", "bid", 101, 2, "a bid of 2 at 101 needs 202 in cash; you have 200 available"),
            ("bob", "ask", 50, 3, "an ask of 3 needs 3 apple; you have 2 available"),
            ("ann", "bid", 501, 1, "the highest price admitted is 500"),
            ("bob", "ask", 501, 1, "the highest price admitted is 500"),
        ],
    )
    def test_reasons_say_what_the_trader_has_and_where_the_limit_is(
        self, agent_id: str, action: str, price: int, quantity: int, reason: str
    ) -> None:
        made = market(buyers={"ann": [120] * 3}, sellers={"bob": [50] * 3}, cash=200, goods=2, max_price=500)
        told = made.act(agent_id, action, price, quantity)
        assert told["status"] == "rejected"
        assert told["reason"].startswith(reason)
        assert told["last_verdict"] == {"status": "rejected", "reason": told["reason"], "order_id": 1}
        assert made.auction.take_events() == [
            OrderRejected(1, agent_id, 1, "apple", Side(action), price, quantity, told["reason"])
        ]

    def test_a_refused_quote_leaves_the_old_one_in_place(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 2)
        before = made.accounts.holding("ann")
        told = made.act("ann", "bid", 600, 2)
        assert told["status"] == "rejected"
        assert [order["order_id"] for order in told["own_orders"]] == [1]
        assert made.accounts.holding("ann") == before
        assert made.auction.institution.depth(Side.BID) == [(100, 2)]

    def test_A02_five_orders_at_once_never_reserve_more_than_there_is(self) -> None:
        made = market(buyers={"ann": [999] * 5}, sellers={"bob": [1] * 5}, cash=300, goods=2)
        bids = [made.act("ann", "bid", price, 2)["status"] for price in (100, 151, 150, 301, 90)]
        asks = [made.act("bob", "ask", 400, quantity)["status"] for quantity in (1, 2, 3, 5, 1)]
        assert bids == ["accepted", "rejected", "accepted", "rejected", "accepted"]
        assert asks == ["accepted", "accepted", "rejected", "rejected", "accepted"]
        assert locked(made, "ann") == (180, 0)
        assert locked(made, "bob") == (0, 1)

    def test_amounts_in_reasons_are_in_currency(self) -> None:
        made = market(buyers={"ann": [12000]}, sellers={}, cash=5000, tick_size="0.01")
        assert made.act("ann", "bid", 90)["reason"] == (
            "a bid of 1 at 90.00 needs 90.00 in cash; you have 50.00 available: "
            "lower the price or the quantity"
        )

    @pytest.mark.parametrize("quote", [Quote(Side.BID, 0), Quote(Side.BID, 5, 0), Quote(Side.BID, -5, 2)])
    def test_quotes_made_by_a_program_are_checked_too(self, quote: Quote) -> None:
        made = two_traders()
        assert made.auction.apply("ann", quote)["reason"] == "price and quantity must be above 0"
        assert locked(made, "ann") == (0, 0)

    def test_traded_units_are_no_longer_open(self) -> None:
        made = two_traders()
        made.act("bob", "ask", 50, 3)
        made.act("ann", "bid", 100, 2)
        assert (
            made.act("ann", "bid", 100, 2)["reason"]
            == "you want to buy 2 but have 1 left to buy in this round"
        )
        assert made.act("ann", "bid", 100, 1)["status"] == "accepted"


class TestHoldAndCancel:
    def test_holding_changes_nothing(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 2)
        made.auction.take_events()
        told = made.act("ann", "hold")
        assert (told["status"], told["order_id"]) == ("held", None)
        assert locked(made, "ann") == (200, 0)
        assert made.auction.take_events() == []

    @pytest.mark.parametrize("order_id", [None, 1])
    def test_cancelling_frees_the_reservation(self, order_id: int | None) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 2)
        told = made.say("ann", {"action": "cancel", "order_id": order_id})
        assert (told["status"], told["order_id"], told["own_orders"]) == ("cancelled", 1, [])
        assert locked(made, "ann") == (0, 0)
        cancelled = made.auction.take_events()[-1]
        assert cancelled == OrderCancelled(1, "ann", 1, 1, 2, 0, OrderStatus.CANCELLED)
        assert isinstance(cancelled, OrderCancelled)
        assert cancelled.reason == "cancelled"

    def test_cancelling_twice_is_cancelling_once(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 2)
        made.act("ann", "cancel")
        made.auction.take_events()
        told = made.act("ann", "cancel")
        assert (told["status"], told["reason"]) == ("rejected", "you have no open order to cancel")
        assert made.auction.take_events() == []

    def test_nobody_cancels_another_traders_order(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 40, 1)
        made.act("bob", "ask", 100, 1)
        told = made.say("bob", {"action": "cancel", "order_id": 1})
        assert (told["status"], told["reason"]) == ("rejected", "your open order is 2; cancel that or none")
        assert locked(made, "ann") == (40, 0)
        assert locked(made, "bob") == (0, 1)

    def test_the_rest_of_a_partly_traded_order_can_be_cancelled(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 3)
        made.act("bob", "ask", 90, 1)
        made.auction.take_events()
        made.act("ann", "cancel")
        assert made.auction.take_events() == [OrderCancelled(1, "ann", 1, 1, 2, 1, OrderStatus.CANCELLED)]
        assert locked(made, "ann") == (0, 0)


class TestTrades:
    def test_on_the_book_a_trade_settles_at_once_at_the_resting_price(self) -> None:
        made = two_traders()
        made.act("bob", "ask", 70, 2)
        made.accounts.take_movements()
        made.auction.take_events()
        told = made.act("ann", "bid", 100, 3)
        assert made.auction.take_events() == [
            OrderPlaced(1, "ann", 2, "apple", Side.BID, 100, 3),
            TradeMade(1, 1, "apple", 2, 1, "ann", "bob", 70, 2, (120, 110), (50, 60), 90, 30, "ann"),
            OrderFilled(1, "ann", 2, 1, 1, 2, 2, OrderStatus.PARTIALLY_FILLED),
            OrderFilled(1, "bob", 1, 1, 1, 2, 2, OrderStatus.FILLED),
        ]
        assert made.accounts.take_movements() == [
            Movement("ann", MovementKind.TRADE, "apple", 2, -140, 1),
            Movement("bob", MovementKind.TRADE, "apple", -2, 140, 1),
        ]
        assert (told["cash"], told["cash_locked"], told["goods"]) == (760, 100, 2)
        assert told["own_trades"] == [{"price": 70, "quantity": 2, "surplus": 90}]
        assert locked(made, "bob") == (0, 0)

    def test_at_the_midpoint_trades_wait_for_the_end_of_the_turn(self) -> None:
        made = two_traders("midpoint")
        made.act("bob", "ask", 70, 2)
        made.act("ann", "bid", 100, 3)
        assert made.auction.round_result().volume == 0
        made.auction.take_events()
        made.auction.end_turn()
        trade, *fills = made.auction.take_events()
        assert isinstance(trade, TradeMade)
        assert (trade.price, trade.quantity, trade.agent_id) == (85, 2, None)
        assert (trade.buyer_surplus, trade.seller_surplus) == (60, 60)
        assert [type(event) for event in fills] == [OrderFilled, OrderFilled]
        assert locked(made, "ann") == (100, 0)

    def test_each_further_unit_is_worth_its_own_value(self) -> None:
        made = two_traders()
        for _ in range(3):
            made.act("bob", "ask", 85)
            made.act("ann", "bid", 85)
        surpluses = [
            (trade.buyer_surplus, trade.seller_surplus) for trade in made.auction.round_result().trades
        ]
        assert surpluses == [(35, 35), (25, 25), (5, 5)]

    def test_one_order_that_meets_several_reports_every_step(self) -> None:
        made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10], "cid": [10], "dan": [10]})
        for seller, price in (("bob", 50), ("cid", 60), ("dan", 70)):
            made.act(seller, "ask", price)
        made.auction.take_events()
        made.act("ann", "bid", 75, 3)
        own = [e for e in made.auction.take_events() if isinstance(e, OrderFilled) and e.agent_id == "ann"]
        assert [(e.trade_id, e.filled_quantity, e.status) for e in own] == [
            (1, 1, OrderStatus.PARTIALLY_FILLED),
            (2, 2, OrderStatus.PARTIALLY_FILLED),
            (3, 3, OrderStatus.FILLED),
        ]

    def test_a_trader_may_lose_if_it_wants_to(self) -> None:
        made = two_traders()
        made.act("bob", "ask", 150)
        made.act("ann", "bid", 200)
        (trade,) = made.auction.round_result().trades
        assert (trade.buyer_surplus, trade.seller_surplus) == (-30, 100)

    def test_ids_count_over_the_whole_run(self) -> None:
        made = two_traders()
        made.act("bob", "ask", 85)
        made.act("ann", "bid", 85)
        made.auction.end_round()
        made.auction.begin_round(2, Random(0))
        made.act("bob", "ask", 85)
        made.act("ann", "ask", 85)
        made.act("ann", "bid", 85)
        (trade,) = made.auction.round_result().trades
        assert (trade.trade_id, trade.ask_order_id, trade.bid_order_id) == (2, 3, 5)


class TestJoining:
    def test_only_traders_with_a_role_and_an_account_join(self) -> None:
        made = two_traders()
        with pytest.raises(IllegalAction, match="roles are buyer and seller"):
            made.auction.join("eve", "speculator")
        with pytest.raises(ValueError, match="eve has no account"):
            made.auction.join("eve", "buyer")

    def test_joining_twice_changes_nothing(self) -> None:
        made = two_traders()
        made.act("ann", "bid", 100, 1)
        made.auction.join("ann", "seller")
        view = made.auction.observe("ann")
        assert (view["role"], len(view["own_orders"])) == ("buyer", 1)

    def test_strangers_neither_act_nor_see(self) -> None:
        made = two_traders()
        with pytest.raises(IllegalAction, match="eve has not joined"):
            made.act("eve", "hold")
        with pytest.raises(IllegalAction, match="eve has not joined"):
            made.auction.observe("eve")

    def test_mistakes_in_setting_up_a_market_are_named(self) -> None:
        accounts = Accounts(["apple"])
        with pytest.raises(
            ValueError,
            match=r"unknown institution 'bazaar'; known are aurora, call, gs, lob, mcafee, midpoint",
        ):
            DoubleAuction(good="apple", accounts=accounts, institution="bazaar")
        with pytest.raises(ValueError, match="no account holds 'pear'"):
            DoubleAuction(good="pear", accounts=accounts)
        with pytest.raises(ValueError, match="max_price"):
            DoubleAuction(good="apple", accounts=accounts, max_price=0)
        with pytest.raises(ValueError, match="tick size"):
            DoubleAuction(good="apple", accounts=accounts, tick_size=Decimal(0))


def test_two_markets_share_one_cash_balance() -> None:
    accounts = Accounts(["apple", "pear"])
    accounts.open("ann", 100, {})
    markets = [DoubleAuction(good=good, accounts=accounts, tick_size=Decimal(1)) for good in accounts.goods]
    for made in markets:
        made.join("ann", "buyer")
        made.open_units("ann", [90])
        made.begin_round(1, Random(0))
    apples, pears = (Market(made, accounts) for made in markets)
    assert apples.act("ann", "bid", 70)["status"] == "accepted"
    assert pears.act("ann", "bid", 40)["reason"].startswith("a bid of 1 at 40 needs 40 in cash; you have 30")
    apples.act("ann", "cancel")
    assert pears.act("ann", "bid", 40)["status"] == "accepted"
