"""Asks in batches against a served fake model: what comes back, what is missing, what is paid, what is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from market_agents.config import BudgetConfig, LLMConfig
from market_agents.errors import BudgetExhausted, ProviderAway, UserError
from market_agents.inference import (
    Amount,
    BatchSettings,
    Budget,
    MemoryJournal,
    ModelDoor,
    Outcome,
    Scope,
    asking,
)
from market_agents.inference.batches import LOOKS_BEFORE_LOST
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.limits import Limits
from market_agents.inference.providers.openai_batch import OpenAIBatchProvider
from tests.inference.doors import KEY, KEY_NAME, MODEL, QUICK, Order, order_request, turns
from tests.rig.fake_model_client import FakeModel

PRICED = LLMConfig(
    name="mind", model=MODEL, input_price=1000.0, output_price=2000.0, batch_price_share=0.5, max_tokens=100
)


def door(
    model: FakeModel, journal: MemoryJournal, *, most: int = 1000, resends: bool = False, **caps: Any
) -> ModelDoor:
    provider = OpenAIBatchProvider(base_url=model.base_url, api_key=KEY, key_name=KEY_NAME, timeout=300.0)
    endpoint = Endpoint(provider, partial(Limits, max_in_flight=2), total_timeout=600.0, backoff=QUICK)
    return ModelDoor(
        {"mind": endpoint},
        journal,
        run_id="one",
        budget=Budget(BudgetConfig(**caps)),
        batches=BatchSettings(poll_interval=0.01, max_wait=30.0, max_requests=most, resends_lost=resends),
        is_batched=lambda config, scope: scope.environment != "elsewhere",
    )


async def ask(asked: ModelDoor, agent: int, environment: str = "auction") -> Outcome:
    with asking(Scope(1, 0, environment, 1, f"agent_{agent}", "action")):
        return await asked.ask(order_request(f"I am agent {agent}. Bid or ask?", max_tokens=100), PRICED)


async def ask_all(asked: ModelDoor, count: int = 6) -> list[Any]:
    return await asyncio.gather(*(ask(asked, agent) for agent in range(count)), return_exceptions=True)


@asynccontextmanager
async def opened(asked: ModelDoor) -> AsyncIterator[ModelDoor]:
    async with asked:
        asked.budget.hold(asked.reserved_in_batches)
        yield asked


def answers(outcomes: Sequence[Any]) -> list[object]:
    return [outcome.parsed if isinstance(outcome, Outcome) else outcome for outcome in outcomes]


def paid(model: FakeModel) -> int:
    return sum(entry["paid"] for entry in model.ledger())


async def test_asks_made_together_are_one_batch_with_the_answers_that_calls_would_get(
    fake_model: FakeModel,
) -> None:
    journal = MemoryJournal()
    async with opened(door(fake_model, journal)) as asked:
        together = await ask_all(asked)
        assert asked.batches == {}
    live = await asyncio.gather(
        *(ask(door(fake_model, MemoryJournal()), agent, "elsewhere") for agent in range(6))
    )
    assert answers(together) == answers(live)
    assert all(isinstance(answer, Order) for answer in answers(together))
    [batch] = await journal.batches()
    assert (batch["requests"], batch["completed"], batch["status"]) == (6, 6, "completed")
    assert journal.open == {}
    assert {outcome.attempts for outcome in together} == {1}
    assert [outcome.cost for outcome in together] == [(outcome.cost or 0) / 2 for outcome in live]


@pytest.mark.parametrize("kind", ["batch_shuffled", "line_twice", "batch_waits", "batch_slow"])
async def test_order_repeats_and_patience_change_nothing(fake_model: FakeModel, kind: str) -> None:
    async with opened(door(fake_model, MemoryJournal())) as asked:
        calm = answers(await ask_all(asked))
    fake_model.set_faults([{"kind": kind}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        assert answers(await ask_all(asked)) == calm
    assert paid(fake_model) == 12


@pytest.mark.parametrize(
    ("faults", "attempts", "unconfirmed"),
    [
        ([{"kind": "line_missing", "first": 2}], 8, 2),
        ([{"kind": "line_garbled", "first": 2}], 8, 2),
        ([{"kind": "status", "code": 500, "first": 2}], 8, 0),
        ([{"kind": "status", "code": 429, "first": 2}], 8, 0),
        ([{"kind": "batch_expired", "first": 1}], 9, 0),
        ([{"kind": "batch_cancelled", "first": 1}], 9, 0),
        ([{"kind": "batch_failed", "first": 1}], 12, 0),
        ([{"kind": "no_schema_400"}], 12, 0),
    ],
)
async def test_an_ask_without_an_answer_goes_into_the_next_batch_and_no_other_does(
    fake_model: FakeModel, faults: list[dict[str, Any]], attempts: int, unconfirmed: int
) -> None:
    fake_model.set_faults(faults)
    journal = MemoryJournal()
    async with opened(door(fake_model, journal)) as asked:
        outcomes = await ask_all(asked)
    assert all(isinstance(answer, Order) for answer in answers(outcomes))
    assert sum(outcome.attempts for outcome in outcomes) == attempts
    assert sum(row["unconfirmed_attempts"] for row in journal.rows.values()) == unconfirmed
    assert paid(fake_model) == 6 + unconfirmed
    assert [batch["requests"] for batch in await journal.batches()] == [6, attempts - 6]


async def test_an_ask_that_no_batch_answers_has_an_outcome_with_the_reason(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 500, "match": "agent 3"}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        outcomes = await ask_all(asked)
    failed = [outcome for outcome in outcomes if outcome.status != "answered"]
    assert [(outcome.status, outcome.attempts) for outcome in failed] == [("failed", 3)]
    assert "HTTP 500" in failed[0].reason


async def test_an_unusable_answer_is_judged_as_one_of_a_call(fake_model: FakeModel) -> None:
    fake_model.set_faults(
        [{"kind": "refusal", "match": "agent 1."}, {"kind": "truncate", "match": "agent 2."}]
    )
    async with opened(door(fake_model, MemoryJournal())) as asked:
        statuses = [outcome.status for outcome in await ask_all(asked, 4)]
    assert statuses == ["answered", "refused", "truncated", "answered"]


async def test_batches_that_fail_again_and_again_stop_the_run_with_the_reason(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "batch_failed", "body": "token_limit_exceeded"}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        stops = await ask_all(asked, 2)
    assert all(isinstance(stop, ProviderAway) and "token_limit_exceeded" in str(stop) for stop in stops)
    assert paid(fake_model) == 0


@pytest.mark.parametrize("on", ["upload", "create", "look", "fetch"])
@pytest.mark.parametrize("code", [429, 500])
async def test_requests_about_batches_are_repeated(fake_model: FakeModel, on: str, code: int) -> None:
    fake_model.set_faults([{"kind": "batch_status", "on": on, "code": code, "retry_after": 0.02, "first": 2}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(asked, 3)))
    assert paid(fake_model) == 3


async def test_a_batch_whose_making_was_not_heard_of_is_found_and_not_made_twice(
    fake_model: FakeModel,
) -> None:
    fake_model.set_faults([{"kind": "batch_lost", "first": 1}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(asked, 3)))
    assert len(fake_model.batches()) == 1


async def test_an_endpoint_without_batches_says_what_to_set(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "batch_status", "code": 404}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        stops = await ask_all(asked, 3)
    assert all(isinstance(stop, UserError) and "execution: live" in str(stop) for stop in stops)


async def test_large_gatherings_are_several_batches(fake_model: FakeModel) -> None:
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, most=4)) as asked:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(asked, 10)))
    assert [batch["requests"] for batch in await journal.batches()] == [4, 4, 2]


async def test_a_second_process_waits_for_the_batch_of_the_first_and_pays_nothing(
    fake_model: FakeModel,
) -> None:
    fake_model.set_faults([{"kind": "batch_slow", "polls": 3}])
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, max_calls=6)) as first:
        waiting = asyncio.gather(*(ask(first, agent) for agent in range(6)), return_exceptions=True)
        while not first.batches:
            await turns()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert len(journal.open) == 6
    async with opened(door(fake_model, journal, max_calls=6)) as second:
        assert second.budget.reserved.calls == 6
        assert second.were_in_flight == ()
        outcomes = await ask_all(second)
        assert all(isinstance(answer, Order) for answer in answers(outcomes))
        assert (second.budget.spent.calls, second.budget.reserved) == (6, Amount())
    assert paid(fake_model) == 6
    assert len(await journal.batches()) == 1


async def test_a_batch_that_was_kept_and_never_made_is_made_by_the_next_process(
    fake_model: FakeModel,
) -> None:
    fake_model.set_faults([{"kind": "batch_status", "on": "upload", "code": 400, "first": 1}])
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, max_calls=6)) as first:
        assert all(isinstance(stop, ProviderAway) for stop in await ask_all(first))
    assert len(journal.open) == 6
    async with opened(door(fake_model, journal, max_calls=6)) as second:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(second)))
        assert second.budget.spent.calls == 6
    assert paid(fake_model) == 6


async def test_what_a_batch_was_refused_for_want_of_credit_is_asked_again_by_the_next_process(
    fake_model: FakeModel,
) -> None:
    fake_model.set_faults([{"kind": "status", "code": 402}])
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, max_calls=100)) as first:
        assert all(isinstance(stop, ProviderAway) for stop in await ask_all(first))
    fake_model.set_faults([])
    async with opened(door(fake_model, journal, max_calls=100)) as second:
        outcomes = await ask_all(second)
        assert all(isinstance(answer, Order) for answer in answers(outcomes))
        assert (second.budget.spent.calls, second.budget.reserved) == (12, Amount())
    assert paid(fake_model) == 6


async def test_a_batch_at_another_address_is_not_forgotten(fake_model: FakeModel) -> None:
    journal = MemoryJournal()
    fake_model.set_faults([{"kind": "batch_slow", "polls": 1000}])
    async with opened(door(fake_model, journal)) as first:
        waiting = asyncio.gather(*(ask(first, agent) for agent in range(2)), return_exceptions=True)
        while not first.batches:
            await turns()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    with FakeModel() as other:
        async with opened(door(other, journal)) as second:
            stops = await ask_all(second, 2)
        assert paid(other) == 0
    assert all(isinstance(stop, UserError) and fake_model.base_url in str(stop) for stop in stops)


async def test_no_cap_is_passed_by_a_batch_and_what_fits_goes_first(fake_model: FakeModel) -> None:
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, max_calls=4)) as asked:
        outcomes = await ask_all(asked, 6)
    assert paid(fake_model) == 4
    assert sum(isinstance(outcome, BudgetExhausted) for outcome in outcomes) == 2


async def test_a_call_that_waits_for_what_a_batch_has_reserved_holds_up_no_batch(
    fake_model: FakeModel,
) -> None:
    worst = order_request("I am agent 0. Bid or ask?").most_prompt_tokens + 100
    async with opened(door(fake_model, MemoryJournal(), max_tokens=4 * worst + 10)) as asked:
        places = ["auction"] * 4 + ["elsewhere"] * 2
        outcomes = await asyncio.gather(*(ask(asked, agent, where) for agent, where in enumerate(places)))
    assert all(isinstance(answer, Order) for answer in answers(outcomes))


async def test_a_cap_with_room_for_a_part_sends_the_rest_when_it_is_known_what_that_took(
    fake_model: FakeModel,
) -> None:
    journal = MemoryJournal()
    worst = order_request("I am agent 0. Bid or ask?").most_prompt_tokens + 100
    async with opened(door(fake_model, journal, max_tokens=3 * worst + 10)) as asked:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(asked, 5)))
        assert asked.budget.reserved == Amount()
    first, *_ = await journal.batches()
    assert first["requests"] == 3
    assert paid(fake_model) == 5


GONE = {"kind": "batch_status", "code": 404}


@pytest.mark.parametrize("on", ["look", "fetch"])
@pytest.mark.parametrize("code", [404, 410])
async def test_a_batch_that_is_not_known_for_a_moment_is_looked_for_again(
    fake_model: FakeModel, on: str, code: int
) -> None:
    fake_model.set_faults([{**GONE, "code": code, "on": on, "first": LOOKS_BEFORE_LOST - 1}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(asked, 3)))
    assert paid(fake_model) == 3


@pytest.mark.parametrize("on", ["look", "fetch"])
async def test_a_lost_batch_stops_the_run_and_says_how_to_ask_again(fake_model: FakeModel, on: str) -> None:
    fake_model.set_faults([{**GONE, "on": on}])
    journal = MemoryJournal()
    async with opened(door(fake_model, journal)) as asked:
        stops = await ask_all(asked, 3)
    assert all(isinstance(stop, ProviderAway) for stop in stops)
    told = str(stops[0])
    assert "batch_000001 is lost" in told
    assert "--set batch.if_lost=resend to ask its 3 asks again" in told
    assert fake_model.base_url in told
    assert len(journal.open) == 3

    fake_model.set_faults([])
    async with opened(door(fake_model, journal)) as found_again:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(found_again, 3)))
    assert paid(fake_model) == 3


@pytest.mark.parametrize("on", ["look", "fetch"])
@pytest.mark.parametrize("restarts", [False, True])
async def test_what_a_lost_batch_held_is_asked_again_and_counts_as_perhaps_paid(
    fake_model: FakeModel, on: str, restarts: bool
) -> None:
    fake_model.set_faults([{**GONE, "on": on, "first": LOOKS_BEFORE_LOST * (1 + restarts)}])
    journal = MemoryJournal()
    if restarts:
        async with opened(door(fake_model, journal, max_calls=12)) as first:
            assert all(isinstance(stop, ProviderAway) for stop in await ask_all(first))
    async with opened(door(fake_model, journal, resends=True, max_calls=12)) as asked:
        outcomes = await ask_all(asked)
        assert asked.budget.spent.calls == 12
    assert all(isinstance(answer, Order) for answer in answers(outcomes))
    assert [outcome.attempts for outcome in outcomes] == [2] * 6
    assert {row["unconfirmed_attempts"] for row in journal.rows.values()} == {1}
    assert [batch["status"] for batch in await journal.batches()] == ["lost", "completed"]


async def test_a_cap_without_room_for_the_asks_of_a_lost_batch_stops_before_any_is_sent(
    fake_model: FakeModel,
) -> None:
    fake_model.set_faults([{**GONE, "on": "look", "first": LOOKS_BEFORE_LOST}])
    async with opened(door(fake_model, MemoryJournal(), resends=True, max_calls=8)) as asked:
        outcomes = await ask_all(asked)
    assert sum(isinstance(outcome, BudgetExhausted) for outcome in outcomes) == 4
    assert len(fake_model.ledger()) <= 8


async def test_what_is_left_of_a_lost_batch_counts(fake_model: FakeModel) -> None:
    """The file of errors is gone, that of answers is there."""
    fake_model.set_faults(
        [
            {"kind": "status", "code": 500, "match": "agent 3", "first": 1},
            {**GONE, "on": "fetch", "every": 2},
        ]
    )
    journal = MemoryJournal()
    async with opened(door(fake_model, journal, resends=True)) as asked:
        outcomes = await ask_all(asked, 4)
    assert all(isinstance(answer, Order) for answer in answers(outcomes))
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1, 2]


async def test_a_batch_at_an_address_that_is_no_more_can_be_given_up(fake_model: FakeModel) -> None:
    journal = MemoryJournal()
    with FakeModel() as other:
        other.set_faults([{"kind": "batch_slow", "polls": 1000}])
        async with opened(door(other, journal)) as first:
            waiting = asyncio.gather(*(ask(first, agent) for agent in range(2)), return_exceptions=True)
            while not first.batches:
                await turns()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    async with opened(door(fake_model, journal)) as second:
        stops = await ask_all(second, 2)
    assert all(isinstance(stop, UserError) and "batch.if_lost=resend" in str(stop) for stop in stops)
    async with opened(door(fake_model, journal, resends=True)) as third:
        assert all(isinstance(answer, Order) for answer in answers(await ask_all(third, 2)))
