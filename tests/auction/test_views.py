"""What traders and the experimenter see."""

from __future__ import annotations

import json
from random import Random

from tests.auction.builders import market


def test_a_trader_sees_the_market_and_its_own_affairs() -> None:
    made = market(
        buyers={"ann": [12050, 11000], "eve": [9000]}, sellers={"bob": [500]}, cash=30000, tick_size="0.01"
    )
    made.act("ann", "bid", 90.5, 2)
    made.act("eve", "bid", 80)
    made.act("bob", "ask", 90.25)
    assert made.auction.observe("ann") == {
        "good": "apple",
        "round": 1,
        "role": "buyer",
        "tick_size": 0.01,
        "max_price": None,
        "best_bid": 90.5,
        "best_ask": None,
        "last_price": 90.5,
        "trade_prices": [90.5],
        "own_orders": [
            {"order_id": 1, "side": "bid", "price": 90.5, "quantity": 2, "filled_quantity": 1, "round": 1}
        ],
        "values": [110.0],
        "cash": 119.0,
        "cash_locked": 90.5,
        "goods": 1,
        "goods_locked": 0,
        "own_trades": [{"price": 90.5, "quantity": 1, "surplus": 30.0}],
        "last_verdict": {"status": "accepted", "reason": None, "order_id": 1},
    }
    assert "costs" in made.auction.observe("bob")


def test_nothing_private_of_others_is_seen() -> None:
    made = market(buyers={"ann": [333], "eve": [777]}, sellers={"bob": [111]}, max_price=500)
    before = made.auction.observe("ann")
    made.auction.open_units("eve", [778])
    made.accounts.renew("eve", "apple", 5, cash=50)
    assert made.auction.observe("ann") == before
    assert not {"eve", "bob", "777", "111"} & set(
        json.dumps(before).replace('"', " ").replace(",", " ").split()
    )


def test_at_the_midpoint_orders_of_the_same_turn_are_not_seen() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]}, institution="midpoint")
    made.act("ann", "bid", 50)
    assert made.auction.observe("bob")["best_bid"] is None
    made.auction.end_turn()
    assert made.auction.observe("bob")["best_bid"] == 50


def test_views_stay_short_however_much_is_traded() -> None:
    many = {f"buyer_{number}": [100] for number in range(30)}
    made = market(buyers={"ann": [100] * 40, **many}, sellers={"bob": [10] * 80}, goods=80, cash=4000)
    for number in range(30):
        for buyer in ("ann", f"buyer_{number}"):
            made.act(buyer, "bid", 50 + number)
            made.act("bob", "ask", 50 + number)
    view = made.auction.observe("ann")
    assert view["trade_prices"] == [price for price in range(75, 80) for _ in "12"]
    assert [trade["price"] for trade in view["own_trades"]] == list(range(70, 80))
    assert len(json.dumps(view)) < 1500


def test_views_are_json_with_keys_in_a_fixed_order() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]})
    told = made.act("ann", "bid", 50)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert list(told)[:3] == ["status", "reason", "order_id"]
    assert list(told)[3:] == list(made.auction.observe("ann"))


def test_what_a_trader_was_told_does_not_change_afterwards() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]})
    told = made.act("ann", "bid", 50)
    frozen = json.dumps(told)
    told["last_verdict"]["status"] = "forged"
    assert json.dumps(made.auction.observe("ann")["last_verdict"]) in frozen
    made.act("bob", "ask", 40)
    assert told["own_orders"][0]["filled_quantity"] == 0


def test_the_experimenter_sees_everything() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [10, 20]})
    made.act("ann", "bid", 50)
    made.act("bob", "ask", 40)
    made.act("ann", "bid", 30)
    made.act("bob", "ask", 60)
    state = made.auction.global_state()
    assert state["institution"] == "lob"
    assert (state["bids"], state["asks"]) == ([{"price": 30, "quantity": 1}], [{"price": 60, "quantity": 1}])
    assert state["trades"] == [
        {
            "trade_id": 1,
            "buyer_id": "ann",
            "seller_id": "bob",
            "price": 50,
            "quantity": 1,
            "buyer_surplus": 50,
            "seller_surplus": 40,
        }
    ]
    assert state["equilibrium"] == {
        "quantity_min": 2,
        "quantity_max": 2,
        "price_low": 20,
        "price_high": 90,
        "price": 55,
        "surplus": 160,
    }
    assert state["traders"]["bob"]["costs"] == [20]
    assert json.loads(json.dumps(state, allow_nan=False)) == state


def test_a_market_that_nobody_supplies_has_no_price_to_show() -> None:
    made = market(buyers={"ann": [100]}, sellers={})
    equilibrium = made.auction.global_state()["equilibrium"]
    assert (equilibrium["price_low"], equilibrium["price_high"], equilibrium["price"]) == (100, None, None)


def test_the_limit_on_prices_is_shown() -> None:
    made = market(buyers={"ann": [100]}, sellers={}, max_price=40000, tick_size="0.01")
    made.auction.begin_round(3, Random(0))
    view = made.auction.observe("ann")
    assert (view["max_price"], view["round"]) == (400.0, 3)
