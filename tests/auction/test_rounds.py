"""Rounds: what ends with them, what outlives them, and how they are measured."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import OrderStatus
from market_agents.environments.mechanisms.auction import OrderCancelled, OrderFilled
from tests.auction.builders import Market, market
from tests.economics.reference_markets import MARKET_A, MARKET_GD


def reference_market(values: Sequence[Sequence[int]], costs: Sequence[Sequence[int]]) -> Market:
    return market(
        buyers={f"buyer_{number}": units for number, units in enumerate(values)},
        sellers={f"seller_{number}": units for number, units in enumerate(costs)},
        cash=10_000,
    )


def next_round(made: Market, number: int = 2) -> None:
    made.auction.end_round()
    made.auction.begin_round(number, Random(0))


@pytest.mark.parametrize("institution", ["lob", "midpoint"])
def test_orders_end_with_their_round(institution: str) -> None:
    made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10]}, institution=institution)
    made.act("ann", "bid", 50, 3)
    made.act("bob", "ask", 50, 1)
    made.auction.end_turn()
    made.auction.take_events()
    made.auction.end_round()
    assert made.auction.take_events() == [OrderCancelled(1, "ann", 1, 1, 2, 1, OrderStatus.EXPIRED)]
    assert made.accounts.holding("ann").locked_cash == 0
    assert made.auction.observe("ann")["own_orders"] == []


def test_a_round_that_ends_without_a_turn_still_clears() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]}, institution="midpoint")
    made.act("ann", "bid", 60)
    made.act("bob", "ask", 40)
    made.auction.end_round()
    assert [trade.price for trade in made.auction.round_result().trades] == [50]


def test_orders_that_live_for_the_run_trade_in_a_later_round() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [10, 20]}, order_lifetime="run")
    made.act("ann", "bid", 50, 2)
    next_round(made)
    assert made.accounts.holding("ann").locked_cash == 100
    made.auction.take_events()
    made.act("bob", "ask", 40)
    filled = [event for event in made.auction.take_events() if isinstance(event, OrderFilled)]
    assert [(event.round, event.order_round) for event in filled] == [(2, 1), (2, 2)]
    result = made.auction.round_result()
    assert [trade.round for trade in result.trades] == [2]
    assert result.maximum_surplus == 90 + 70
    assert result.realized_surplus == 90


def test_an_order_for_more_units_than_are_left_expires() -> None:
    made = market(buyers={"ann": [100] * 3}, sellers={"bob": [10] * 3}, order_lifetime="run")
    made.act("ann", "bid", 50, 2)
    made.act("bob", "ask", 60, 2)
    made.auction.end_round()
    made.auction.take_events()
    made.auction.open_units("ann", [100])
    made.auction.open_units("bob", [10, 10])
    assert made.auction.take_events() == [OrderCancelled(1, "ann", 1, 1, 2, 0, OrderStatus.EXPIRED)]
    assert made.accounts.holding("ann").locked_cash == 0
    assert made.accounts.holding("bob").locked_goods["apple"] == 2


def test_units_not_traded_carry_over_unless_new_ones_are_opened() -> None:
    made = market(buyers={"ann": [100, 90, 80]}, sellers={"bob": [10, 20]})
    made.act("ann", "bid", 50)
    made.act("bob", "ask", 50)
    made.auction.end_round()
    made.auction.open_units("bob", [30, 40])
    made.auction.begin_round(2, Random(0))
    assert made.auction.observe("ann")["values"] == [90, 80]
    assert made.auction.observe("bob")["costs"] == [30, 40]
    assert made.auction.round_result().equilibrium == Equilibrium(2, 2, 40, 80, 60, 100)


def test_units_opened_within_a_round_join_those_already_traded_in_it() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10, 20]})
    made.act("ann", "bid", 50)
    made.act("bob", "ask", 50)
    made.auction.open_units("ann", [70])
    result = made.auction.round_result()
    assert (result.maximum_surplus, result.realized_surplus) == (140, 90)


def test_negative_units_are_refused() -> None:
    made = market(buyers={"ann": [100]}, sellers={})
    with pytest.raises(ValueError, match="of ann must not be negative"):
        made.auction.open_units("ann", [5, -1])
    assert made.auction.observe("ann")["values"] == [100]


def test_a_round_without_trades_has_no_mean_price_and_no_gains() -> None:
    result = reference_market([[v] for v in MARKET_A[0]], [[c] for c in MARKET_A[1]]).auction.round_result()
    assert result.equilibrium == Equilibrium(5, 6, 200, 200, 200, 750)
    assert (result.trades, result.volume, result.mean_price, result.smith_alpha) == ((), 0, None, None)
    assert (result.realized_surplus, result.efficiency) == (0, 0)


def test_a_market_without_gains_has_no_efficiency() -> None:
    result = market(buyers={"ann": [10]}, sellers={"bob": [20]}).auction.round_result()
    assert (result.maximum_surplus, result.efficiency) == (0, None)


def test_all_units_at_the_equilibrium_price_are_fully_efficient_without_dispersion() -> None:
    made = reference_market([[v] for v in MARKET_A[0]], [[c] for c in MARKET_A[1]])
    for number in range(6):
        made.act(f"buyer_{number}", "bid", 200)
        made.act(f"seller_{number}", "ask", 200)
    result = made.auction.round_result()
    assert (result.volume, result.mean_price, result.smith_alpha) == (6, 200, 0)
    assert (result.efficiency, result.profit_dispersion) == (1, 0)
    assert result.profits["buyer_0"] == 125
    assert sum(result.profits.values()) == result.realized_surplus == result.maximum_surplus == 750


def test_measures_of_a_multi_unit_round_by_hand() -> None:
    made = reference_market(*MARKET_GD)
    made.act("seller_1", "ask", 160, 2)
    made.act("buyer_0", "bid", 300, 2)
    made.act("seller_0", "ask", 240)
    made.act("buyer_3", "bid", 250)
    result = made.auction.round_result()
    assert result.profits["buyer_0"] == 330 + 225 - 320
    assert result.profits["seller_1"] == 320 - 140 - 245
    assert result.profits["buyer_3"] == 305 - 240
    assert result.profits["seller_0"] == 240 - 190
    assert result.realized_surplus == (330 - 140) + (225 - 245) + (305 - 190)
    assert result.efficiency == 285 / 480
    assert result.mean_price == pytest.approx((160 * 2 + 240) / 3)
    assert result.smith_alpha == pytest.approx(100 * ((75**2 * 2 + 5**2) / 3) ** 0.5 / 235)
    predicted = {"buyer_0": 95, "buyer_1": 45, "buyer_2": 30, "buyer_3": 70}
    predicted |= {"seller_0": 45, "seller_1": 95, "seller_2": 30, "seller_3": 70}
    squares = [(result.profits[name] - profit) ** 2 for name, profit in predicted.items()]
    assert result.profit_dispersion == pytest.approx((sum(squares) / 8) ** 0.5)


def test_profits_and_trades_start_anew_each_round_and_the_last_price_stays() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [10, 20]})
    made.act("ann", "bid", 50)
    made.act("bob", "ask", 50)
    next_round(made)
    result = made.auction.round_result()
    assert (result.trades, result.profits) == ((), {"ann": 0, "bob": 0})
    view = made.auction.observe("ann")
    assert (view["round"], view["last_price"], view["trade_prices"], view["own_trades"]) == (2, 50, [], [])


def test_events_are_handed_over_once() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [10]})
    made.act("ann", "bid", 50)
    assert len(made.auction.take_events()) == 1
    assert made.auction.take_events() == []
