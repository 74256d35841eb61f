"""Minds and market orders: told and asked where there are any, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from market_agents.agents.schemas import AuctionAction, BookAction
from market_agents.agents.steps.auction import AuctionActionStep
from market_agents.agents.steps.auction_stand_in import in_schema
from market_agents.agents.steps.market_words import order_in_words
from tests.minds.builders import AUCTION_FRAME, market, trader
from tests.minds.served import scripted

FRAME = replace(AUCTION_FRAME, institution="lob", market_orders=True)


async def test_a_model_takes_the_best_quote_without_naming_a_price() -> None:
    answer = {"reasoning": "now", "action": "bid", "price": 0.0, "quantity": 2, "order": "market"}
    ann, bob = trader("ann", mind=scripted(answer)), trader("bob", "seller", (8_000,))
    auction = market([ann, bob], "lob", market_orders=True)
    auction.mechanism.place("bob", 9_000)
    decision = await ann.run_step(AuctionActionStep("auction", FRAME), "auction")
    assert isinstance(decision.value, BookAction)
    view = auction.get_global_state("ann")
    assert [(trade["price"], trade["quantity"]) for trade in view["own_trades"]] == [(90.0, 1)]
    assert view["own_orders"] == []


@pytest.mark.parametrize(("institution", "partners"), [("lob", "orders"), ("gs", "order")])
def test_the_system_prompt_tells_of_them_only_where_there_are_any(institution: str, partners: str) -> None:
    frame = replace(FRAME, institution=institution)
    assert f"the best open {partners} of the other side" in frame.in_words()["rule"]
    assert "market order" not in replace(frame, market_orders=False).in_words()["rule"]


def test_the_stand_in_names_its_price() -> None:
    quote = AuctionAction(reasoning="so", action="bid", price=9.0, quantity=1)
    said = in_schema(BookAction, lambda _: quote, {})(Random(1))
    assert said.model_dump() == quote.model_dump() | {"order": "limit"}


def test_an_agent_remembers_what_it_ordered() -> None:
    told = order_in_words({"action": "bid", "order": "market", "price": 0.0, "quantity": 2}, None)
    assert told == "you bid 2 at the best open prices"
