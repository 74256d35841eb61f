"""What minds say: read exactly where it makes sense, refused with a reason where it does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.orders import Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction import Cancel, Hold, OrderRejected, Quote, Unreadable
from market_agents.environments.mechanisms.auction.actions import read_action
from tests.auction.builders import market

CENTS = TickScale(Decimal("0.01"))

BAD_NUMBERS: list[object] = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -1,
    0,
    -0.0,
    1e308,
    10**5000,
    "12",
    True,
    None,
    [12],
    {"amount": 12},
    Decimal("sNaN"),
]
BAD_PRICES = [*BAD_NUMBERS, -0.01, -0.004, 1 + 2j]
BAD_QUANTITIES = [*(bad for bad in BAD_NUMBERS if bad is not None), 1.5, 1.0, 2**63, -(2**63)]


def kind_of(value: object) -> str:
    return (
        f"{type(value).__name__}-{value}" if not isinstance(value, int) or value < 10**30 else "5000 digits"
    )


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ({"action": "bid", "price": 12.34, "quantity": 2}, Quote(Side.BID, 1234, 2)),
        ({"action": "ask", "price": 12.34, "quantity": 2}, Quote(Side.ASK, 1234, 2)),
        ({"action": "bid", "price": 90}, Quote(Side.BID, 9000, 1)),
        ({"action": "bid", "price": 90, "quantity": None}, Quote(Side.BID, 9000, 1)),
        ({"action": "ask", "price": Decimal("0.5")}, Quote(Side.ASK, 50, 1)),
        ({"action": "bid", "price": 0.29}, Quote(Side.BID, 29, 1)),
        ({"action": "hold"}, Hold()),
        ({"action": "hold", "price": "whatever", "quantity": -3}, Hold()),
        ({"action": "cancel"}, Cancel()),
        ({"action": "cancel", "order_id": 7}, Cancel(7)),
        ({"action": "bid", "price": 1, "reasoning": "cheap", 5: 6}, Quote(Side.BID, 100, 1)),
    ],
)
def test_what_makes_sense_is_read(said: dict[Any, object], action: object) -> None:
    assert read_action(said, CENTS) == action


def test_a_price_between_ticks_moves_in_the_traders_favour() -> None:
    assert read_action({"action": "bid", "price": 1.239}, CENTS) == Quote(Side.BID, 123)
    assert read_action({"action": "ask", "price": 1.231}, CENTS) == Quote(Side.ASK, 124)


def test_less_than_a_tick_is_no_bid_but_the_smallest_ask() -> None:
    assert isinstance(read_action({"action": "bid", "price": 0.004}, CENTS), Unreadable)
    assert read_action({"action": "ask", "price": 0.004}, CENTS) == Quote(Side.ASK, 1)


@pytest.mark.parametrize("kind", [None, "buy", "", "BID", 1, True, ["bid"], {"bid": 1}, b"bid", "x" * 10**6])
def test_unknown_actions_are_refused_with_the_known_ones(kind: object) -> None:
    read = read_action({"action": kind, "price": 5}, CENTS)
    assert isinstance(read, Unreadable)
    assert '"bid", "ask", "hold" or "cancel"' in read.reason
    assert len(read.reason) < 150


@pytest.mark.parametrize("order_id", [True, "7", 7.0, [7], float("nan")])
def test_an_order_id_is_a_number(order_id: object) -> None:
    read = read_action({"action": "cancel", "order_id": order_id}, CENTS)
    assert isinstance(read, Unreadable)
    assert '"order_id"' in read.reason


@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("price", BAD_PRICES, ids=kind_of)
def test_no_bad_price_is_booked(side: str, price: object) -> None:
    made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10] * 3}, tick_size="0.01")
    assert_refused(made, side, {"action": side, "price": price, "quantity": 2}, "price", (None, 2))


@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("quantity", BAD_QUANTITIES, ids=kind_of)
def test_no_bad_quantity_is_booked(side: str, quantity: object) -> None:
    made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10] * 3}, tick_size="0.01")
    assert_refused(made, side, {"action": side, "price": 0.5, "quantity": quantity}, "quantity", (50, None))


def assert_refused(
    made: Any, side: str, said: dict[str, object], field: str, readable: tuple[int | None, int | None]
) -> None:
    agent_id = "ann" if side == "bid" else "bob"
    before = made.accounts.holding(agent_id)
    told = made.say(agent_id, said)
    (event,) = made.auction.take_events()
    assert told["status"] == "rejected"
    assert f'"{field}" must be' in told["reason"]
    assert "\n" not in told["reason"]
    assert len(told["reason"]) < 150
    assert told["own_orders"] == []
    assert event == OrderRejected(
        1, agent_id, told["order_id"], "apple", Side(side), readable[0], readable[1], told["reason"]
    )
    assert made.accounts.holding(agent_id) == before
    assert made.auction.institution.depth(Side(side)) == []


def test_nothing_readable_leaves_nothing_to_record() -> None:
    made = market(buyers={"ann": [100]}, sellers={})
    told = made.say("ann", {})
    (event,) = made.auction.take_events()
    assert told["status"] == "rejected"
    assert isinstance(event, OrderRejected)
    assert (event.side, event.price, event.quantity) == (None, None, None)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(["action", "price", "quantity", "order_id"]) | anything.filter(
    lambda key: not isinstance(key, list | dict | Decimal)
)
kinds = st.sampled_from(["bid", "ask", "hold", "cancel"])


@given(st.dictionaries(keys, anything, max_size=6), kinds | anything)
def test_nothing_that_is_said_raises(said: dict[Any, object], kind: object) -> None:
    made = market(buyers={"ann": [100]}, sellers={}, tick_size="0.01")
    told = made.say("ann", {**said, "action": kind})
    assert told["status"] in ("accepted", "rejected", "held")
    assert (told["reason"] is not None) == (told["status"] == "rejected")


@given(st.floats(0.01, 10**6), st.sampled_from(["0.01", "0.25", "1", "0.03"]))
def test_rounding_never_costs_the_trader(price: float, tick: str) -> None:
    scale = TickScale(Decimal(tick))
    bid = read_action({"action": "bid", "price": price}, scale)
    ask = read_action({"action": "ask", "price": price}, scale)
    assert isinstance(ask, Quote)
    assert scale.to_decimal(ask.price) >= Decimal(repr(price)) > scale.to_decimal(ask.price - 1)
    if isinstance(bid, Quote):
        assert scale.to_decimal(bid.price) <= Decimal(repr(price)) < scale.to_decimal(bid.price + 1)
    else:
        assert price < float(tick)
