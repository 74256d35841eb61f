"""Several open orders a trader: places, reservations, replacing and cancelling by id, and what is seen of it."""

from __future__ import annotations

from typing import Any

import pytest

from market_agents.economics.orders import OrderStatus, Side
from market_agents.environments.mechanisms.auction import OrderCancelled, OrderRejected
from market_agents.environments.mechanisms.auction.live_view import LadderView
from tests.auction.builders import Market, market

BUYERS = {"ann": [100, 90, 80], "amy": [70]}
SELLERS = {"bob": [10, 20, 30, 40]}


def ladder(most: int = 2, **changes: Any) -> Market:
    return market(buyers=BUYERS, sellers=SELLERS, quotes_per_trader=most, **changes)


def open_orders(made: Market, agent_id: str) -> list[tuple[int, float, int]]:
    return [
        (order["order_id"], order["price"], order["quantity"] - order["filled_quantity"])
        for order in made.auction.observe(agent_id)["own_orders"]
    ]


def test_quotes_stand_side_by_side_each_with_its_own_cash() -> None:
    made = ladder()
    made.act("ann", "bid", 50, 1)
    told = made.act("ann", "bid", 60, 2)
    assert open_orders(made, "ann") == [(1, 50, 1), (2, 60, 2)]
    assert (told["cash"], told["cash_locked"], told["quotes_per_trader"]) == (830, 170, 2)
    assert made.auction.institution.depth(Side.BID) == [(60, 2), (50, 1)]


def test_one_more_replaces_the_oldest() -> None:
    made = ladder()
    for price in (50, 60, 55):
        made.act("ann", "bid", price, 1)
    assert open_orders(made, "ann") == [(2, 60, 1), (3, 55, 1)]
    assert made.accounts.holding("ann").locked_cash == 115
    closed = [event for event in made.auction.take_events() if isinstance(event, OrderCancelled)]
    assert closed == [OrderCancelled(1, "ann", 1, 1, 1, 0, OrderStatus.REPLACED)]


def test_an_order_replaces_the_one_that_it_names() -> None:
    made = ladder()
    made.act("ann", "bid", 50, 1)
    made.act("ann", "bid", 60, 1)
    made.say("ann", {"action": "bid", "price": 40, "quantity": 1, "order_id": 2})
    assert open_orders(made, "ann") == [(1, 50, 1), (3, 40, 1)]
    made.say("ann", {"action": "bid", "price": 45, "quantity": 1, "order_id": 0})
    assert open_orders(made, "ann") == [(3, 40, 1), (4, 45, 1)]


def test_the_oldest_gives_way_where_no_unit_would_be_left() -> None:
    made = ladder(most=5)
    made.act("ann", "bid", 50, 2)
    made.act("ann", "bid", 60, 1)
    made.act("ann", "bid", 70, 1)
    assert open_orders(made, "ann") == [(2, 60, 1), (3, 70, 1)]


@pytest.mark.parametrize("order_id", [9, "first", True, 2.0])
def test_what_names_no_open_order_changes_nothing(order_id: object) -> None:
    made = ladder()
    made.act("ann", "bid", 50, 1)
    before = made.auction.observe("ann") | {"last_verdict": None}
    told = made.say("ann", {"action": "bid", "price": 60, "quantity": 1, "order_id": order_id})
    assert (told["status"], made.auction.observe("ann") | {"last_verdict": None}) == ("rejected", before)
    rejected = made.auction.take_events()[-1]
    assert isinstance(rejected, OrderRejected)
    assert (rejected.price, rejected.quantity) == (60, 1)


def test_refusals_name_what_is_open() -> None:
    made = ladder(most=3)
    assert (
        made.say("ann", {"action": "bid", "price": 60, "quantity": 1, "order_id": 7})["reason"]
        == "you have no open order 7; you have none at all"
    )
    made.act("ann", "bid", 50, 1)
    made.act("ann", "bid", 60, 1)
    told = made.say("ann", {"action": "bid", "price": 60, "quantity": 1, "order_id": 7})
    assert told["reason"] == "you have no open order 7; your open orders are 2, 3"
    assert made.auction.withdraw("ann") == "say which of your orders to cancel; your open orders are 2, 3"
    assert made.auction.withdraw("ann", 7) == "your open orders are 2, 3; cancel one of them or none"
    assert made.auction.withdraw("ann", 3) is None
    assert made.auction.withdraw("ann") is None
    assert open_orders(made, "ann") == []


def test_what_backs_other_quotes_cannot_back_one_more() -> None:
    made = ladder(cash=100)
    made.act("ann", "bid", 60, 1)
    told = made.act("ann", "bid", 50, 1)
    assert told["reason"].endswith("you have 40 available: lower the price or the quantity")
    assert (
        made.say("ann", {"action": "bid", "price": 90, "quantity": 1, "order_id": 1})["status"] == "accepted"
    )


def test_a_market_order_leaves_quotes_alone_that_have_a_place() -> None:
    made = ladder(most=2, market_orders=True)
    made.act("bob", "ask", 40, 1)
    made.act("ann", "bid", 30, 1)
    told = made.say("ann", {"action": "bid", "order": "market", "quantity": 1})
    assert told["own_trades"][0]["price"] == 40.0
    assert open_orders(made, "ann") == [(2, 30, 1)]
    assert made.accounts.holding("ann").locked_cash == 30


def test_several_quotes_of_one_trader_fill_one_after_another() -> None:
    made = ladder(most=3)
    for price in (40, 60, 50):
        made.act("ann", "bid", price, 1)
    made.act("bob", "ask", 45, 3)
    assert [trade.price for trade in made.auction.trades] == [60, 50]
    assert open_orders(made, "ann") == [(1, 40, 1)]
    assert open_orders(made, "bob") == [(4, 45, 1)]


def test_units_traded_elsewhere_end_the_oldest_quotes() -> None:
    made = ladder(most=3)
    for price in (40, 60, 50):
        made.act("ann", "bid", price, 1)
    made.auction.count_traded("ann", 2)
    assert open_orders(made, "ann") == [(3, 50, 1)]


def test_with_one_quote_each_nothing_is_named() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS)
    made.act("ann", "bid", 50, 1)
    told = made.say("ann", {"action": "bid", "price": 60, "quantity": 1, "order_id": "whatever"})
    assert (told["status"], open_orders(made, "ann")) == ("accepted", [(2, 60, 1)])
    assert "quotes_per_trader" not in told


def test_a_strategy_sees_its_quotes_and_the_unit_that_the_next_is_for() -> None:
    made = ladder(most=3)
    made.act("ann", "bid", 95, 1)
    view = made.auction.view("ann")
    assert isinstance(view, LadderView)
    assert (view.next_unit, view.limit, list(view.own_quotes)) == (100, 90, [(1, 95, 1)])
    view.replacing = 1
    assert view.limit == 100


def test_a_market_has_room_for_one_quote_at_least() -> None:
    with pytest.raises(ValueError, match="quotes_per_trader must be at least 1, not 0"):
        ladder(most=0)


@pytest.mark.parametrize("most", [1, 2])
def test_what_a_partly_traded_order_no_longer_backs_is_not_freed_again(most: int) -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, quotes_per_trader=most, goods=3, cash=200)
    made.act("bob", "ask", 40, 2)
    made.act("ann", "bid", 50, 1)
    assert made.say("bob", {"action": "ask", "price": 60, "quantity": 2, "order_id": 1})["goods"] == 0
    assert open_orders(made, "bob") == [(3, 60, 2)]
    made.act("ann", "bid", 60, 1)
    assert open_orders(made, "bob") == [(3, 60, 1)]
    assert made.accounts.holding("bob").locked_goods == {"apple": 1}
    assert made.accounts.holding("ann").locked_cash == 0
