"""The door before a served model: what is counted, judged and kept for every way in which a reply can be bad."""

from __future__ import annotations

from typing import Any

import pytest

from market_agents.fake_model.faults import KINDS, MALFORMED
from market_agents.inference import MemoryJournal, Outcome, Status
from market_agents.inference.model_names import is_same_model
from tests.inference.doors import CONFIG, MODEL, Order, order_request, request, served_door
from tests.inference.served import reply, serving
from tests.rig.fake_model_client import FakeModel

_RETRIED = {"reset_before", "reset_mid_body", "lost_reply", "hang"}
_FORMATS = {"no_schema_400", "no_schema_422", "no_schema_500"}
_INVALID = {"enum_wrong", "missing_field", "extra_field", "number_as_string", "boolean_price", "huge_price"}
_HARMLESS = {"delay", "wrong_model", "usage_missing", "usage_nan", "usage_negative"}
_READ = {"fenced", "prose", "long_prose", "bom"}


async def ask(
    fake: FakeModel, journal: MemoryJournal | None = None, hangs: bool = False, **changes: Any
) -> Outcome:
    # Only who waits in vain has to be quick about it; attempts that time out are made again, as often as it takes.
    door = served_door(fake.base_url, journal, timeout=0.5 if hangs else 300.0)
    return await door.ask(order_request(**changes), CONFIG)


def _fault(kind: str) -> dict[str, Any]:
    details: dict[str, dict[str, Any]] = {
        "status": {"code": 500, "first": 2},
        "delay": {"ms": 20},
        "truncate": {"cut": 1},
        "malformed": {"body": "null"},
    }
    passing = {"first": 1} if kind in _RETRIED | _FORMATS else {}
    return {"kind": kind, **details.get(kind, passing)}


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_request_that_the_server_saw_is_an_attempt(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([_fault(kind)])
    journal = MemoryJournal()
    outcome = await ask(fake_model, journal, hangs=kind == "hang")
    ledger = fake_model.ledger()
    assert outcome.attempts == len(ledger)
    assert journal.rows[outcome.request_key]["attempts"] == len(ledger)
    retried = kind in _RETRIED | _FORMATS | {"status"}
    assert (len(ledger) > 1) is retried


@pytest.mark.parametrize("kind", sorted(_RETRIED | _HARMLESS | {"status"} | _FORMATS))
async def test_what_can_be_mended_is_answered(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([_fault(kind)])
    outcome = await ask(fake_model, hangs=kind == "hang")
    assert outcome.status is Status.ANSWERED
    assert isinstance(outcome.parsed, Order)
    assert len({entry["idempotency_key"] for entry in fake_model.ledger()}) == (2 if kind in _FORMATS else 1)


@pytest.mark.parametrize("kind", sorted(_INVALID))
async def test_L10_L11_L12_a_value_out_of_the_schema_is_a_finding(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}])
    outcome = await ask(fake_model)
    assert outcome.status is Status.INVALID
    assert outcome.parsed is None
    assert outcome.reason
    assert outcome.content


@pytest.mark.parametrize("body", sorted(MALFORMED - {"html", "not_json", "endless"}))
async def test_a_malformed_answer_is_one_outcome(fake_model: FakeModel, body: str) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body}])
    outcome = await ask(fake_model)
    assert outcome.status is (Status.ANSWERED if body in _READ else Status.INVALID)
    assert bool(outcome.reason) is (body not in _READ)
    assert outcome.attempts == 1


@pytest.mark.parametrize("body", ["html", "not_json", "endless"])
async def test_a_body_that_is_no_reply_is_asked_for_again(fake_model: FakeModel, body: str) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body, "first": 2}])
    outcome = await ask(fake_model)
    assert outcome.status is Status.ANSWERED
    assert outcome.attempts == len(fake_model.ledger()) == 3


@pytest.mark.parametrize("cut", [0.5, 1])
async def test_a_truncated_answer_is_none_even_where_it_parses(fake_model: FakeModel, cut: float) -> None:
    fake_model.set_faults([{"kind": "truncate", "cut": cut}])
    outcome = await ask(fake_model)
    assert (outcome.status, outcome.parsed, outcome.finish_reason) == (Status.TRUNCATED, None, "length")


@pytest.mark.parametrize("tool_mode", [False, True])
@pytest.mark.parametrize("kind", ["refusal", "content_filter"])
async def test_L12_a_refusal_is_one(fake_model: FakeModel, kind: str, tool_mode: bool) -> None:
    fake_model.set_faults([{"kind": kind}])
    outcome = await ask(fake_model, tool_mode=tool_mode)
    assert outcome.status is Status.REFUSED
    assert outcome.reason


async def test_the_name_of_another_model_is_kept_beside_the_one_asked_for(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "wrong_model", "model": "cheaper-model"}])
    journal = MemoryJournal()
    outcome = await ask(fake_model, journal)
    row = journal.rows[outcome.request_key]
    assert (row["requested_model"], row["returned_model"]) == (MODEL, "cheaper-model")


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o-mini", "gpt-4o", False),
        ("llama3.2", "llama3.2:latest", True),
        ("llama3.2", "llama3.2:1b", False),
        ("claude-sonnet-latest", "claude-sonnet-20250514", True),
        ("openai/gpt-4o", "GPT-4o", True),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct", True),
        ("fake-model", "", True),
    ],
)
def test_L14_a_dated_version_is_no_other_model(asked: str, answered: str, is_same: bool) -> None:
    assert is_same_model(asked, answered) == is_same


async def test_L14_another_model_is_told_once(
    fake_model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    fake_model.set_faults([{"kind": "wrong_model", "model": "cheaper-model"}])
    async with served_door(fake_model.base_url) as door:
        for _ in range(3):
            await door.ask(request(), CONFIG)
    told = [record.getMessage() for record in caplog.records if "cheaper-model" in record.getMessage()]
    assert len(told) == 1
    assert MODEL in told[0]


@pytest.mark.parametrize("kind", ["usage_missing", "usage_nan", "usage_negative"])
async def test_usage_is_estimated_where_the_server_tells_none(fake_model: FakeModel, kind: str) -> None:
    told = await ask(fake_model)
    fake_model.reset()
    fake_model.set_faults([{"kind": kind}])
    outcome = await ask(fake_model)
    assert outcome.content == told.content
    assert outcome.usage.prompt_tokens == order_request().estimated_tokens > 0
    assert outcome.usage.completion_tokens == len(outcome.content) // 4 > 0


async def test_asks_have_different_idempotency_keys(fake_model: FakeModel) -> None:
    door = served_door(fake_model.base_url)
    async with door:
        for _ in range(3):
            await door.ask(request(), CONFIG)
    assert len({entry["idempotency_key"] for entry in fake_model.ledger()}) == 3


async def test_equal_requests_get_equal_answers_whoever_is_first(fake_model: FakeModel) -> None:
    first, second = await ask(fake_model), await ask(fake_model)
    assert first.parsed == second.parsed
    assert [entry["paid"] for entry in fake_model.ledger()] == [True, True]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\U0001f353\ufffe", "\U0001f353\ufffe"),
        ("x" * 3_000_000, "x" * 3_000_000),
    ],
)
async def test_any_text_comes_through(text: str, content: str) -> None:
    journal = MemoryJournal()
    async with serving(reply({"role": "assistant", "content": text})) as base_url:
        outcome = await served_door(base_url, journal).ask(request(), CONFIG)
    row = journal.rows[outcome.request_key]
    assert outcome.status is Status.ANSWERED
    assert outcome.content == content
    assert row["response_raw"] == (
        None if text == content else text.encode("unicode_escape", "surrogatepass").decode()
    )


async def test_S03_several_megabytes_are_no_structured_answer() -> None:
    huge = '{"side": "bid", "price": 1, "quantity": 1, "reason": "' + "x" * 4_000_000 + '"}'
    async with serving(reply({"role": "assistant", "content": huge})) as base_url:
        outcome = await served_door(base_url).ask(order_request(), CONFIG)
    assert outcome.status is Status.INVALID
    assert "at most 100000" in outcome.reason
    assert outcome.content == huge


async def test_a_reply_labelled_as_text_is_read_all_the_same() -> None:
    body = reply({"role": "assistant", "content": "Fine."})
    async with serving(body, content_type="text/plain") as base_url:
        assert (await served_door(base_url).ask(request(), CONFIG)).content == "Fine."


async def test_a_reply_without_a_model_is_an_answer() -> None:
    body = reply({"role": "assistant", "content": "Fine."}, model=None)
    async with serving(body) as base_url:
        outcome = await served_door(base_url).ask(request(), CONFIG)
    assert (outcome.status, outcome.returned_model) == (Status.ANSWERED, "")
