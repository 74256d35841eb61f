from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from market_agents.config import LLMConfig
from market_agents.errors import NoAnswer
from market_agents.inference import LLMOrchestrator, MemoryJournal, ModelDoor, Scope, asking, build_endpoints
from market_agents.inference.providers.offline import MODEL_NAME, OfflineProvider
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import Order, order_request, request

OFFLINE = LLMConfig(name="offline", client="offline")


def rule(rng: Random) -> Order:
    return Order(side=rng.choice(["bid", "ask"]), price=round(rng.uniform(0, 1000), 2), quantity=1)


async def answers(seed: int, keys: list[str], idempotency_key: str = "once") -> list[str]:
    provider = OfflineProvider(seed)
    asked = order_request(stand_in=rule)
    return [(await provider.attempt(asked, key, idempotency_key)).text for key in keys]


KEYS = [f"r1/0.auction/s1/agent_{n}/action/1" for n in range(20)]


async def test_the_same_seed_and_key_give_the_same_answer() -> None:
    assert await answers(7, KEYS) == await answers(7, KEYS)
    assert await answers(7, KEYS[::-1]) == (await answers(7, KEYS))[::-1]


async def test_another_seed_or_key_gives_another_answer() -> None:
    assert len(set(await answers(7, KEYS))) == len(KEYS)
    assert not set(await answers(7, KEYS)) & set(await answers(8, KEYS))


async def test_nothing_that_differs_between_runs_enters() -> None:
    assert await answers(7, KEYS, "run_a") == await answers(7, KEYS, "run_b")


def offline_door(run_id: str) -> ModelDoor:
    endpoints = build_endpoints([OFFLINE], environment={}, request_limits={}, seed=7)
    return ModelDoor(endpoints, MemoryJournal(), run_id=run_id)


async def test_two_runs_with_one_seed_think_alike() -> None:
    said = []
    for run_id in ("run_a", "run_b", ""):
        with asking(Scope(1, 0, "auction", 1, "agent_1", "action")):
            outcome = await offline_door(run_id).ask(order_request(stand_in=rule), OFFLINE)
        said.append(outcome.content)
    assert said[0] == said[1] == said[2]


async def test_plain_text_is_a_sentence_by_seed_and_key() -> None:
    provider = OfflineProvider(7)
    said = [(await provider.attempt(request(), key, key)).text for key in KEYS]
    assert said == [(await provider.attempt(request("other words"), key, key)).text for key in KEYS]
    assert len(set(said)) > 1
    assert all(text.endswith(".") for text in said)


async def test_it_names_itself_and_costs_nothing() -> None:
    outcome = await offline_door("").ask(order_request(stand_in=rule), OFFLINE)
    assert (outcome.returned_model, outcome.cost) == (MODEL_NAME, Decimal(0))
    assert isinstance(outcome.parsed, Order)
    assert outcome.usage.prompt_tokens == order_request().estimated_tokens
    assert outcome.usage.completion_tokens > 0


async def test_without_a_rule_it_says_what_to_do() -> None:
    with pytest.raises(AttemptFailed) as caught:
        await OfflineProvider(7).attempt(order_request(), "k", "k")
    assert caught.value.verdict is Verdict.GIVE_UP
    with pytest.raises(NoAnswer, match=r"no rule for Order; ask a model, or pass stand_in="):
        await LLMOrchestrator(offline_door(""), OFFLINE).generate([], schema=Order)


async def test_a_rule_that_breaks_the_bounds_is_found_out() -> None:
    def wrong(rng: Random) -> Order:
        return Order.model_construct(side="bid", price=float("nan"), quantity=1, reason="")

    outcome = await offline_door("").ask(order_request(stand_in=wrong), OFFLINE)
    assert outcome.status == "invalid"


async def test_it_can_be_closed_and_used_again() -> None:
    provider = OfflineProvider(7)
    before = await provider.attempt(request(), "k", "k")
    await provider.close()
    assert await provider.attempt(request(), "k", "k") == before
