"""What one agent keeps to itself, or tells one other, is in nobody else's prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.steps.auction import (
    AuctionActionStep,
    AuctionPerceptionStep,
    AuctionReflectionStep,
)
from market_agents.agents.steps.group_chat import ChatActionStep, ChatPerceptionStep, ChatReflectionStep
from market_agents.inference import LLMOrchestrator
from tests.inference.doors import CONFIG, ScriptedProvider, completion, in_turn, scripted_door
from tests.minds.builders import AUCTION_FRAME, CHAT_FRAME, GOOD, discussion, market, trader
from tests.minds.listeners import auction_user, chat_user, listening
from tests.minds.runs import Prompt, played, prompts_of, rows
from tests.minds.whisper import LISTENER, WHISPERER

SECRET = "KUMQUAT"
CHANGES: dict[str, object] = {
    "num_agents": 5,
    "max_rounds": 1,
    "environment_configs.group_chat.type": "tests.minds.whisper:WhisperingChat",
    "environment_configs.group_chat.group_size": 5,
    "environment_configs.group_chat.topic": "fixed",
    "environment_configs.group_chat.sub_rounds": 2,
}


@pytest.fixture(scope="module")
def whispered(tmp_path_factory: pytest.TempPathFactory) -> list[list[Prompt]]:
    """The prompts of two runs that differ in one private message alone."""
    folder = tmp_path_factory.mktemp("whispers")
    prompts = []
    for name, text in (("low", f"{SECRET}: a fair price is near 70."), ("high", "a fair price is near 700.")):
        key = "environment_configs.group_chat.whisper"
        file = played(folder / f"{name}.db", {**CHANGES, key: text})
        (first, *_) = rows(file, f"SELECT content FROM messages WHERE recipient_id = '{LISTENER}'")
        assert first["content"] == text
        prompts.append(prompts_of(file))
    return prompts


def before_the_listener_speaks(prompt: Prompt) -> bool:
    """Turns are simultaneous: what the listener says in the second is seen when the round is over."""
    return prompt.environment == "group_chat" and prompt.step in {"perception", "action"}


def test_a_whisper_changes_nobody_s_prompt_but_the_listener_s(whispered: list[list[Prompt]]) -> None:
    early = [[prompt for prompt in run if before_the_listener_speaks(prompt)] for run in whispered]
    compared = 0
    for low, high in zip(*early, strict=True):
        if low.agent_id not in {WHISPERER, LISTENER}:
            assert low == high
            compared += 1
    assert compared == 3 * 2 * 2


def test_the_listener_hears_it(whispered: list[list[Prompt]]) -> None:
    low, high = (
        next(
            prompt
            for prompt in run
            if prompt.agent_id == LISTENER and prompt.sub_round == 2 and prompt.step == "perception"
        )
        for run in whispered
    )
    assert f"{WHISPERER} (privately to {LISTENER}): {SECRET}" in low.user
    assert low.system == high.system
    assert low.user != high.user


def test_A06_a_whisper_is_never_shown_to_a_third(whispered: list[list[Prompt]]) -> None:
    readers = {prompt.agent_id for prompt in whispered[0] if SECRET in prompt.user}
    assert readers == {WHISPERER, LISTENER}


# -- thoughts and private values --------------------------------------------------------------------------------


def talkative_mind(**public: Any) -> LLMOrchestrator:
    """A mind whose private words are all a secret, asked to perceive, act and look back."""
    perception = {"monologue": SECRET, "key_observations": [SECRET], "strategy": SECRET, "confidence": 0.5}
    reflection = {
        "reflection": SECRET,
        "self_critique": SECRET,
        "self_reward": 0.5,
        "strategy_update": SECRET,
    }
    answers = [completion(json.dumps(answer)) for answer in (perception, public, reflection)]
    return LLMOrchestrator(scripted_door(ScriptedProvider(in_turn(*answers))), CONFIG, max_asks=1)


async def test_thoughts_of_a_trader_are_in_no_other_s_prompt() -> None:
    mind = talkative_mind(reasoning=SECRET, action="ask", price=95.25, quantity=1)
    seller = trader("sam", "seller", (8_000,), mind=mind)
    ann, provider = listening()
    market([ann, seller], "lob")
    for kind in (AuctionPerceptionStep, AuctionActionStep, AuctionReflectionStep):
        await seller.run_step(kind("auction", AUCTION_FRAME), "auction")
    user = await auction_user(ann, provider)
    assert "best open ask: 95.25" in user
    assert SECRET not in user
    assert seller.memory.strategy("auction") == SECRET


async def test_thoughts_of_a_speaker_are_in_no_other_s_prompt() -> None:
    speaker = trader("sam", mind=talkative_mind(message="hello", recipient_id="all", sentiment="neutral"))
    ann, provider = listening()
    discussion([ann, speaker])
    for kind in (ChatPerceptionStep, ChatActionStep, ChatReflectionStep):
        await speaker.run_step(kind("group_chat", CHAT_FRAME), "group_chat")
    user = await chat_user(ann, provider)
    assert user.endswith("sam: hello")
    assert SECRET not in user


async def seen_beside(other: MarketAgent) -> tuple[str, str]:
    """Both prompts of a buyer that shares a chat and a market with somebody."""
    ann, provider = listening()
    discussion([ann, other])
    market([ann, other])
    return await chat_user(ann, provider), await auction_user(ann, provider)


@pytest.mark.parametrize("role", ["buyer", "seller"])
async def test_A06_another_s_values_change_nothing_that_one_is_shown(role: str) -> None:
    poor, rich = trader("sam", role, (3_333,)), trader("sam", role, (77_777, 77_777))
    assert await seen_beside(poor) == await seen_beside(rich)


async def test_another_s_memory_changes_nothing_that_one_is_shown() -> None:
    plain, experienced = trader("sam"), trader("sam")
    experienced.memory.see_price(77.77, GOOD)
    experienced.perceptions["auction"] = SECRET
    assert await seen_beside(plain) == await seen_beside(experienced)


async def test_a_message_to_one_is_in_that_one_s_prompt_alone() -> None:
    shown = []
    for text in ("psst", f"{SECRET} " * 20):
        ann, provider = listening()
        sam, bob = trader("sam"), trader("bob", "seller")
        discussion([ann, sam, bob])
        sam.environments["group_chat"].step({"message": text, "recipient_id": "bob"})
        shown.append(await chat_user(ann, provider))
    assert shown[0] == shown[1]
    assert shown[0].endswith("Nobody has said anything yet.")
