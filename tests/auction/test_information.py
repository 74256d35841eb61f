"""Information levels: with less information nothing more can be seen, and nothing that is told depends on the rest."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from market_agents.agents.steps.auction_words import market_in_words
from market_agents.environments.mechanisms.auction.information import INFORMATION, complete
from tests.auction.builders import Market, market

FIELDS = {
    "last_price": {"last_price"},
    "best_quotes": {"best_bid", "best_ask"},
    "trades": {"trade_prices"},
    "book": {"bids", "asks"},
}
PUBLIC = set().union(*FIELDS.values())
LEVELS = [set(chosen) for size in range(5) for chosen in combinations(INFORMATION, size)]


def traded(told: set[str], *, other_price: int = 61) -> Market:
    """Ann and Bob traded at 70; Amy bids, Ben asks, at prices of which only the market tells."""
    made = market(
        buyers={"ann": [100, 90], "amy": [95]}, sellers={"bob": [50, 55], "ben": [60]}, information=told
    )
    made.act("bob", "ask", 70)
    made.act("ann", "bid", 80)
    made.act("amy", "bid", other_price)
    made.act("ben", "ask", other_price + 30)
    return made


@pytest.mark.parametrize("told", LEVELS, ids=lambda told: "+".join(sorted(told)) or "nothing")
def test_an_observation_has_what_is_told_and_nothing_else(told: set[str]) -> None:
    everything = traded(set(INFORMATION)).auction.observe("bob")
    seen = traded(told).auction.observe("bob")
    shown = set().union(*(FIELDS[name] for name in complete(told)))
    assert set(seen) & PUBLIC == shown
    assert set(everything) - set(seen) == PUBLIC - shown
    assert all(everything[key] == value for key, value in seen.items())


@pytest.mark.parametrize("told", LEVELS, ids=lambda told: "+".join(sorted(told)) or "nothing")
def test_what_is_not_told_leaves_no_trace(told: set[str]) -> None:
    def seen(other_price: int) -> tuple[dict[str, Any], str, tuple[int | None, ...]]:
        auction = traded(told, other_price=other_price).auction
        state, view = auction.observe("bob"), auction.view("bob")
        return state, market_in_words(state, 1), (view.best_bid, view.best_ask, view.last_price)

    reveals = bool(complete(told) & {"best_quotes"})
    assert (seen(61) != seen(62)) == reveals
    assert ("Best open bid" in seen(61)[1]) == reveals
    assert ("Open bids" in seen(61)[1]) == ("book" in told)
    assert ("prices this round" in seen(61)[1]) == ("trades" in told)
    assert (seen(61)[2][2] is None) == ("last_price" not in complete(told))


def test_a_book_shows_units_by_price_best_first() -> None:
    made = traded({"book"})
    assert made.auction.observe("ann")["bids"] == [{"price": 61.0, "quantity": 1}]
    assert "Open bids, best first: 1 at 61" in market_in_words(made.auction.observe("ann"), 1)


def test_unknown_information_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown information \['gossip'\]; known are last_price"):
        traded({"gossip"})
