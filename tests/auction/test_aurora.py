"""AURORA: quoting turns and dealing turns take each other's place."""

from __future__ import annotations

from tests.auction.builders import Market, market


def opened() -> Market:
    return market(
        buyers={"ann": [100, 90], "amy": [95]}, sellers={"bob": [50, 55], "ben": [60]}, institution="aurora"
    )


def quoted() -> Market:
    """Ann holds the best bid at 70, Bob the best ask at 80, and they may deal."""
    made = opened()
    made.act("amy", "bid", 65)
    made.act("ann", "bid", 70)
    made.act("ben", "ask", 85)
    made.act("bob", "ask", 80)
    made.auction.end_turn()
    return made


def test_only_the_best_quote_of_each_side_stands() -> None:
    made = opened()
    made.act("amy", "bid", 65)
    told = made.act("ann", "bid", 70)
    assert told["best_bid"] == 70
    assert made.auction.observe("amy")["own_orders"] == []
    assert made.accounts.holding("amy").locked_cash == 0
    assert made.act("amy", "bid", 70)["reason"] == "the best bid is as high already"


def test_an_ask_must_beat_the_standing_ask() -> None:
    made = opened()
    made.act("ben", "ask", 60)
    assert made.act("bob", "ask", 61)["reason"] == "the best ask is as low already"


def test_nothing_trades_while_quoting_even_where_quotes_cross() -> None:
    made = opened()
    made.act("ann", "bid", 90)
    told = made.act("bob", "ask", 55)
    assert (told["best_bid"], told["best_ask"]) == (90, 55)
    assert made.auction.trades == []


def test_the_holder_of_the_best_bid_may_take_the_ask() -> None:
    made = quoted()
    assert made.act("ann", "bid", 80)["status"] == "accepted"
    (trade,) = made.auction.trades
    assert (trade.buyer_id, trade.seller_id, trade.price) == ("ann", "bob", 80)


def test_the_holder_of_the_best_ask_may_take_the_bid() -> None:
    made = quoted()
    made.act("bob", "ask", 70)
    (trade,) = made.auction.trades
    assert (trade.buyer_id, trade.seller_id, trade.price) == ("ann", "bob", 70)


def test_the_first_to_accept_decides() -> None:
    made = quoted()
    made.act("bob", "ask", 70)
    told = made.act("ann", "bid", 80)
    assert told["reason"] == "only who holds the best bid or ask may act now, by taking the other's quote"
    assert len(made.auction.trades) == 1


def test_others_may_not_deal_and_holders_may_not_quote_anew() -> None:
    made = quoted()
    assert made.act("amy", "bid", 90)["status"] == "rejected"
    assert made.act("ann", "bid", 75)["status"] == "rejected"
    assert made.auction.observe("ann")["own_orders"][0]["price"] == 70


def test_a_deal_ends_both_quotes_and_quoting_begins_anew() -> None:
    made = quoted()
    made.act("ann", "bid", 80)
    made.auction.end_turn()
    state = made.auction.global_state()
    assert (state["bids"], state["asks"]) == ([], [])
    assert made.act("amy", "bid", 1)["status"] == "accepted"


def test_quotes_stand_until_they_are_outdone() -> None:
    made = quoted()
    made.auction.end_turn()
    assert made.act("amy", "bid", 69)["status"] == "rejected"
    assert made.act("amy", "bid", 71)["status"] == "accepted"


def test_a_new_round_begins_with_quoting() -> None:
    made = quoted()
    made.auction.end_round()
    assert made.auction.observe("ann")["best_bid"] is None
    assert made.act("amy", "bid", 10)["status"] == "accepted"
    assert made.act("amy", "bid", 11)["status"] == "accepted"
