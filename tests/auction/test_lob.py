import pytest

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction.institutions import BookSide
from tests.auction.builders import book


def test_an_order_that_does_not_cross_rests() -> None:
    made = book("lob", bids=[(90, 1)], asks=[(100, 2)])
    made.bid(99, 3)
    assert made.matches == []
    assert made.depth() == ([(99, 3), (90, 1)], [(100, 2)])


@pytest.mark.parametrize(("arriving", "price"), [(100, 100), (120, 100)])
def test_a_bid_trades_at_the_resting_ask(arriving: int, price: int) -> None:
    made = book("lob", asks=[(100, 1)])
    made.bid(arriving)
    assert made.matches == [(2, 1, price, 1)]


@pytest.mark.parametrize(("arriving", "price"), [(90, 90), (50, 90)])
def test_an_ask_trades_at_the_resting_bid(arriving: int, price: int) -> None:
    made = book("lob", bids=[(90, 1)])
    made.ask(arriving)
    assert made.matches == [(1, 2, price, 1)]


def test_the_better_price_goes_first_and_then_the_earlier_order() -> None:
    made = book("lob", asks=[(101, 1), (100, 1), (100, 1)])
    made.bid(200, 3)
    assert made.matches == [(4, 2, 100, 1), (4, 3, 100, 1), (4, 1, 101, 1)]


def test_a_large_order_walks_the_book_to_its_limit_and_its_rest_rests() -> None:
    made = book("lob", asks=[(100, 2), (103, 1), (110, 5)])
    taker = made.bid(105, 10)
    assert made.matches == [(4, 1, 100, 2), (4, 2, 103, 1)]
    assert (taker.status, taker.filled) == (OrderStatus.PARTIALLY_FILLED, 3)
    assert made.depth() == ([(105, 7)], [(110, 5)])


def test_a_resting_order_is_filled_bit_by_bit_and_keeps_its_place() -> None:
    made = book("lob", bids=[(90, 3), (90, 1)])
    for _ in range(4):
        made.ask(80)
    assert [match[0] for match in made.matches] == [1, 1, 1, 2]
    assert [order.status for order in made.orders] == [OrderStatus.FILLED] * 6
    assert made.depth() == ([], [])


def test_a_fill_tells_how_far_both_orders_have_come() -> None:
    made = book("lob", asks=[(100, 2), (101, 5)])
    fills = made.institution.submit(Order(3, "agent_3", Side.BID, 105, 4))
    assert [(fill.bid_filled, fill.ask_filled) for fill in fills] == [(2, 2), (4, 2)]


def test_a_cancelled_order_trades_no_more() -> None:
    made = book("lob", asks=[(100, 1), (101, 1)])
    made.institution.cancel(made.orders[0])
    made.bid(200)
    assert made.orders[0].status is OrderStatus.CANCELLED
    assert made.matches == [(3, 2, 101, 1)]


def test_an_order_is_cancelled_only_once() -> None:
    made = book("lob", asks=[(100, 1)])
    made.institution.cancel(made.orders[0], OrderStatus.REPLACED)
    with pytest.raises(ValueError, match="cannot become"):
        made.institution.cancel(made.orders[0])
    assert made.orders[0].status is OrderStatus.REPLACED


def test_the_best_prices_are_those_that_trade_next() -> None:
    made = book("lob", bids=[(80, 1), (90, 1)], asks=[(110, 1), (100, 1)])
    assert (made.institution.best_bid(), made.institution.best_ask()) == (90, 100)
    made.institution.cancel(made.orders[1])
    made.institution.cancel(made.orders[3])
    assert (made.institution.best_bid(), made.institution.best_ask()) == (80, 110)


def test_an_empty_book_has_no_best_prices() -> None:
    made = book("lob")
    assert (made.institution.best_bid(), made.institution.best_ask()) == (None, None)


def test_depth_adds_up_equal_prices_and_stops_at_ten_levels() -> None:
    made = book("lob", bids=[(price, 1) for price in range(1, 15)] * 2)
    bids, _ = made.depth()
    assert bids == [(price, 2) for price in range(14, 4, -1)]


def test_expiry_closes_both_sides_in_order_of_arrival() -> None:
    made = book("lob", bids=[(80, 1), (90, 1)], asks=[(110, 1), (100, 1)])
    made.institution.cancel(made.orders[2])
    assert [order.order_id for order in made.institution.expire()] == [1, 2, 4]
    assert made.orders[0].status is OrderStatus.EXPIRED
    assert made.depth() == ([], [])
    assert made.institution.expire() == []


def test_a_book_forgets_quotes_that_were_replaced_far_from_the_top() -> None:
    side = BookSide(Side.ASK)
    side.add(Order(1, "agent_1", Side.ASK, 1, 1))
    for number in range(2, 1000):
        order = Order(number, "agent_2", Side.ASK, 500, 1)
        side.add(order)
        order.close(OrderStatus.REPLACED)
    assert len(side._heap) < 200
    assert side.depth(5) == [(1, 1)]


def test_a_book_full_of_replaced_quotes_stays_small_and_right() -> None:
    made = book("lob", bids=[(1, 1), (1000, 1)])
    for price in range(2, 900):
        made.institution.cancel(made.bid(price))
    assert made.depth() == ([(1000, 1), (1, 1)], [])
    made.ask(1, 2)
    assert [match[2] for match in made.matches] == [1000, 1]
