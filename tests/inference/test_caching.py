from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from market_agents.config import LLMConfig
from market_agents.inference import Amount, MemoryJournal, ModelDoor, Outcome, Scope, Status, asking
from market_agents.inference.asks import Completion, Request
from market_agents.inference.intents import Intent
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    GOOD,
    MODEL,
    Play,
    ScriptedProvider,
    always,
    completion,
    order_request,
    request,
    scripted_endpoint,
)

CACHED = LLMConfig(name="mind", model=MODEL, use_cache=True)
PLAIN = LLMConfig(name="mind", model=MODEL)


def run_after(earlier: MemoryJournal | None, provider: ScriptedProvider) -> ModelDoor:
    """The door of a new run, in a database where an earlier one kept its answers."""
    journal = MemoryJournal()
    if earlier is not None:
        journal.cached = earlier.cached
    return ModelDoor({"mind": scripted_endpoint(provider)}, journal, run_id="new")


def samples() -> Play:
    """Another answer to every call, as at a positive temperature."""
    numbers = count(1)

    async def play(_: Request) -> Completion:
        return completion(f"Sample {next(numbers)}.")

    return play


def scope(agent: str, round_number: int = 1) -> Scope:
    return Scope(round_number, 0, "auction", 1, agent, "action")


async def ask(door: ModelDoor, agent: str = "agent_1", asked: Request | None = None, **where: int) -> Outcome:
    with asking(scope(agent, **where)):
        return await door.ask(asked or request(), CACHED)


def journal_of(door: ModelDoor) -> MemoryJournal:
    assert isinstance(door.journal, MemoryJournal)
    return door.journal


async def test_equal_prompts_get_their_own_samples_and_a_second_run_gets_the_firsts() -> None:
    agents = [f"agent_{number}" for number in range(1, 6)]
    first_provider, second_provider = ScriptedProvider(samples()), ScriptedProvider(samples())
    first = run_after(None, first_provider)
    told = [(await ask(first, agent)).content for agent in agents]
    assert len(set(told)) == 5
    second = run_after(journal_of(first), second_provider)
    again = await asyncio.gather(*(ask(second, agent) for agent in reversed(agents)))
    assert [outcome.content for outcome in reversed(again)] == told
    assert second_provider.asked == []
    assert second.tally.from_cache == 5
    assert second.tally.cost == 0
    for row in journal_of(second).rows.values():
        assert (row["from_cache"], row["attempts"], row["cost"], row["prompt_tokens"]) == (1, 0, 0, 10)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "another"},
        {"temperature": 0.1},
        {"max_tokens": 7},
        {"tool_mode": True},
        {"messages": [{"role": "user", "content": "Bid or ask? "}]},
    ],
)
async def test_whatever_changes_the_answer_changes_the_key(change: dict[str, Any]) -> None:
    first = run_after(None, ScriptedProvider(samples()))
    await ask(first)
    provider = ScriptedProvider(samples())
    second = run_after(journal_of(first), provider)
    await ask(second, asked=request(**change))
    assert len(provider.asked) == 1
    await ask(second, round_number=2)
    assert len(provider.asked) == 2


async def test_another_server_is_another_model() -> None:
    first = run_after(None, ScriptedProvider(samples(), base_url="http://a/v1"))
    await ask(first)
    provider = ScriptedProvider(samples(), base_url="http://b/v1")
    await ask(run_after(journal_of(first), provider))
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "play",
    [
        always("no JSON"),
        always(GOOD, finish_reason="length"),
        always(GOOD, finish_reason="content_filter"),
        always(GOOD, refusal="I must not."),
        always(""),
    ],
    ids=["invalid", "truncated", "filtered", "refused", "empty"],
)
async def test_only_whole_valid_answers_are_kept(play: Play) -> None:
    door = run_after(None, ScriptedProvider(play))
    assert (await ask(door, asked=order_request())).status is not Status.ANSWERED
    assert journal_of(door).cached == {}


async def test_failures_are_not_kept() -> None:
    async def play(_: Request) -> Completion:
        raise AttemptFailed(Verdict.GIVE_UP, "HTTP 400")

    door = run_after(None, ScriptedProvider(play))
    await ask(door)
    assert journal_of(door).cached == {}


async def test_what_was_sent_before_the_answer_was_there_still_counts() -> None:
    first = run_after(None, ScriptedProvider(samples()))
    await ask(first)
    provider = ScriptedProvider(samples())
    again = run_after(journal_of(first), provider)
    key = next(iter(journal_of(first).rows))
    sent = Intent(
        key, request().hash, attempts=2, unconfirmed=Amount(1, 50), reserved=Amount(1, 70, Decimal(3))
    )
    await again.journal.intend(sent.row)
    async with again:
        outcome = await ask(again)
    assert (outcome.content, outcome.attempts, outcome.cost) == ("Sample 1.", 3, Decimal(0))
    assert provider.asked == []
    row = journal_of(again).rows[key]
    assert [row[f"unconfirmed_{what}"] for what in ("attempts", "tokens", "cost")] == [2, 120, 3]
    assert await again.journal.intents() == []


async def test_an_answer_that_no_longer_fits_is_asked_for_anew() -> None:
    first = run_after(None, ScriptedProvider(always(GOOD)))
    await ask(first, asked=order_request())
    [key] = journal_of(first).cached
    journal_of(first).cached[key] = {**journal_of(first).cached[key], "response": '{"side": "lend"}'}
    provider = ScriptedProvider(always(GOOD))
    outcome = await ask(run_after(journal_of(first), provider), asked=order_request())
    assert outcome.status is Status.ANSWERED
    assert not outcome.from_cache
    assert len(provider.asked) == 1


async def test_without_use_cache_outside_a_run_and_for_the_stand_in_nothing_is_kept() -> None:
    door = run_after(None, ScriptedProvider())
    with asking(scope("agent_1")):
        await door.ask(request(), PLAIN)
    await door.ask(request(), CACHED)
    free = run_after(None, ScriptedProvider(charges=False))
    await ask(free)
    assert journal_of(door).cached == journal_of(free).cached == {}
