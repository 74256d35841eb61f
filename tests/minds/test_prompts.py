"""Templates, and what a model is told of its agent and its market."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from string import Template

import pytest

from market_agents.agents import prompts
from market_agents.agents.cognitive_steps import (
    in_figures,
    in_times,
    with_article,
)
from market_agents.agents.prompts import prompts_hash, render
from market_agents.agents.steps.group_chat import ChatFrame
from tests.minds.builders import CHAT_FRAME, GOOD, discussion, market, trader
from tests.minds.listeners import auction_user, chat_user, listening

TEMPLATES = sorted(path for path in Path(prompts.__file__).parent.glob("*.md"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_s_placeholders_are_named(path: Path) -> None:
    template = Template(path.read_text("utf-8"))
    assert template.is_valid()
    assert template.get_identifiers()
    with pytest.raises(KeyError):
        render(path.stem)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_what_changes_most_stands_last(path: Path) -> None:
    order = ["frame", "private", "memory", "heard", "perception", "observation"]
    names = [name for name in Template(path.read_text("utf-8")).get_identifiers() if name in order[1:]]
    assert names == sorted(names, key=order.index)


def test_the_version_of_the_prompts_is_a_digest() -> None:
    assert re.fullmatch("[0-9a-f]{64}", prompts_hash())


def test_values_are_never_templates() -> None:
    values = {"private": "$memory", "memory": "${observation}", "perception": "{0}", "observation": "$$ %s"}
    assert render("group_chat_action", **values).splitlines()[:2] == ["$memory", "${observation}"]
    assert render("group_chat_action", **values).endswith("{0}\n\n$$ %s")


@pytest.mark.parametrize(
    ("count", "words"), [(1, "once"), (2, "twice"), (3, "3 times"), (1000, "1000 times")]
)
async def test_turns_are_told_in_words(count: int, words: str) -> None:
    assert in_times(count) == words
    ann, provider = listening()
    discussion([ann])
    await chat_user(ann, provider, ChatFrame("strawberry", count, 20, 0.01))
    assert f"every member of your group may speak {words}." in provider.asked[-1].messages[0]["content"]


@pytest.mark.parametrize(
    ("amount", "figures"),
    [
        (None, "none"),
        (0.0, "0"),
        (-1e-9, "0"),
        (100.0, "100"),
        (99.5, "99.5"),
        (1e-6, "0.000001"),
        (-2.5, "-2.5"),
    ],
)
def test_amounts_have_no_needless_zeros(amount: float | None, figures: str) -> None:
    assert in_figures(amount) == figures


@pytest.mark.parametrize(
    ("role", "words"), [("buyer", "a buyer"), ("seller", "a seller"), ("auctioneer", "an auctioneer")]
)
def test_roles_have_their_article(role: str, words: str) -> None:
    assert with_article(role) == words


async def test_a_buyer_in_a_chat_knows_its_values() -> None:
    ann, provider = listening(units=(12_000, 11_050))
    discussion([ann])
    line = "Your private values for the units you may buy this round: 120, 110.5"
    assert (await chat_user(ann, provider)).splitlines()[0] == line


async def test_a_seller_in_a_chat_knows_its_costs() -> None:
    ann, provider = listening(role="seller", units=(8_000, 8_123))
    discussion([ann])
    line = "Your private costs for the units you may sell this round: 80, 81.23"
    assert (await chat_user(ann, provider)).splitlines()[0] == line


async def test_a_chat_names_every_good_where_there_are_several() -> None:
    ann, provider = listening(units=(12_000,))
    ann.units["plum"] = (150, 120)
    ann.memory.see_price(1.25, "plum")
    discussion([ann])
    user = await chat_user(ann, provider, replace(CHAT_FRAME, more_goods=("plum",)))
    assert user.splitlines()[:3] == [
        "Your private values for the units of strawberry you may buy this round: 120",
        "Your private values for the units of plum you may buy this round: 1.5, 1.2",
        "Last market price of plum you remember: 1.25",
    ]
    assert "a buyer of strawberry and plum" in provider.asked[-1].messages[0]["content"]


async def test_who_trades_nothing_is_told_of_no_values() -> None:
    ann, provider = listening(units=())
    discussion([ann])
    assert "private" not in await chat_user(ann, provider)


async def test_the_last_price_remembered_is_told_before_the_discussion() -> None:
    ann, provider = listening()
    discussion([ann, trader("bob")])
    assert "Last market price" not in await chat_user(ann, provider)
    ann.memory.see_price(98.5, GOOD)
    user = await chat_user(ann, provider)
    assert "Last market price you remember: 98.5\n" in user
    assert user.index("Last market price") < user.index("Say what you want") < user.index("Round 1 of 3")


async def test_a_market_s_prompt_tells_what_the_trader_owns() -> None:
    ann, provider = listening()
    market([ann])
    user = await auction_user(ann, provider)
    assert "Your values for the units you can still buy: 120, 110" in user
    assert "Your cash: 1000 free, 0 behind orders" in user
    assert "Place your order, hold" in user


async def test_a_refusal_is_told_to_the_next_prompt() -> None:
    ann, provider = listening()
    market([ann])
    ann.environments["auction"].step({"action": "bid", "price": 5_000, "quantity": 1})
    assert "Your last order was refused: " in await auction_user(ann, provider)
