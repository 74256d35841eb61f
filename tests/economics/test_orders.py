from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.orders import Order, OrderStatus, Side, Trade

GIVEN_UP = [OrderStatus.CANCELLED, OrderStatus.REPLACED, OrderStatus.EXPIRED, OrderStatus.REJECTED]


def an_order(quantity: int = 3, price: int = 100) -> Order:
    return Order(1, "agent_1", Side.BID, price, quantity, 2)


def test_a_new_order_is_open() -> None:
    order = an_order()
    assert (order.status, order.live, order.filled, order.remaining) == (OrderStatus.OPEN, True, 0, 3)


def test_fills_lead_over_partially_filled_to_filled() -> None:
    order = an_order()
    order.fill(1)
    assert (order.status, order.live, order.filled) == (OrderStatus.PARTIALLY_FILLED, True, 1)
    order.fill(2)
    assert (order.status, order.live, order.filled) == (OrderStatus.FILLED, False, 3)


@pytest.mark.parametrize("status", GIVEN_UP)
def test_what_remains_can_be_given_up_once(status: OrderStatus) -> None:
    order = an_order()
    order.fill(1)
    order.close(status)
    assert (order.status, order.live, order.filled, order.remaining) == (status, False, 1, 2)
    with pytest.raises(ValueError, match="cannot become"):
        order.close(OrderStatus.CANCELLED)
    with pytest.raises(ValueError, match="cannot fill"):
        order.fill(1)
    assert (order.status, order.filled) == (status, 1)


@pytest.mark.parametrize("status", [OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED])
def test_no_order_is_closed_into_a_state_that_trading_leads_to(status: OrderStatus) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        an_order().close(status)


@pytest.mark.parametrize("quantity", [0, -1, 4])
def test_no_order_fills_more_than_remains(quantity: int) -> None:
    order = an_order()
    with pytest.raises(ValueError, match="cannot fill"):
        order.fill(quantity)
    assert order.remaining == 3


@pytest.mark.parametrize(("price", "quantity"), [(0, 1), (-5, 1), (1, 0), (1, -2)])
def test_price_and_quantity_are_at_least_one(price: int, quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        an_order(quantity, price)


def test_an_order_describes_itself() -> None:
    assert repr(an_order()) == "Order(1, 'agent_1', bid 3 @ 100, 3 remaining, open)"


@given(st.lists(st.integers(1, 4), max_size=5))
def test_filled_and_remaining_make_up_the_order(fills: list[int]) -> None:
    order = an_order(20)
    for quantity in fills:
        order.fill(quantity)
    assert order.filled == sum(fills)
    assert order.filled + order.remaining == order.quantity
    assert order.live is not order.status.is_final


def test_sides_and_states_compare_equal_to_their_names() -> None:
    assert [*Side] == ["bid", "ask"]
    assert {status for status in OrderStatus if not status.is_final} == {"open", "partially_filled"}


def test_a_trade_cannot_be_changed() -> None:
    trade = Trade(1, 1, "apple", 1, 2, "a", "b", 100, 1, (120,), (80,), 20, 20)
    with pytest.raises(FrozenInstanceError):
        trade.price = 1  # type: ignore[misc]
