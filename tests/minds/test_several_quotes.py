"""Minds and several open orders: told and asked where there may be any, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from market_agents.agents.schemas import AuctionAction, BookAction, LadderAction, LadderBookAction
from market_agents.agents.steps.auction import AuctionActionStep
from market_agents.agents.steps.auction_stand_in import in_schema
from market_agents.agents.steps.auction_words import action_schema, market_in_words
from tests.minds.builders import AUCTION_FRAME, market, trader
from tests.minds.served import scripted

FRAME = replace(AUCTION_FRAME, institution="lob", quotes_per_trader=3)


async def test_a_model_replaces_and_withdraws_the_orders_that_it_names() -> None:
    answers = [
        {"reasoning": "r", "action": "bid", "price": 50.0, "quantity": 1, "order_id": 0},
        {"reasoning": "r", "action": "bid", "price": 40.0, "quantity": 1, "order_id": 0},
        {"reasoning": "r", "action": "bid", "price": 60.0, "quantity": 1, "order_id": 1},
        {"reasoning": "r", "action": "cancel", "price": 0.0, "quantity": 0, "order_id": 2},
    ]
    ann, bob = trader("ann", mind=scripted(*answers)), trader("bob", "seller", (8_000,))
    auction = market([ann, bob], "lob", quotes_per_trader=3)
    seen = []
    for _ in answers:
        await ann.run_step(AuctionActionStep("auction", FRAME), "auction")
        seen.append([order["order_id"] for order in auction.get_global_state("ann")["own_orders"]])
    assert seen == [[1], [1, 2], [2, 3], [3]]
    assert "Your open order 3: bid 1 at 60" in market_in_words(auction.get_global_state("ann"), 1)


def test_the_system_prompt_tells_of_them_only_where_there_are_any() -> None:
    assert "up to 3 orders open at the same time" in FRAME.in_words()["rule"]
    assert "order_id" not in replace(FRAME, quotes_per_trader=1).in_words()["rule"]


@pytest.mark.parametrize(
    ("quotes", "market_orders", "schema"),
    [
        (1, False, AuctionAction),
        (1, True, BookAction),
        (2, False, LadderAction),
        (2, True, LadderBookAction),
    ],
)
def test_no_more_is_asked_for_than_there_are_choices(
    quotes: int, market_orders: bool, schema: type[AuctionAction]
) -> None:
    frame = replace(FRAME, quotes_per_trader=quotes, market_orders=market_orders)
    assert action_schema(frame) is schema


def test_the_stand_in_replaces_its_oldest_order() -> None:
    quote = AuctionAction(reasoning="so", action="bid", price=9.0, quantity=1)
    state = {"own_orders": [{"order_id": 4}, {"order_id": 6}]}
    said = in_schema(LadderBookAction, lambda _: quote, state)(Random(1))
    assert said.model_dump() == quote.model_dump() | {"order": "limit", "order_id": 4}
    hold = quote.model_copy(update={"action": "hold"})
    assert in_schema(LadderAction, lambda _: hold, state)(Random(1)).model_dump()["order_id"] == 0
