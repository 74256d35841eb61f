"""Accepting a quote: who may, when, and what it says to all others."""

from __future__ import annotations

from random import Random

import pytest

from market_agents.agents.strategies import STRATEGIES
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from tests.auction.builders import Market, market


def dealing(cash: int = 1000, asked: int = 80, *, must_improve: bool = False) -> Market:
    """Ann holds the best bid, 3 at 70, Bob the best ask, 2 at 80, and they may deal."""
    made = market(
        buyers={"ann": [100, 90, 85], "amy": [95]},
        sellers={"bob": [50, 55], "ben": [60]},
        institution="aurora",
        cash=cash,
        must_improve=must_improve,
    )
    made.act("ann", "bid", 70, 3)
    made.act("bob", "ask", asked, 2)
    made.auction.end_turn()
    return made


def test_accepting_takes_as_much_of_the_quote_as_both_offer() -> None:
    made = dealing()
    assert made.say("ann", {"action": "accept"})["status"] == "accepted"
    (trade,) = made.auction.trades
    assert (trade.price, trade.quantity, trade.buyer_id, trade.seller_id) == (80, 2, "ann", "bob")
    assert made.accounts.holding("ann").locked_cash == 0


def test_a_seller_accepts_the_bid() -> None:
    made = dealing()
    made.say("bob", {"action": "accept"})
    (trade,) = made.auction.trades
    assert (trade.price, trade.quantity) == (70, 2)


@pytest.mark.parametrize("must_improve", [False, True])
@pytest.mark.parametrize(("agent_id", "price"), [("ann", 60), ("bob", 70)])
def test_taking_a_quote_that_crosses_improves_on_nothing_and_is_legal(
    agent_id: str, price: int, must_improve: bool
) -> None:
    made = dealing(asked=60, must_improve=must_improve)
    assert made.say(agent_id, {"action": "accept"})["status"] == "accepted"
    assert [trade.price for trade in made.auction.trades] == [price]


def test_only_the_first_acceptance_counts() -> None:
    made = dealing()
    made.say("bob", {"action": "accept"})
    told = made.say("ann", {"action": "accept"})
    assert (told["status"], len(made.auction.trades)) == ("rejected", 1)
    assert "only the first" in told["reason"]


def test_others_accept_nothing() -> None:
    made = dealing()
    told = made.say("amy", {"action": "accept"})
    assert told["reason"] == "only who holds the best bid or ask may accept, and only the first"
    assert (told["turn"], told["may_accept"]) == ("deal", False)


def test_who_withdrew_cannot_accept() -> None:
    made = dealing()
    made.act("ann", "cancel")
    assert made.auction.dealers == ()
    assert made.say("ann", {"action": "accept"})["status"] == "rejected"
    assert made.say("bob", {"action": "accept"})["status"] == "rejected"


def test_an_acceptance_beyond_ones_cash_is_refused_and_the_quote_stands() -> None:
    made = dealing(cash=215, asked=110)
    told = made.say("ann", {"action": "accept"})
    assert told["status"] == "rejected"
    assert [order["price"] for order in told["own_orders"]] == [70]


def test_while_quoting_there_is_nothing_to_accept() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution="aurora")
    told = made.say("ann", {"action": "accept"})
    assert told["reason"] == "there is nothing to accept now"
    assert (told["turn"], told["may_accept"]) == ("quote", False)


@pytest.mark.parametrize("institution", sorted(set(INSTITUTIONS) - {"aurora"}))
def test_elsewhere_one_places_an_order_instead(institution: str) -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [50]}, institution=institution)
    told = made.say("ann", {"action": "accept"})
    assert told["reason"] == f"there is nothing to accept under {institution}; place an order"
    assert "turn" not in told


def test_strategies_accept_what_they_gain_by_and_nothing_else() -> None:
    made = dealing()
    view = made.auction.observe("ann")
    strategy = STRATEGIES["zi_c"](None)
    assert strategy.act(view, Random(0)) == {"action": "accept"}
    assert strategy.act(view | {"best_ask": 101.0}, Random(0)) == {"action": "hold"}
    assert strategy.act(view | {"may_accept": False}, Random(0)) == {"action": "hold"}
