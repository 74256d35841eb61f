from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.agents.schemas import AuctionAction
from market_agents.agents.steps.auction import AuctionActionStep, stand_in_action
from market_agents.agents.steps.group_chat import ChatActionStep
from market_agents.agents.steps.talk import expected_price, opening_line, prices_near
from market_agents.errors import IllegalAction
from tests.minds.builders import AUCTION_FRAME, CHAT_FRAME, GOOD, discussion, market, trader
from tests.minds.runs import orders_of, played

money = st.floats(0.01, 100_000).map(lambda amount: round(amount, 2))
expectations = st.none() | money
spreads = st.floats(0, 1)
seeds = st.integers(0, 2**32)


def _order(price: float, quantity: int) -> dict[str, Any]:
    return {"price": price, "quantity": quantity, "filled_quantity": quantity - 1}


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    """What a trader may find itself in: an own order, cash behind it and behind orders elsewhere, goods behind it."""
    buying = draw(st.booleans())
    units = sorted(draw(st.lists(money, max_size=6)), reverse=buying)
    own = draw(st.lists(st.builds(_order, money, st.integers(1, 4)), max_size=1))
    behind = sum(order["price"] * (order["quantity"] - order["filled_quantity"]) for order in own)
    return {
        "role": "buyer" if buying else "seller",
        "own_orders": own,
        "values" if buying else "costs": units,
        "cash": draw(st.just(0.0) | money),
        "cash_locked": behind + draw(st.just(0.0) | money),
        "goods": draw(st.integers(0, 8)),
        "goods_locked": draw(st.integers(0, 4)),
        "tick_size": 0.01,
        "max_price": draw(st.none() | money),
    }


def limits(state: Mapping[str, Any]) -> list[float]:
    return list(state["values"] if state["role"] == "buyer" else state["costs"])


@given(situations(), expectations, spreads, seeds)
def test_no_unit_is_traded_at_a_loss(
    state: dict[str, Any], expected: float | None, spread: float, seed: int
) -> None:
    act = stand_in_action(state, expected, spread, Random(seed))
    for limit in limits(state)[: act.quantity]:
        gain = limit - act.price if state["role"] == "buyer" else act.price - limit
        assert gain >= -1e-6


@given(situations(), expectations, spreads, seeds)
def test_nothing_is_offered_beyond_cash_or_goods(
    state: dict[str, Any], expected: float | None, spread: float, seed: int
) -> None:
    act = stand_in_action(state, expected, spread, Random(seed))
    if act.action == "bid":
        behind = sum(order["price"] for order in state["own_orders"])
        assert act.price * act.quantity <= (state["cash"] + behind) * (1 + 1e-9)
    if act.action == "ask":
        assert act.quantity <= state["goods"] + state["goods_locked"]


@given(situations(), expectations, spreads, seeds)
def test_each_acts_on_its_own_side_with_a_price_or_holds(
    state: dict[str, Any], expected: float | None, spread: float, seed: int
) -> None:
    act = stand_in_action(state, expected, spread, Random(seed))
    if act.action == "hold":
        assert (act.price, act.quantity) == (0.0, 0)
        return
    assert act.action == ("bid" if state["role"] == "buyer" else "ask")
    assert math.isfinite(act.price)
    assert act.price > 0
    assert 1 <= act.quantity <= len(limits(state))


@given(situations(), expectations, spreads, seeds)
def test_without_units_it_holds(
    state: dict[str, Any], expected: float | None, spread: float, seed: int
) -> None:
    bare = state | {"values" if state["role"] == "buyer" else "costs": []}
    assert stand_in_action(bare, expected, spread, Random(seed)).action == "hold"


@given(situations(), expectations, spreads, seeds)
def test_the_same_draws_give_the_same_act(
    state: dict[str, Any], expected: float | None, spread: float, seed: int
) -> None:
    first, second = (stand_in_action(state, expected, spread, Random(seed)) for _ in range(2))
    assert first == second


@settings(max_examples=40)
@given(
    role=st.sampled_from(["buyer", "seller"]),
    units=st.lists(st.integers(1, 10**6), min_size=1, max_size=5),
    seed=seeds,
    expected=st.none() | st.floats(0.01, 20_000),
)
def test_the_market_takes_what_it_offers(
    role: str, units: list[int], seed: int, expected: float | None
) -> None:
    agent = trader("ann", role, sorted(units, reverse=role == "buyer"))
    auction = market([agent])
    act = stand_in_action(auction.get_global_state("ann"), expected, 0.2, Random(seed))
    try:
        told = agent.environments["auction"].step(act.model_dump(include={"action", "price", "quantity"}))
    except IllegalAction as refusal:
        pytest.fail(f"{act} was refused: {refusal}")
    assert told["status"] in {"accepted", "held"}, told["reason"]


def buyer_at(limit: float) -> dict[str, Any]:
    return {
        "role": "buyer",
        "values": [limit],
        "cash": 1e6,
        "cash_locked": 0.0,
        "goods": 0,
        "goods_locked": 0,
        "tick_size": 0.01,
        "max_price": None,
    }


def test_an_expected_price_moves_the_offer() -> None:
    low, high = (stand_in_action(buyer_at(120), expected, 0.2, Random(1)).price for expected in (80.0, 100.0))
    assert 78 <= low <= 84
    assert 98 <= high <= 105


def test_a_bid_stays_below_the_highest_price_admitted() -> None:
    assert stand_in_action(buyer_at(120) | {"max_price": 50.0}, None, 0.2, Random(1)).price == 50.0


def test_opening_offers_stay_within_the_spread() -> None:
    prices = [stand_in_action(buyer_at(100), None, 0.2, Random(seed)).price for seed in range(200)]
    assert min(prices) >= 80
    assert max(prices) <= 98
    assert max(prices) - min(prices) > 10


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("a fair price is near 99.50.", [99.5]),
        ("near 7, or near 8", [7.0, 8.0]),
        ("nearly 7", []),
        ("near -5 and near nothing", []),
        ("near 12345678901234567890", []),
        ("NEAR 5", []),
        ("", []),
    ],
)
def test_prices_are_read_where_they_are_named(text: str, prices: list[float]) -> None:
    assert prices_near([text]) == prices


def said(text: str) -> dict[str, str]:
    return {"sender_id": "bob", "content": text, "recipient_id": "all"}


@pytest.mark.parametrize(
    ("strategy", "heard", "last_price", "expected"),
    [
        ("", [], None, None),
        ("", [], 90.0, 90.0),
        ("", ["near 80", "near 100"], None, 90.0),
        ("Expect a price near 110.", [], None, 110.0),
        ("Expect a price near 110.", ["near 80", "near 100"], 100.0, 100.0),
        ("wait", ["I say nothing"], None, None),
    ],
)
def test_beliefs_are_averaged(
    strategy: str, heard: list[str], last_price: float | None, expected: float | None
) -> None:
    assert expected_price(strategy, map(said, heard), last_price) == expected


@given(st.text(max_size=200), expectations)
def test_no_talk_breaks_the_reader(text: str, last_price: float | None) -> None:
    expected = expected_price(text, [said(text)], last_price)
    assert expected is None or math.isfinite(expected)


def test_what_is_said_slants_to_the_speaker_s_side() -> None:
    for seed in range(50):
        (low,), (high,) = (
            prices_near([opening_line(role, 100.0, Random(seed))]) for role in ("buyer", "seller")
        )
        assert 96 <= low <= 100 <= high <= 104


def test_without_a_price_none_is_named() -> None:
    assert prices_near([opening_line("seller", None, Random(1))]) == []


async def after_talk(*texts: str) -> AuctionAction:
    """What a buyer offers after it has heard somebody."""
    buyer = trader("ann")
    market([buyer])
    buyer.memory.hear(1, "group_chat", map(said, texts))
    decision = await buyer.run_step(AuctionActionStep("auction", AUCTION_FRAME), "auction")
    assert isinstance(decision.value, AuctionAction)
    return decision.value


async def test_talk_changes_the_expected_price_and_so_the_offer() -> None:
    silent, low, high = await after_talk(), await after_talk("near 70"), await after_talk("near 100")
    assert "do not know the price" in silent.reasoning
    assert "near 70.00" in low.reasoning
    assert "near 100.00" in high.reasoning
    assert low.price < high.price


async def test_its_own_words_do_not_change_what_it_expects() -> None:
    buyer = trader("ann")
    market([buyer])
    buyer.memory.hear(1, "group_chat", [said("near 70") | {"sender_id": "ann"}])
    decision = await buyer.run_step(AuctionActionStep("auction", AUCTION_FRAME), "auction")
    assert "do not know the price" in decision.value.reasoning


@pytest.mark.parametrize(("price", "low", "high"), [(None, 100.0, 108.0), (50.0, 48.0, 50.0)])
async def test_a_price_remembered_is_what_it_talks_of(price: float | None, low: float, high: float) -> None:
    buyer = trader("ann")
    discussion([buyer, trader("bob", "seller")])
    buyer.memory.see_price(price, GOOD)
    decision = await buyer.run_step(ChatActionStep("group_chat", CHAT_FRAME), "group_chat")
    (named,) = prices_near([decision.value.message])
    assert low <= named <= high


def test_memory_makes_a_difference(tmp_path: Path) -> None:
    on, off = (
        orders_of(played(tmp_path / f"{enabled}.db", {"memory.enabled": enabled, "max_rounds": 3}))
        for enabled in (True, False)
    )
    assert on
    assert off
    assert on != off


def test_talk_makes_a_difference(tmp_path: Path) -> None:
    talked, silent = (
        orders_of(played(tmp_path / f"{len(order)}.db", {"environment_order": order, "max_rounds": 1}))
        for order in (["group_chat", "auction"], ["auction"])
    )
    assert talked
    assert silent
    assert [order["price"] for order in talked] != [order["price"] for order in silent]
