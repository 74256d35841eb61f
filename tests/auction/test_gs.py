"""The double auction of Gode & Sunder: quotes improve, and a trade ends them all."""

from __future__ import annotations

from market_agents.economics.orders import OrderStatus
from market_agents.environments.mechanisms.auction import OrderCancelled
from tests.auction.builders import Book, book, market


def test_a_crossing_quote_trades_at_the_standing_price() -> None:
    made = book("gs", bids=[(100, 1)], asks=[(120, 1)])
    made.bid(130)
    assert made.matches == [(3, 2, 120, 1)]


def test_a_trade_ends_every_quote() -> None:
    made = Book("gs")
    low, high, ask = made.bid(90), made.bid(100), made.ask(95)
    assert made.matches == [(2, 3, 100, 1)]
    assert made.depth() == ([], [])
    assert (low.status, high.status, ask.status) == (
        OrderStatus.CANCELLED,
        OrderStatus.FILLED,
        OrderStatus.FILLED,
    )
    assert made.institution.take_closed() == [low]
    assert not made.institution.take_closed()


def test_what_remains_of_a_large_order_ends_with_the_book() -> None:
    made = Book("gs")
    ask = made.ask(80, 2)
    bid = made.bid(85, 5)
    assert made.matches == [(2, 1, 80, 2)]
    assert (bid.filled, bid.remaining, bid.status) == (2, 3, OrderStatus.CANCELLED)
    assert ask.status is OrderStatus.FILLED


def test_a_quote_that_does_not_improve_is_refused_with_the_price_to_beat() -> None:
    made = market(
        buyers={"ann": [100], "amy": [100]},
        sellers={"bob": [50], "ben": [50]},
        institution="gs",
        tick_size="0.5",
    )
    made.act("ann", "bid", 20)
    made.act("bob", "ask", 40)
    assert made.act("amy", "bid", 20)["reason"] == "a bid must be above the best one, 20.0"
    assert made.act("ben", "ask", 40)["reason"] == "an ask must be below the best one, 40.0"
    assert made.act("amy", "bid", 20.5)["status"] == "accepted"
    assert made.act("ann", "bid", 20)["reason"].startswith("a bid must be above")


def test_ended_quotes_free_what_backed_them_and_are_told() -> None:
    made = market(buyers={"ann": [100], "amy": [100]}, sellers={"bob": [50]}, institution="gs")
    made.act("ann", "bid", 60)
    made.act("amy", "bid", 70)
    made.act("bob", "ask", 65)
    assert made.accounts.holding("ann").locked_cash == 0
    ended = [event for event in made.auction.take_events() if isinstance(event, OrderCancelled)]
    assert [(event.agent_id, event.reason) for event in ended] == [("ann", "cancelled")]
    assert made.auction.observe("ann")["own_orders"] == []
    assert made.accounts.holding("amy").cash == 1000 - 70


def test_improvement_can_be_demanded_of_a_limit_order_book_too() -> None:
    made = market(buyers={"ann": [100], "amy": [100]}, sellers={"bob": [50]}, must_improve=True)
    made.act("ann", "bid", 60)
    assert made.act("amy", "bid", 60)["status"] == "rejected"
    free = market(buyers={"ann": [100], "amy": [100]}, sellers={"bob": [50]})
    free.act("ann", "bid", 60)
    assert free.act("amy", "bid", 60)["status"] == "accepted"
