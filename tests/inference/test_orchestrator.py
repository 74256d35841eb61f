from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from market_agents.config import LLMConfig
from market_agents.errors import NoAnswer, ProviderAway
from market_agents.inference import Decision, LLMOrchestrator, MemoryJournal, Scope, asking
from market_agents.inference.asks import Completion
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    CONFIG,
    GOOD,
    KEY,
    Order,
    ScriptedProvider,
    always,
    completion,
    in_turn,
    scripted_door,
    served_door,
)
from tests.rig.fake_model_client import FakeModel

ASKED = [{"role": "system", "content": "You trade."}, {"role": "user", "content": "Bid or ask?"}]
BAD = GOOD.replace("99.5", '"99.5"')


def rule(rng: Random) -> Order:
    return Order(side="hold", price=0, quantity=0)


def mind(provider: ScriptedProvider, journal: MemoryJournal | None = None, **changes: Any) -> LLMOrchestrator:
    config = CONFIG.model_copy(update={"temperature": 0.3, "max_tokens": 77})
    return LLMOrchestrator(scripted_door(provider, journal), config, **changes)


async def test_generate_returns_what_has_the_text(fake_model: FakeModel) -> None:
    orchestrator = LLMOrchestrator(served_door(fake_model.base_url), CONFIG)
    response = await orchestrator.generate(model="fake-model", messages=ASKED)
    assert isinstance(response.content, str)
    assert response.content
    (entry,) = fake_model.ledger(bodies=True)
    assert entry["body"]["messages"] == ASKED
    assert entry["authorization"] is not None


async def test_generate_with_a_schema_returns_the_parsed_answer() -> None:
    response = await mind(ScriptedProvider(always(GOOD))).generate(ASKED, schema=Order)
    assert response.parsed == Order(side="bid", price=99.5, quantity=1, reason="cheap")


async def test_what_is_not_said_is_as_configured() -> None:
    provider = ScriptedProvider()
    orchestrator = mind(provider)
    await orchestrator.generate(ASKED)
    await orchestrator.generate(ASKED, model="other", temperature=0.0, max_tokens=5)
    configured, said = provider.asked
    assert (configured.model, configured.temperature, configured.max_tokens) == ("fake-model", 0.3, 77)
    assert (said.model, said.temperature, said.max_tokens) == ("other", 0.0, 5)
    assert not configured.tool_mode


async def test_tool_mode_is_part_of_every_request() -> None:
    provider = ScriptedProvider(always(GOOD))
    orchestrator = mind(provider, tool_mode=True)
    await orchestrator.generate(ASKED)
    await orchestrator.decide(ASKED, Order, rule)
    assert all(asked.tool_mode for asked in provider.asked)


@pytest.mark.parametrize(
    ("step", "status"),
    [
        (completion("", refusal="I will not."), "refused"),
        (completion("Fi", finish_reason="length"), "truncated"),
        (completion(""), "invalid"),
        (AttemptFailed(Verdict.GIVE_UP, "HTTP 400"), "failed"),
        (AttemptFailed(Verdict.GIVE_UP, "late", timed_out=True), "timed_out"),
    ],
)
async def test_generate_without_an_answer_says_so_and_keeps_the_outcome(
    step: Completion | Exception, status: str
) -> None:
    journal = MemoryJournal()
    with pytest.raises(NoAnswer) as caught:
        await mind(ScriptedProvider(in_turn(step)), journal).generate(ASKED)
    assert caught.value.status == status
    assert caught.value.request_key == "outside/1"
    assert journal.rows["outside/1"]["status"] == status


async def test_a_named_generate_is_found_by_its_name() -> None:
    orchestrator = mind(ScriptedProvider())
    with asking(Scope(1, 0, "auction", 1, "agent_1", "action")):
        outcome = await orchestrator.generate(ASKED, key="forecast")
    assert outcome.request_key == "r1/0.auction/s1/agent_1/action/=forecast"


async def test_a_decision_is_the_value_and_its_key() -> None:
    provider = ScriptedProvider(always(GOOD))
    with asking(Scope(1, 0, "auction", 1, "agent_1", "action")) as scope:
        decision = await mind(provider).decide(ASKED, Order, rule)
    expected = Order(side="bid", price=99.5, quantity=1, reason="cheap")
    assert decision == Decision(expected, "r1/0.auction/s1/agent_1/action/1")
    assert scope.last_key == decision.request_key
    assert provider.asked[0].stand_in is rule


async def test_a_bad_answer_is_told_and_asked_again() -> None:
    provider = ScriptedProvider(in_turn(completion(BAD), completion(GOOD)))
    journal = MemoryJournal()
    with asking(Scope(1, 0, "auction", 1, "agent_1", "action")):
        decision = await mind(provider, journal).decide(ASKED, Order, rule)
    assert decision.request_key.endswith("/2")
    assert [row["status"] for row in journal.rows.values()] == ["invalid", "answered"]
    again = list(provider.asked[1].messages)
    assert again[:2] == ASKED
    assert again[2] == {"role": "assistant", "content": BAD}
    assert again[3]["role"] == "user"
    assert "price: Input should be a valid number" in again[3]["content"]


async def test_a_truncated_answer_is_asked_again_more_briefly() -> None:
    provider = ScriptedProvider(in_turn(completion(GOOD, finish_reason="length"), completion(GOOD)))
    await mind(provider).decide(ASKED, Order, rule)
    assert "more briefly" in provider.asked[1].messages[-1]["content"]


@pytest.mark.parametrize("most", [1, 2, 5])
async def test_re_asks_are_bounded(most: int) -> None:
    provider = ScriptedProvider(always("no json"))
    with pytest.raises(NoAnswer) as caught:
        await mind(provider, max_asks=most).decide(ASKED, Order, rule)
    assert len(provider.asked) == most
    assert caught.value.status == "invalid"
    assert caught.value.request_key == f"outside/{most}"


async def test_prompts_do_not_grow_with_re_asks() -> None:
    provider = ScriptedProvider(always("{" * 50_000))
    with pytest.raises(NoAnswer):
        await mind(provider, max_asks=5).decide(ASKED, Order, rule)
    assert [len(asked.messages) for asked in provider.asked] == [2, 4, 4, 4, 4]
    assert all(len(message["content"]) <= 2_000 for message in provider.asked[-1].messages)


@pytest.mark.parametrize("text", ["", " \n "])
async def test_nothing_is_quoted_as_nothing(text: str) -> None:
    provider = ScriptedProvider(in_turn(completion(text), completion(GOOD)))
    await mind(provider).decide(ASKED, Order, rule)
    assert provider.asked[1].messages[2] == {"role": "assistant", "content": "(nothing)"}


@pytest.mark.parametrize(
    "step",
    [
        completion("", refusal="I will not."),
        completion("", finish_reason="content_filter"),
        AttemptFailed(Verdict.GIVE_UP, "HTTP 400"),
    ],
)
async def test_who_will_not_answer_is_not_pressed(step: Completion | Exception) -> None:
    provider = ScriptedProvider(in_turn(step))
    with pytest.raises(NoAnswer):
        await mind(provider, max_asks=5).decide(ASKED, Order, rule)
    assert len(provider.asked) == 1


async def test_a_replayed_decision_takes_the_same_course() -> None:
    journal = MemoryJournal()
    scope = {"round": 1, "position": 0, "environment": "auction", "sub_round": 1, "agent_id": "agent_1"}
    with asking(Scope(**scope, step="action")):  # type: ignore[arg-type]
        first = await mind(ScriptedProvider(in_turn(completion(BAD), completion(GOOD))), journal).decide(
            ASKED, Order, rule
        )
    provider = ScriptedProvider()
    with asking(Scope(**scope, step="action")):  # type: ignore[arg-type]
        again = await mind(provider, journal).decide(ASKED, Order, rule)
    assert again == first
    assert not provider.asked


async def test_a_stop_is_no_abstention() -> None:
    steps = in_turn(completion(GOOD), AttemptFailed(Verdict.KEY_REFUSED, "refused"))
    orchestrator = mind(ScriptedProvider(steps))
    await orchestrator.decide(ASKED, Order, rule)
    with pytest.raises(ProviderAway):
        await orchestrator.decide(ASKED, Order, rule)


def test_generate_works_in_one_event_loop_after_another(fake_model: FakeModel) -> None:
    orchestrator = LLMOrchestrator(served_door(fake_model.base_url, run_id=""), CONFIG)
    said = [asyncio.run(orchestrator.generate(ASKED)).content for _ in range(3)]
    assert len(set(said)) == 1
    assert len(fake_model.ledger()) == 3


def test_nothing_shows_the_key(fake_model: FakeModel) -> None:
    orchestrator = LLMOrchestrator(served_door(fake_model.base_url), CONFIG)
    assert KEY not in repr(orchestrator) + repr(orchestrator.door) + repr(orchestrator.config)
    assert isinstance(orchestrator.config, LLMConfig)
