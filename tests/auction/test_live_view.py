"""The lean way into the market: live views and quotes in ticks, with the same rules."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.errors import IllegalAction
from tests.auction.builders import market


def test_a_view_shows_the_state_of_the_moment() -> None:
    made = market(buyers={"ann": [100, 90]}, sellers={"bob": [50]}, max_price=200)
    view = made.auction.view("ann")
    assert (view.buying, view.units_left, view.limit, view.max_price) == (True, 2, 100, 200)
    assert (view.best_bid, view.best_ask, view.last_price) == (None, None, None)
    made.act("bob", "ask", 70)
    assert view.best_ask == 70
    made.act("ann", "bid", 75)
    assert [view.units_left, view.limit, view.last_price, view.best_ask] == [1, 90, 70, None]
    assert not made.auction.view("bob").buying
    assert made.auction.view("bob").units_left == 0


def test_placing_keeps_the_rules_and_says_why_not() -> None:
    made = market(buyers={"ann": [100]}, sellers={"bob": [50]}, cash=60, max_price=80)
    assert made.auction.place("ann", 81) == "the highest price admitted is 80"
    assert "needs 70 in cash; you have 60 available" in (made.auction.place("ann", 70) or "")
    assert made.auction.place("ann", 0) == "price and quantity must be above 0"
    assert made.auction.place("ann", 60) is None
    assert made.auction.has_open_order("ann")
    assert made.auction.place("bob", 55) is None
    assert [(trade.price, trade.buyer_id) for trade in made.auction.trades] == [(60, "ann")]
    assert not made.auction.has_open_order("ann")
    with pytest.raises(IllegalAction, match="zoe has not joined"):
        made.auction.place("zoe", 1)


@pytest.mark.parametrize("institution", sorted(INSTITUTIONS))
def test_a_market_without_records_trades_as_one_with_them(institution: str) -> None:
    units = {f"b{n}": [200 - n, 150] for n in range(5)}, {f"s{n}": [100 + n, 140] for n in range(5)}
    noted, silent = (
        market(buyers=units[0], sellers=units[1], institution=institution, keep_events=keep)
        for keep in (True, False)
    )
    rng = Random(4)
    names = [*units[0], *units[1]]
    for step in range(300):
        agent_id, price = rng.choice(names), rng.randint(80, 220)
        assert noted.auction.place(agent_id, price) == silent.auction.place(agent_id, price)
        if step % 20 == 0:
            noted.auction.end_turn()
            silent.auction.end_turn()
    for made in (noted, silent):
        made.auction.end_round()
    assert noted.auction.round_result() == silent.auction.round_result()
    assert noted.auction.trades
    assert noted.auction.take_events()
    assert silent.auction.take_events() == []
    assert noted.auction.scale.tick_size == Decimal(1)
