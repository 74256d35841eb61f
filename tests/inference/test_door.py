from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from market_agents.errors import DatabaseAway, JournalMismatch, ProviderAway, ReplayMiss, UserError
from market_agents.inference import MemoryJournal, Scope, Status, Usage, asking
from market_agents.inference.asks import Completion, Request
from market_agents.inference.journal import JournalRow
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    CONFIG,
    GOOD,
    Order,
    ScriptedProvider,
    SlowJournal,
    always,
    completion,
    in_turn,
    order_request,
    request,
    scripted_door,
    turns,
)


def here(step: str = "action") -> Scope:
    return Scope(round=2, position=1, environment="auction", sub_round=3, agent_id="agent_4", step=step)


async def test_an_outcome_is_committed_before_it_is_returned() -> None:
    journal = SlowJournal()
    door = scripted_door(ScriptedProvider(), journal)
    ask = asyncio.create_task(door.ask(request(), CONFIG))
    await journal.entered.wait()
    await turns()
    assert not ask.done()
    assert not journal.rows
    journal.let_through.set()
    assert (await ask).request_key in journal.rows


@pytest.mark.parametrize(
    "step",
    [
        completion("", refusal="I cannot."),
        completion(GOOD, finish_reason="length"),
        completion("no json"),
        completion("", finish_reason="content_filter"),
        AttemptFailed(Verdict.GIVE_UP, "HTTP 400"),
    ],
)
async def test_every_kind_of_outcome_is_committed_before_use(step: Completion | Exception) -> None:
    journal = SlowJournal()
    door = scripted_door(ScriptedProvider(in_turn(step)), journal)
    ask = asyncio.create_task(door.ask(order_request(), CONFIG))
    await journal.entered.wait()
    await turns()
    assert not ask.done()
    journal.let_through.set()
    outcome = await ask
    assert outcome.status is not Status.ANSWERED
    assert outcome.reason
    assert journal.rows[outcome.request_key]["status"] == outcome.status.value


async def test_the_slot_in_flight_is_freed_only_after_the_commit() -> None:
    journal, provider = SlowJournal(), ScriptedProvider()
    door = scripted_door(provider, journal, max_in_flight=1)
    asks = [asyncio.create_task(door.ask(request(f"q{n}"), CONFIG)) for n in range(3)]
    await journal.entered.wait()
    await turns()
    assert len(provider.asked) == 1
    assert door.tally.in_flight == 1
    journal.let_through.set()
    await asyncio.gather(*asks)
    assert len(provider.asked) == 3
    assert provider.most_in_flight == 1
    assert door.tally.in_flight == 0


async def test_an_answer_in_the_journal_makes_no_call() -> None:
    provider, journal = ScriptedProvider(always(GOOD)), MemoryJournal()
    with asking(here()):
        first = await scripted_door(provider, journal).ask(order_request(), CONFIG)
    later = scripted_door(provider, journal)
    with asking(here()):
        again = await later.ask(order_request(), CONFIG)
    assert len(provider.asked) == 1
    assert again.replayed
    assert not first.replayed
    assert again.parsed == first.parsed == Order(side="bid", price=99.5, quantity=1, reason="cheap")
    assert (again.content, again.usage, again.cost, again.attempts) == (
        first.content,
        first.usage,
        first.cost,
        first.attempts,
    )
    assert (later.tally.asked, later.tally.replayed, later.tally.attempts) == (1, 1, 1)


@pytest.mark.parametrize(
    "step",
    [completion("", refusal="I cannot."), completion("no json"), AttemptFailed(Verdict.GIVE_UP, "HTTP 400")],
)
async def test_a_bad_outcome_in_the_journal_stays_bad(step: Completion | Exception) -> None:
    journal = MemoryJournal()
    with asking(here()):
        first = await scripted_door(ScriptedProvider(in_turn(step)), journal).ask(order_request(), CONFIG)
    provider = ScriptedProvider(always(GOOD))
    with asking(here()):
        again = await scripted_door(provider, journal).ask(order_request(), CONFIG)
    assert (again.status, again.reason) == (first.status, first.reason)
    assert not provider.asked


async def test_another_request_under_a_known_key_is_refused() -> None:
    journal, provider = MemoryJournal(), ScriptedProvider()
    with asking(here()):
        await scripted_door(provider, journal).ask(request("before"), CONFIG)
    with asking(here()), pytest.raises(JournalMismatch, match=r"r2/1\.auction/s3/agent_4/action/1"):
        await scripted_door(provider, journal).ask(request("after"), CONFIG)
    assert len(provider.asked) == 1


async def test_an_answer_that_no_longer_fits_its_schema_is_refused() -> None:
    journal = MemoryJournal()
    with asking(here()):
        await scripted_door(ScriptedProvider(always(GOOD)), journal).ask(order_request(), CONFIG)
    (key,) = journal.rows
    journal.rows[key] = {**journal.rows[key], "response": GOOD.replace("bid", "steal")}
    with asking(here()), pytest.raises(JournalMismatch, match="no longer fits Order: side"):
        await scripted_door(ScriptedProvider(), journal).ask(order_request(), CONFIG)


async def test_a_replay_asks_nobody() -> None:
    journal, provider = MemoryJournal(), ScriptedProvider()
    with asking(here()):
        await scripted_door(provider, journal).ask(request(), CONFIG)
    replaying = scripted_door(provider, journal, replay=True)
    with asking(here()):
        assert (await replaying.ask(request(), CONFIG)).replayed
        with pytest.raises(ReplayMiss, match=r"r2/1\.auction/s3/agent_4/action/2"):
            await replaying.ask(request(), CONFIG)
    assert len(provider.asked) == 1


async def test_a_row_tells_who_asked_what_where() -> None:
    journal = MemoryJournal()
    door = scripted_door(ScriptedProvider(always(GOOD, model="served-model")), journal)
    with asking(here()) as scope:
        outcome = await door.ask(order_request(), CONFIG)
    row = journal.rows[outcome.request_key]
    assert scope.last_key == outcome.request_key
    expected = {
        "request_key": "r2/1.auction/s3/agent_4/action/1",
        "request_hash": order_request().hash,
        "agent_id": "agent_4",
        "environment": "auction",
        "round": 2,
        "sub_round": 3,
        "step": "action",
        "llm_config": "mind",
        "client": "openai",
        "requested_model": "fake-model",
        "returned_model": "served-model",
        "messages": [{"role": "user", "content": "Bid or ask?"}],
        "schema_name": "Order",
        "response": GOOD,
        "response_raw": None,
        "finish_reason": "stop",
        "status": "answered",
        "reason": "",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cached_tokens": 0,
        "attempts": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["latency_ms"] >= 0


async def test_asks_outside_a_run_have_keys_of_their_own() -> None:
    door = scripted_door(ScriptedProvider())
    keys = [(await door.ask(request(), CONFIG)).request_key for _ in range(3)]
    assert keys == ["outside/1", "outside/2", "outside/3"]


async def test_what_no_database_can_hold_is_replaced_and_kept_beside() -> None:
    journal = MemoryJournal()
    door = scripted_door(ScriptedProvider(always("a\x00b\ud800c\U0001f353", model="m\x00")), journal)
    outcome = await door.ask(request(), CONFIG)
    row = journal.rows[outcome.request_key]
    assert outcome.content == row["response"] == "a\ufffdb\ufffdc\U0001f353"
    assert row["returned_model"] == "m\ufffd"
    raw = row["response_raw"].encode("ascii").decode("unicode_escape")
    assert raw == "a\x00b\ud800c\U0001f353"


async def test_the_reason_of_a_refusal_is_storable() -> None:
    door = scripted_door(ScriptedProvider(always("", refusal="no\x00" + "x" * 1000)))
    outcome = await door.ask(request(), CONFIG)
    assert outcome.status is Status.REFUSED
    assert "\x00" not in outcome.reason
    assert len(outcome.reason) == 500


@pytest.mark.parametrize(
    ("step", "status", "reason"),
    [
        (completion(GOOD), Status.ANSWERED, ""),
        (completion(GOOD, finish_reason="length"), Status.TRUNCATED, "cut off"),
        (completion(GOOD, refusal="I will not."), Status.REFUSED, "I will not"),
        (completion(GOOD, finish_reason="content_filter"), Status.REFUSED, "content filter"),
        (completion(""), Status.INVALID, "empty"),
        (completion("{}"), Status.INVALID, "price: Field required"),
        (AttemptFailed(Verdict.GIVE_UP, "HTTP 400 from there"), Status.FAILED, "HTTP 400"),
        (AttemptFailed(Verdict.GIVE_UP, "too late", timed_out=True), Status.TIMED_OUT, "too late"),
    ],
)
async def test_how_an_effort_is_judged(step: Completion | Exception, status: Status, reason: str) -> None:
    outcome = await scripted_door(ScriptedProvider(in_turn(step))).ask(order_request(), CONFIG)
    assert outcome.status is status
    assert reason in outcome.reason
    assert bool(outcome.reason) is (status is not Status.ANSWERED)
    assert (outcome.parsed is not None) is (status is Status.ANSWERED)


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_empty_plain_answer_is_none(text: str) -> None:
    outcome = await scripted_door(ScriptedProvider(always(text))).ask(request(), CONFIG)
    assert (outcome.status, outcome.reason) == (Status.INVALID, "the answer is empty")


async def test_the_tally_adds_up() -> None:
    steps = in_turn(
        AttemptFailed(Verdict.RETRY, "once"),
        completion(model="gpt-4o-mini", usage=Usage(1000, 100)),
        completion("", refusal="no", model="unheard-of"),
        AttemptFailed(Verdict.GIVE_UP, "never"),
    )
    door = scripted_door(ScriptedProvider(steps))
    outcomes = [await door.ask(request(), CONFIG) for _ in range(3)]
    tally = door.tally
    assert (tally.asked, tally.unanswered, tally.replayed) == (3, 2, 0)
    assert tally.attempts == sum(outcome.attempts for outcome in outcomes) == 4
    assert (tally.prompt_tokens, tally.completion_tokens) == (1010, 105)
    assert tally.cost == outcomes[0].cost is not None
    assert tally.cost > 0
    assert tally.unpriced == {"unheard-of"}


@pytest.mark.parametrize(
    ("base_url", "is_priced"),
    [(None, True), ("https://api.openai.com/v1", True), ("http://127.0.0.1:8000/v1", False)],
)
async def test_the_price_is_that_of_the_address_that_was_asked(base_url: str | None, is_priced: bool) -> None:
    provider = ScriptedProvider(always("Fine.", model="gpt-4o-mini"), base_url=base_url)
    outcome = await scripted_door(provider).ask(request(), CONFIG)
    assert (outcome.cost is not None) is is_priced


async def test_a_server_that_names_no_model_is_priced_by_the_one_asked_for() -> None:
    door = scripted_door(ScriptedProvider(always("Fine.", model="")))
    outcome = await door.ask(request(model="gpt-4o-mini"), CONFIG)
    assert outcome.cost
    assert not door.tally.unpriced


async def test_a_provider_that_does_not_charge_costs_nothing() -> None:
    outcome = await scripted_door(ScriptedProvider(charges=False)).ask(request(), CONFIG)
    assert outcome.cost == Decimal(0)


async def test_after_a_stop_nobody_calls_and_those_in_flight_finish() -> None:
    finish = asyncio.Event()

    async def play(asked: Request) -> Completion:
        text = asked.messages[0]["content"]
        if text == "slow":
            await finish.wait()
        if text == "refused":
            raise AttemptFailed(Verdict.KEY_REFUSED, "the key is refused")
        return completion(text)

    provider, journal = ScriptedProvider(play), MemoryJournal()
    door = scripted_door(provider, journal, max_in_flight=2)
    await door.ask(request("warm-up"), CONFIG)
    slow = asyncio.create_task(door.ask(request("slow"), CONFIG))
    await turns()
    refused = asyncio.create_task(door.ask(request("refused"), CONFIG))
    waiting = [asyncio.create_task(door.ask(request("waiting"), CONFIG)) for _ in range(5)]
    with pytest.raises(ProviderAway, match="the key is refused"):
        await refused
    for late in (*waiting, asyncio.create_task(door.ask(request("late"), CONFIG))):
        with pytest.raises(ProviderAway, match="the key is refused"):
            await late
    finish.set()
    assert (await slow).content == "slow"
    assert [row["response"] for row in journal.rows.values()] == ["warm-up", "slow"]
    assert [asked.messages[0]["content"] for asked in provider.asked] == ["warm-up", "slow", "refused"]


class BrokenJournal(MemoryJournal):
    async def commit(self, row: JournalRow, cache_key: str | None = None) -> None:
        raise DatabaseAway("the database stayed away")


async def test_nothing_more_is_paid_once_outcomes_cannot_be_kept() -> None:
    provider = ScriptedProvider()
    door = scripted_door(provider, BrokenJournal(), max_in_flight=1)
    ended = await asyncio.gather(
        *(door.ask(request(f"q{n}"), CONFIG) for n in range(5)), return_exceptions=True
    )
    assert all(isinstance(one, DatabaseAway) for one in ended)
    assert len(provider.asked) == 1


async def test_a_known_answer_is_given_even_after_a_stop() -> None:
    journal = MemoryJournal()
    steps = in_turn(completion("kept"), AttemptFailed(Verdict.KEY_REFUSED, "refused"))
    door = scripted_door(ScriptedProvider(steps), journal)
    with asking(here()):
        await door.ask(request(), CONFIG)
        with pytest.raises(ProviderAway):
            await door.ask(request(), CONFIG)
    with asking(here()):
        assert (await door.ask(request(), CONFIG)).content == "kept"


async def test_idempotency_keys_name_the_ask_and_the_run() -> None:
    first, second = ScriptedProvider(), ScriptedProvider()
    for provider, run_id in ((first, "run_a"), (second, "run_b")):
        door = scripted_door(provider, run_id=run_id)
        with asking(here()):
            await door.ask(request(), CONFIG)
            await door.ask(request(), CONFIG)
    sent = [idempotency for provider in (first, second) for _, idempotency in provider.keys]
    assert len(set(sent)) == 4
    assert all("run_" not in one and "agent" not in one for one in sent)
    # What an answer may depend on is the same in every run.
    assert [key for key, _ in first.keys] == [key for key, _ in second.keys]


async def test_outside_a_run_no_two_programs_share_an_idempotency_key() -> None:
    providers = ScriptedProvider(), ScriptedProvider()
    for provider in providers:
        await scripted_door(provider, run_id="").ask(request(), CONFIG)
    first, second = (provider.keys[0] for provider in providers)
    assert first[0] == second[0] == "outside/1"
    assert first[1] != second[1]


async def test_retries_use_one_idempotency_key() -> None:
    steps = in_turn(*(AttemptFailed(Verdict.RETRY, "again") for _ in range(3)), completion())
    provider = ScriptedProvider(steps)
    outcome = await scripted_door(provider).ask(request(), CONFIG)
    assert outcome.attempts == len(provider.keys) == 4
    assert len(set(provider.keys)) == 1


async def test_connections_stay_open_inside_the_door_and_not_outside() -> None:
    provider = ScriptedProvider()
    door = scripted_door(provider)
    async with door:
        for _ in range(3):
            await door.ask(request(), CONFIG)
        assert provider.closed == 0
    assert provider.closed == 1
    await door.ask(request(), CONFIG)
    assert provider.closed == 2


async def test_a_cancelled_ask_frees_its_slot() -> None:
    never = asyncio.Event()

    async def play(asked: Request) -> Completion:
        if asked.messages[0]["content"] == "never":
            await never.wait()
        return completion()

    door = scripted_door(ScriptedProvider(play), max_in_flight=1)
    stuck = asyncio.create_task(door.ask(request("never"), CONFIG))
    await turns()
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert (await door.ask(request(), CONFIG)).status is Status.ANSWERED
    assert door.tally.in_flight == 0


async def test_outside_a_run_what_stopped_an_ask_may_be_mended_before_the_next() -> None:
    steps = in_turn(AttemptFailed(Verdict.KEY_REFUSED, "refused"), completion("mended"))
    door = scripted_door(ScriptedProvider(steps))
    with pytest.raises(UserError, match="refused"):
        await door.ask(request(), CONFIG)
    assert (await door.ask(request(), CONFIG)).content == "mended"
