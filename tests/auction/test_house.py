"""Orders of the house: they stand before anybody acts, trade as others do, and conserve cash and goods."""

from __future__ import annotations

from random import Random

import pytest

from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.environments.mechanisms.auction.house import House, HouseOrder
from tests.auction.builders import Market, market


def opened(institution: str, *orders: tuple[Side, int, int]) -> tuple[Market, House]:
    made = market(
        buyers={"ann": [100, 90]}, sellers={"bob": [50, 55]}, institution=institution, must_improve=False
    )
    house = House(
        made.auction,
        [HouseOrder(f"house_{number}", *order) for number, order in enumerate(orders, 1)],
    )
    house.open_units(stands=True)
    made.auction.begin_round(2, Random(0))
    house.place()
    return made, house


BOOK = [(Side.BID, 60, 1), (Side.BID, 65, 2), (Side.ASK, 80, 1), (Side.ASK, 75, 2)]


@pytest.mark.parametrize("institution", sorted(set(INSTITUTIONS) - {"aurora"}))
def test_the_first_to_act_sees_them_as_far_as_the_rule_shows_a_book(institution: str) -> None:
    made, _ = opened(institution, *BOOK)
    seen = made.auction.observe("ann")
    sealed = made.auction.institution.sealed
    assert (seen["best_bid"], seen["best_ask"]) == ((None, None) if sealed else (65, 75))


def test_they_trade_at_their_price_and_gain_nothing() -> None:
    made, _ = opened("lob", *BOOK)
    made.act("ann", "bid", 90, 2)
    (trade,) = made.auction.trades
    assert (trade.seller_id, trade.price, trade.quantity, trade.seller_surplus) == ("house_4", 75, 2, 0)
    result = made.auction.round_result()
    assert result.realized_surplus == 100 + 90 - 2 * 75
    assert result.maximum_surplus >= result.realized_surplus
    assert result.profits["house_4"] == 0


@pytest.mark.parametrize("institution", sorted(INSTITUTIONS))
def test_cash_and_goods_are_conserved_and_renewed(institution: str) -> None:
    made, house = opened(institution, (Side.BID, 60, 2), (Side.ASK, 75, 2))
    names = made.accounts.agents

    def totals() -> tuple[int, int]:
        holdings = [made.accounts.holding(name) for name in names]
        return sum(holding.cash for holding in holdings) + made.accounts.fees, sum(
            holding.goods["apple"] for holding in holdings
        )

    before = totals()
    made.act("ann", "bid", 90)
    made.act("bob", "ask", 55)
    made.auction.end_turn()
    made.auction.end_round()
    assert totals() == before
    assert not any(made.accounts.holding(name).locked_cash for name in names)
    house.renew()
    assert made.accounts.holding("house_1").cash == 120
    assert made.accounts.holding("house_2").goods["apple"] == 2
    house.open_units(stands=False)
    assert made.auction.units_left("house_1") == ()


def test_where_quotes_must_improve_the_worst_come_first() -> None:
    made, _ = opened("gs", *BOOK)
    assert [level["quantity"] for level in made.auction.global_state()["bids"]] == [2, 1]


def test_an_order_that_the_market_refuses_is_told() -> None:
    with pytest.raises(ValueError, match="the order of house_2 is refused: a bid must be above the best one"):
        opened("gs", (Side.BID, 60, 1), (Side.BID, 60, 1))


def test_orders_that_outlive_their_round_keep_the_units_behind_them() -> None:
    made, house = opened("lob", *BOOK)
    made.auction.order_lifetime = "run"
    made.act("bob", "ask", 55)
    made.act("ann", "bid", 90, 2)
    made.auction.end_round()
    left = house.open_units(stands=False)
    made.auction.begin_round(2, Random(0))
    units = {order.id: made.auction.units_left(order.id) for order in house.orders}
    # bob sold one of the two at 65, and ann bought both at 75.
    assert units == {"house_1": (60,), "house_2": (65,), "house_3": (80,), "house_4": ()}
    assert {order.id: order.quantity for order in left} == {"house_1": 1, "house_2": 1, "house_3": 1}
    assert all(made.auction.has_open_order(order.id) for order in left)
