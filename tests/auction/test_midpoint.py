import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.orders import OrderStatus
from market_agents.environments.mechanisms.auction.institutions.midpoint import midpoint
from tests.auction.builders import Book, book


@pytest.mark.parametrize(
    ("bid", "ask", "price"),
    [(100, 100, 100), (110, 100, 105), (101, 100, 100), (102, 101, 102), (103, 100, 102), (2, 1, 2)],
)
def test_a_pair_trades_at_its_midpoint_and_halves_go_to_the_even_tick(bid: int, ask: int, price: int) -> None:
    assert book("midpoint", bids=[(bid, 1)], asks=[(ask, 1)]).matches == [(1, 2, price, 1)]


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_midpoint_lies_between_the_limits(ask: int, margin: int) -> None:
    assert ask <= midpoint(ask + margin, ask) <= ask + margin


def test_rounding_favours_neither_side_over_all_odd_spreads() -> None:
    pairs = [(ask + spread, ask) for ask in range(1, 101) for spread in (1, 3, 5, 7)]
    assert sum(2 * midpoint(bid, ask) - bid - ask for bid, ask in pairs) == 0


def test_nothing_trades_or_shows_before_the_clearing() -> None:
    made = Book("midpoint")
    made.bid(120)
    made.ask(80)
    assert made.matches == []
    assert made.depth() == ([], [])
    assert (made.institution.best_bid(), made.institution.best_ask()) == (None, None)


def test_the_best_bid_meets_the_best_ask_pair_by_pair() -> None:
    made = book("midpoint", bids=[(100, 1), (120, 1), (80, 1)], asks=[(90, 1), (70, 1), (95, 1)])
    assert made.matches == [(2, 5, 95, 1), (1, 4, 95, 1)]
    assert made.depth() == ([(80, 1)], [(95, 1)])


def test_among_equal_prices_the_earlier_order_goes_first() -> None:
    made = book("midpoint", bids=[(100, 1), (100, 1)], asks=[(90, 1)])
    assert made.matches == [(1, 3, 95, 1)]
    assert made.orders[1].status is OrderStatus.OPEN


def test_large_orders_meet_several_each_pair_at_its_own_price() -> None:
    made = book("midpoint", bids=[(120, 3)], asks=[(100, 1), (110, 1), (120, 1), (121, 1)])
    assert made.matches == [(1, 2, 110, 1), (1, 3, 115, 1), (1, 4, 120, 1)]


def test_what_rests_meets_what_comes_in_a_later_turn() -> None:
    made = book("midpoint", bids=[(100, 1)])
    assert made.institution.best_bid() == 100
    made.ask(90)
    assert made.matches == []
    made.clear()
    assert [match[:2] for match in made.matches] == [(1, 2)]


def test_clearing_twice_changes_nothing() -> None:
    made = book("midpoint", bids=[(100, 2), (90, 1)], asks=[(95, 1)])
    before = (list(made.matches), made.depth())
    made.clear()
    assert (made.matches, made.depth()) == before


def test_an_order_cancelled_before_the_clearing_never_trades() -> None:
    made = Book("midpoint")
    withdrawn = made.bid(120)
    made.ask(80)
    made.institution.cancel(withdrawn)
    made.clear()
    assert made.matches == []
    assert withdrawn.status is OrderStatus.CANCELLED
    assert made.depth() == ([], [(80, 1)])


def test_orders_that_were_never_cleared_expire_too() -> None:
    made = book("midpoint", bids=[(80, 1)])
    made.ask(90)
    made.institution.cancel(made.bid(85))
    assert [order.order_id for order in made.institution.expire()] == [1, 2]
    made.clear()
    assert made.matches == []
