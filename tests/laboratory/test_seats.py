"""A seat's stream: the draws of its seed, made when they are asked for and let go in between."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from random import Random

import pytest

from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.environments.mechanisms.auction.live_view import LiveView
from market_agents.laboratory.floor import Seat


@pytest.fixture
def view() -> LiveView:
    accounts = Accounts(["good"])
    accounts.open("agent_1", 100, {})
    market = DoubleAuction(good="good", accounts=accounts, tick_size=Decimal(1))
    market.join("agent_1", "buyer")
    return market.view("agent_1")


def draws(seat: Seat) -> list[float]:
    return [seat.rng.random() for _ in range(3)]


def drawn(seed: int, after: int = 0) -> list[float]:
    rng = Random(seed)
    return [rng.random() for _ in range(after + 3)][after:]


def test_a_seat_draws_on_in_its_stream(view: LiveView) -> None:
    seat = Seat("agent_1", 0, view, None, 7)
    assert draws(seat) == drawn(7)
    assert draws(seat) == drawn(7, after=3)


def test_another_seed_begins_another_stream(view: LiveView) -> None:
    seat = Seat("agent_1", 0, view, None, 7)
    seat.draw_from(8)
    assert draws(seat) == drawn(8)
    seat.draw_from(9)
    assert draws(seat) == drawn(9)


def test_a_seat_that_rests_begins_again(view: LiveView) -> None:
    seat = Seat("agent_1", 0, view, None, 7)
    assert draws(seat) == drawn(7)
    seat.rest()
    assert draws(seat) == drawn(7)


def test_a_seat_has_no_other_attributes(view: LiveView) -> None:
    with pytest.raises(AttributeError, match="price"):
        _ = Seat("agent_1", 0, view, None, 7).price


def test_only_seats_that_draw_take_the_memory_of_a_stream(view: LiveView) -> None:
    tracemalloc.start()
    try:
        seats = [Seat("agent_1", place, view, None, place) for place in range(200)]
        for seat in seats:
            seat.rng.random()
            seat.rest()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(seats) < 500
