from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.config import BudgetConfig, LLMConfig
from market_agents.errors import BudgetExhausted, UserError
from market_agents.inference import Amount, Budget, ModelDoor, Scope, Status, Usage, asking
from market_agents.inference.asks import Completion, Request
from market_agents.inference.budget import Purse
from market_agents.inference.building import refuse_unknown_prices
from market_agents.inference.embeddings import EmbeddingRequest
from market_agents.inference.journal import JournalRow, MemoryJournal
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    MODEL,
    ScriptedProvider,
    always,
    completion,
    in_turn,
    request,
    scripted_endpoint,
    turns,
)

PRICED = LLMConfig(name="mind", model=MODEL, max_tokens=100, input_price=1000.0, output_price=2000.0)
ASK = request("Bid or ask?", max_tokens=100)
WORST_TOKENS = ASK.most_prompt_tokens + 100
WORST_COST = Decimal(ASK.most_prompt_tokens) / 1000 + Decimal(100) * 2 / 1000


def door(
    provider: ScriptedProvider, journal: MemoryJournal | None = None, *, max_in_flight: int = 50, **caps: Any
) -> ModelDoor:
    endpoint = scripted_endpoint(provider, max_in_flight=max_in_flight)
    budget = Budget(BudgetConfig(**caps))
    return ModelDoor({PRICED.name: endpoint}, journal or MemoryJournal(), budget=budget)


async def ask_many(asked: ModelDoor, count: int) -> list[Any]:
    return await asyncio.gather(*(asked.ask(ASK, PRICED) for _ in range(count)), return_exceptions=True)


def answered(results: list[Any]) -> int:
    return sum(not isinstance(result, BaseException) for result in results)


@pytest.mark.parametrize(
    ("caps", "calls"),
    [
        ({"max_calls": 7}, 7),
        ({"max_tokens": WORST_TOKENS + 14}, 1),
        ({"max_cost": float(WORST_COST) + 0.1}, 6),
    ],
)
async def test_no_cap_is_passed_with_fifty_in_flight(caps: dict[str, Any], calls: int) -> None:
    async def play(_: Request) -> Completion:
        await turns()
        return completion(usage=Usage(10, 5))

    provider = ScriptedProvider(play)
    asked = door(provider, **caps)
    results = await ask_many(asked, 60)
    stopped = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, BudgetExhausted) for error in stopped)
    assert answered(results) == len(provider.asked) == calls
    assert asked.budget.spent == Amount(calls, 15 * calls, Decimal("0.02") * calls)
    assert asked.budget.reserved == Amount()


async def test_what_was_reserved_too_much_is_there_for_others_again() -> None:
    """Ten calls, of which a cap has room for two at their worst, all come through one after another."""
    provider = ScriptedProvider(in_turn(completion(usage=Usage(1, 1))))
    asked = door(provider, max_tokens=2 * WORST_TOKENS)
    results = await ask_many(asked, 10)
    assert answered(results) == 10
    assert asked.budget.spent.tokens == 20


async def test_a_stop_names_the_cap_and_one_that_is_enough() -> None:
    asked = door(ScriptedProvider(), max_calls=3)
    results = await ask_many(asked, 4)
    [error] = [result for result in results if isinstance(result, BudgetExhausted)]
    assert (error.key, error.enough) == ("budget.max_calls", "6")
    assert "budget.max_calls of 3" in str(error)
    assert "3 calls spent" in str(error)


async def test_a_cap_too_small_for_any_call_is_told_with_one_that_is_not() -> None:
    asked = door(ScriptedProvider(), max_tokens=1)
    [error] = await ask_many(asked, 1)
    assert isinstance(error, BudgetExhausted)
    assert int(error.enough) >= WORST_TOKENS


async def test_a_stopped_run_journals_nothing_for_the_call_that_had_no_room() -> None:
    journal = MemoryJournal()
    results = await ask_many(door(ScriptedProvider(), journal, max_calls=2), 5)
    assert answered(results) == len(journal.rows) == 2


async def test_repeats_count_as_calls_of_the_run() -> None:
    steps = [AttemptFailed(Verdict.RETRY, "again")] * 5
    provider = ScriptedProvider(in_turn(*steps))
    [error] = await ask_many(door(provider, max_calls=3), 1)
    assert isinstance(error, BudgetExhausted)
    assert len(provider.asked) == 3


async def test_an_attempt_that_nobody_heard_of_counts_at_its_worst() -> None:
    lost = AttemptFailed(Verdict.RETRY, "broken off", maybe_paid=True)
    failed = AttemptFailed(Verdict.RETRY, "HTTP 500")
    journal = MemoryJournal()
    asked = door(
        ScriptedProvider(in_turn(failed, lost, completion(usage=Usage(10, 5)))), journal, max_calls=9
    )
    assert answered(await ask_many(asked, 1)) == 1
    assert asked.budget.spent == Amount(3, WORST_TOKENS + 15, WORST_COST + Decimal("0.02"))
    [row] = journal.rows.values()
    assert (row["attempts"], row["unconfirmed_attempts"]) == (3, 1)
    assert (row["unconfirmed_tokens"], row["unconfirmed_cost"]) == (WORST_TOKENS, WORST_COST)
    assert row["cost"] == Decimal("0.02")


async def test_an_answer_without_a_known_price_counts_alike_now_and_on_resume() -> None:
    """The price of what is asked for is known; who answered is on no list."""
    known, journal = LLMConfig(name="mind", model="gpt-4o-mini"), MemoryJournal()
    asked = door(ScriptedProvider(always("Fine.", model="unheard-of")), journal, max_cost=1.0)
    await asked.ask(replace(ASK, model="gpt-4o-mini"), known)
    [row] = journal.rows.values()
    assert row["cost"] is None
    assert row["unconfirmed_attempts"] == 0
    assert row["unconfirmed_cost"] == asked.budget.spent.cost > 0


async def test_an_attempt_is_noted_before_it_is_sent_and_counts_where_nobody_heard_of_its_end() -> None:
    journal = MemoryJournal()

    async def play(_: Request) -> Completion:
        [noted] = journal.open.values()
        assert (noted["reserved_calls"], noted["reserved_tokens"]) == (1, WORST_TOKENS)
        raise asyncio.CancelledError

    killed = door(ScriptedProvider(play), journal, max_calls=9)
    with pytest.raises(asyncio.CancelledError), asking(scope("agent_1", 1)):
        await killed.ask(ASK, PRICED)
    provider = ScriptedProvider(always("Fine.", usage=Usage(10, 5)))
    again = door(provider, journal, max_calls=9)
    async with again:
        assert again.were_in_flight == ("r1/0.auction/s1/agent_1/action/1",)
        with asking(scope("agent_1", 1)):
            outcome = await again.ask(ASK, PRICED)
    [row] = journal.rows.values()
    assert (outcome.attempts, row["unconfirmed_attempts"], row["unconfirmed_tokens"]) == (2, 1, WORST_TOKENS)
    assert journal.open == {}


async def test_an_attempt_that_was_refused_is_none_that_may_have_been_paid() -> None:
    journal, refused = MemoryJournal(), AttemptFailed(Verdict.KEY_REFUSED, "no such key")
    with pytest.raises(UserError):
        await door(ScriptedProvider(in_turn(refused)), journal, max_calls=9).ask(ASK, PRICED)
    [noted] = journal.open.values()
    assert (noted["attempts"], noted["unconfirmed_attempts"], noted["reserved_calls"]) == (1, 0, 0)


async def test_without_a_cap_what_is_under_way_is_noted_and_nobody_waits_for_that() -> None:
    class Watched(MemoryJournal):
        async def intend(self, intent: JournalRow) -> None:
            raise AssertionError(intent)

    journal = Watched()
    noted: list[Mapping[str, JournalRow]] = []

    async def play(_: Request) -> Completion:
        noted.append(dict(journal.open))
        return completion()

    assert answered(await ask_many(door(ScriptedProvider(play), journal), 3)) == 3
    [row] = noted[0].values()
    assert (row["attempts"], row["reserved_calls"], row["reserved_tokens"]) == (0, 1, WORST_TOKENS)
    assert row["reserved_cost"] == WORST_COST
    assert journal.open == {}


async def test_without_a_cap_a_refused_attempt_is_none_that_may_have_been_paid() -> None:
    journal, refused = MemoryJournal(), AttemptFailed(Verdict.KEY_REFUSED, "no such key")
    with pytest.raises(UserError):
        await door(ScriptedProvider(in_turn(refused)), journal).ask(ASK, PRICED)
    [noted] = journal.open.values()
    assert (noted["attempts"], noted["unconfirmed_attempts"], noted["reserved_calls"]) == (1, 0, 0)


async def test_what_costs_nothing_is_not_noted() -> None:
    journal = MemoryJournal()

    async def play(_: Request) -> Completion:
        assert journal.open == {}
        return completion()

    assert answered(await ask_many(door(ScriptedProvider(play, charges=False), journal), 2)) == 2


async def test_a_call_that_is_cancelled_gives_nothing_back() -> None:
    async def play(_: Request) -> Completion:
        await asyncio.Event().wait()
        raise AssertionError

    asked = door(ScriptedProvider(play), max_calls=2)
    task = asyncio.create_task(asked.ask(ASK, PRICED))
    await turns()
    assert asked.budget.reserved == Amount(1, WORST_TOKENS, WORST_COST)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asked.budget.reserved == Amount()
    assert asked.budget.spent == Amount(1, WORST_TOKENS, WORST_COST)


async def test_a_model_that_counts_more_tokens_is_believed() -> None:
    greedy = Usage(prompt_tokens=10 * ASK.most_prompt_tokens, completion_tokens=1)
    provider = ScriptedProvider(in_turn(completion(usage=greedy)))
    asked = door(provider, max_in_flight=1, max_tokens=10 * ASK.most_prompt_tokens + WORST_TOKENS)
    results = await ask_many(asked, 2)
    assert answered(results) == 1


async def test_a_model_that_thinks_beyond_what_an_answer_may_take_is_believed() -> None:
    thought = Usage(prompt_tokens=1, completion_tokens=10 * PRICED.max_tokens)
    provider = ScriptedProvider(in_turn(completion(usage=thought)))
    cap = thought.completion_tokens + WORST_TOKENS + 10
    asked = door(provider, max_in_flight=1, max_tokens=cap)
    assert answered(await ask_many(asked, 2)) == 1
    assert asked.budget.spent.tokens < cap


async def test_answers_of_a_model_that_is_asked_no_more_are_still_known() -> None:
    """A fork with another model takes the earlier rounds from its parent's journal."""
    journal = MemoryJournal()
    with asking(scope("agent_1", 1)):
        first = await door(ScriptedProvider(), journal).ask(ASK, PRICED)
    other = ModelDoor({"other": scripted_endpoint(ScriptedProvider())}, journal)
    with asking(scope("agent_1", 1)):
        again = await other.ask(ASK, PRICED)
    assert (again.content, again.replayed) == (first.content, True)


async def test_embeddings_reserve_no_answer() -> None:
    asked = EmbeddingRequest(model=MODEL, messages=[{"role": "input", "content": "a text"}])
    budget = Budget(BudgetConfig(max_tokens=10_000))
    await budget.purse(asked, lambda usage: None).open()
    assert budget.reserved.tokens == asked.most_prompt_tokens < 100


async def test_a_resumed_run_goes_on_counting() -> None:
    provider = ScriptedProvider()
    asked = door(provider, max_calls=10)
    asked.budget.begin(Amount(calls=8))
    assert answered(await ask_many(asked, 5)) == 2


def scope(agent: str, round_number: int) -> Scope:
    return Scope(round_number, 0, "auction", 1, agent, "action")


async def ask_as(asked: ModelDoor, agent: str, rounds: range) -> list[Status]:
    statuses = []
    for number in rounds:
        with asking(scope(agent, number)):
            statuses.append((await asked.ask(ASK, PRICED)).status)
    return statuses


@pytest.mark.parametrize("caps", [{"max_calls": 2}, {"max_tokens": WORST_TOKENS + 15}, {"max_cost": 0.35}])
async def test_an_agents_cap_is_its_own_and_a_journalled_abstention(caps: dict[str, Any]) -> None:
    journal, provider = MemoryJournal(), ScriptedProvider(in_turn(completion(usage=Usage(10, 5))))
    asked = door(provider, journal, agent=caps)
    statuses = await ask_as(asked, "agent_1", range(1, 40))
    allowed = statuses.count(Status.ANSWERED)
    assert statuses == [Status.ANSWERED] * allowed + [Status.CAPPED] * (39 - allowed)
    assert 0 < allowed == len(provider.asked)
    assert await ask_as(asked, "agent_2", range(1, 3)) == statuses[:2]
    capped = journal.rows[f"r{allowed + 1}/0.auction/s1/agent_1/action/1"]
    assert (capped["status"], capped["attempts"], capped["cost"]) == ("capped", 0, 0)
    assert f"budget.agent.{next(iter(caps))}" in capped["reason"]


async def test_an_agent_that_comes_back_is_capped_where_it_was() -> None:
    """A second run over the journal of the first, cut short, gives every agent the same outcomes."""
    whole, caps = MemoryJournal(), {"max_calls": 3}
    first = await ask_as(door(ScriptedProvider(), whole, agent=caps), "agent_1", range(1, 6))
    for kept in range(5):
        half = MemoryJournal()
        half.rows = dict(list(whole.rows.items())[:kept])
        assert await ask_as(door(ScriptedProvider(), half, agent=caps), "agent_1", range(1, 6)) == first


async def test_repeats_do_not_count_towards_an_agents_calls() -> None:
    """Whether the network was in a good mood must not decide how often an agent acts."""
    play = in_turn(AttemptFailed(Verdict.RETRY, "again"), AttemptFailed(Verdict.RETRY, "again"), completion())
    asked = door(ScriptedProvider(play), agent={"max_calls": 2})
    statuses = await ask_as(asked, "agent_1", range(1, 4))
    assert statuses == [Status.ANSWERED, Status.ANSWERED, Status.CAPPED]


def test_a_cap_on_cost_wants_a_price() -> None:
    unknown = LLMConfig(name="mind", model="unheard-of", base_url="http://localhost:1/v1")
    with pytest.raises(UserError, match=r"'unheard-of' at http://localhost:1/v1.*input_price.*'mind'"):
        refuse_unknown_prices([unknown], {})
    refuse_unknown_prices([PRICED, LLMConfig(name="o", client="offline")], {})
    refuse_unknown_prices([LLMConfig(name="known", model="gpt-4o-mini")], {})


Step = tuple[int, int, str]


@given(
    cap=st.integers(300, 3000),
    steps=st.lists(
        st.tuples(
            st.integers(0, 200), st.integers(0, 100), st.sampled_from(["paid", "failed", "lost", "gone"])
        ),
        max_size=60,
    ),
    seed=st.integers(0, 2**16),
)
def test_spent_and_reserved_stay_within_the_cap_at_all_times(cap: int, steps: list[Step], seed: int) -> None:
    asyncio.run(_spend(cap, steps, Random(seed)))


async def _spend(cap: int, steps: list[Step], rng: Random) -> None:
    budget = Budget(BudgetConfig(max_tokens=cap, max_calls=25))

    def check() -> None:
        held = budget.spent + budget.reserved
        assert held.tokens <= cap
        assert held.calls <= 25

    async def one(step: Step) -> None:
        prompt, answer, end = step
        worst = Amount(1, prompt + 100)
        purse = Purse(budget, lambda: worst)
        try:
            await purse.open()
        except BudgetExhausted:
            return
        check()
        await purse.sent()
        for _ in range(rng.randrange(5)):
            await asyncio.sleep(0)
        if end == "paid":
            purse.paid(Usage(prompt, answer), None)
        elif end != "gone":
            purse.failed(maybe_paid=end == "lost")
        purse.close()
        check()

    await asyncio.gather(*(one(step) for step in steps))
    assert budget.reserved == Amount()
