"""Sealed orders meet at once: the call market at one price, McAfee's auction with one pair less where need be."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.environments.mechanisms.auction.institutions import CallMarket
from tests.auction.builders import Book, Market, book, market


def test_all_trade_at_the_middle_of_the_prices_that_clear() -> None:
    made = book("call", bids=[(100, 1), (90, 1), (40, 1)], asks=[(30, 1), (60, 1), (95, 1)])
    assert made.matches == [(1, 4, 75, 1), (2, 5, 75, 1)]


def test_excluded_orders_narrow_the_price() -> None:
    made = book("call", bids=[(100, 1), (70, 1)], asks=[(30, 1), (80, 1)])
    assert made.matches == [(1, 3, 75, 1)]


def test_the_margin_is_rationed_by_time() -> None:
    made = book("call", bids=[(50, 2), (50, 1)], asks=[(50, 1), (40, 1)])
    assert made.matches == [(1, 4, 50, 1), (1, 3, 50, 1)]
    assert made.orders[1].filled == 0


def test_orders_are_partly_filled_across_each_other() -> None:
    made = book("call", bids=[(90, 3), (80, 2)], asks=[(20, 1), (30, 3)])
    assert [match[3] for match in made.matches] == [1, 2, 1]
    assert {match[2] for match in made.matches} == {80}


@pytest.mark.parametrize(("k", "price"), [(0.0, 40), (0.25, 45), (0.5, 50), (1.0, 60)])
def test_k_moves_the_price_from_ask_to_bid(k: float, price: int) -> None:
    made = Book("call")
    made.institution = CallMarket(k)
    made.bid(60)
    made.ask(40)
    made.clear()
    assert made.matches == [(1, 2, price, 1)]


def test_k_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be between 0 and 1, not 2"):
        CallMarket(2)


def test_nothing_is_seen_and_nothing_trades_before_the_round_ends() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution="call")
    told = made.act("ann", "bid", 80)
    assert (told["best_bid"], told["status"]) == (None, "accepted")
    assert made.act("bob", "ask", 60)["best_ask"] is None
    assert made.auction.global_state()["bids"] == []
    made.auction.end_turn()
    assert made.auction.trades == []
    made.auction.end_round()
    assert [trade.price for trade in made.auction.trades] == [70]


def test_what_a_call_left_untraded_waits_for_a_new_order() -> None:
    made = book("mcafee", bids=[(90, 1), (80, 1)], asks=[(10, 1), (20, 1)])
    assert len(made.matches) == 1
    made.clear()
    assert len(made.matches) == 1
    made.bid(5)
    made.clear()
    assert len(made.matches) == 1
    made.bid(60)
    made.ask(15)
    made.clear()
    assert [match[:2] for match in made.matches] == [(1, 3), (2, 7)]


def test_truthful_orders_clear_at_the_competitive_price() -> None:
    rng = Random(3)
    for _ in range(200):
        values = [2 * rng.randint(1, 40) for _ in range(rng.randint(1, 9))]
        costs = [2 * rng.randint(1, 40) for _ in range(rng.randint(1, 9))]
        made = book("call", bids=[(v, 1) for v in values], asks=[(c, 1) for c in costs])
        predicted = competitive_equilibrium(values, costs)
        assert len(made.matches) == predicted.quantity_max
        assert {match[2] for match in made.matches} <= {predicted.price}


def test_mcafee_trades_all_at_the_middle_of_the_excluded_pair_where_that_suits() -> None:
    made = book("mcafee", bids=[(90, 1), (70, 1), (50, 1)], asks=[(20, 1), (40, 1), (60, 1)])
    assert made.matches == [(1, 4, 55, 1), (2, 5, 55, 1)]


def test_mcafee_gives_up_the_last_pair_where_the_middle_does_not_suit_it() -> None:
    made = market(
        buyers={"ann": [90], "amy": [70], "ada": [10]},
        sellers={"bob": [20], "ben": [66], "bea": [68]},
        institution="mcafee",
    )
    for agent_id, action, price in (
        ("ann", "bid", 90),
        ("amy", "bid", 70),
        ("ada", "bid", 10),
        ("bob", "ask", 20),
        ("ben", "ask", 66),
        ("bea", "ask", 68),
    ):
        made.act(agent_id, action, price)
    made.auction.end_round()
    (trade,) = made.auction.trades
    assert (trade.buyer_id, trade.seller_id, trade.price, trade.fee) == ("ann", "bob", 70, 4)
    assert (trade.buyer_surplus, trade.seller_surplus) == (20, 46)
    assert (made.accounts.holding("bob").cash, made.accounts.fees) == (66, 4)
    result = made.auction.round_result()
    assert result.realized_surplus == 70
    assert result.efficiency == pytest.approx(70 / 74)


def test_mcafee_looks_at_the_middle_itself_and_not_at_the_tick_it_is_rounded_to() -> None:
    made = book("mcafee", bids=[(90, 1), (70, 1), (30, 1)], asks=[(20, 1), (50, 1), (69, 1)])
    assert made.matches == [(1, 4, 70, 1)]  # the middle, 49½, would be 50 when rounded


def test_in_mcafees_auction_no_lie_pays() -> None:
    rng = Random(8)
    for _ in range(300):
        values = [rng.randint(1, 60) * 2 for _ in range(3)]
        costs = [rng.randint(1, 60) * 2 for _ in range(3)]
        lie = rng.randint(1, 60) * 2
        assert gain(values, costs, values[0]) >= gain(values, costs, lie)


def gain(values: list[int], costs: list[int], bid: int) -> int:
    """What the first buyer gains by a bid, while all others tell the truth."""
    made = book(
        "mcafee", bids=[(price, 1) for price in [bid, *values[1:]]], asks=[(cost, 1) for cost in costs]
    )
    return sum(values[0] - price for buyer, _, price, _ in made.matches if buyer == 1)


@pytest.mark.parametrize(("k", "price"), [(0.0, 60), (1.0, 80)])
def test_a_market_calls_at_the_price_that_it_was_set_to(k: float, price: int) -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution="call", call_k=k)
    made.act("ann", "bid", 80)
    made.act("bob", "ask", 60)
    made.auction.end_turn()
    made.auction.end_round()
    assert [trade.price for trade in made.auction.trades] == [price]


def test_who_goes_on_with_another_k_keeps_the_orders() -> None:
    first = market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution="call", order_lifetime="run")
    first.act("ann", "bid", 80)
    auction = DoubleAuction(
        good="apple",
        accounts=first.accounts,
        institution="call",
        tick_size=Decimal(1),
        order_lifetime="run",
        call_k=1.0,
    )
    auction.continue_from(first.auction)
    second = Market(auction, first.accounts)
    second.act("bob", "ask", 60)
    second.auction.end_turn()
    second.auction.end_round()
    assert [trade.price for trade in second.auction.trades] == [80]


def test_k_is_for_the_call_alone() -> None:
    with pytest.raises(ValueError, match="call_k is for the institution call, not for lob"):
        market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution="lob", call_k=0.3)
