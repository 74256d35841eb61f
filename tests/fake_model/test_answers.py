"""What the fake model answers: valid for every schema, the same every time, and all of it in the ledger."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel, TypeAdapter

from market_agents.fake_model.answers import AnswerWriter
from tests.fake_model.client import (
    Caller,
    Decision,
    Everything,
    Message,
    Order,
    Reflection,
    Tree,
    json_schema,
    one_entry,
)
from tests.rig.fake_model_client import FakeModel


@pytest.mark.parametrize("model", [Order, Reflection, Message, Tree, Everything, Decision])
async def test_structured_answers_fit_their_model(ask: Caller, model: type[BaseModel]) -> None:
    for number in range(5):
        answer = await ask(f"number {number}", response_format=json_schema(model))
        assert answer.choices[0].finish_reason == "stop"
        model.model_validate_json(answer.choices[0].message.content or "")


def test_structured_answers_fit_over_many_draws() -> None:
    for model in (Order, Everything, Decision):
        adapter, schema = TypeAdapter(model), model.model_json_schema()
        for number in range(100):
            adapter.validate_python(AnswerWriter(schema, b"%d" % number, buys=bool(number % 2)).write())


async def test_numbers_keep_to_the_ranges_of_their_names(ask: Caller) -> None:
    prices, quantities = set(), set()
    for number in range(30):
        order = Order.model_validate_json(await ask.content(f"number {number}"))
        assert order.price is not None
        assert 60 <= order.price <= 140
        assert order.price == round(order.price, 1)
        prices.add(order.price)
        quantities.add(order.quantity)
    assert len(prices) > 15
    assert quantities == {1, 2}
    reflection = Reflection.model_validate_json(await ask.content(response_format=json_schema(Reflection)))
    assert 0 <= reflection.confidence <= 1


@pytest.mark.parametrize(
    ("text", "side"),
    [("A BUYER, buyer and seller", "bid"), ("a seller", "ask"), ("neither", "ask"), ("buyer, seller", "ask")],
)
async def test_side_follows_the_word_used_more_often(ask: Caller, text: str, side: str) -> None:
    assert json.loads(await ask.content(text))["action"] == side
    decision = Decision.model_validate_json(await ask.content(text, response_format=json_schema(Decision)))
    assert decision.order.side == side


async def test_messages_go_to_everybody(ask: Caller) -> None:
    message = Message.model_validate_json(await ask.content(response_format=json_schema(Message)))
    assert message.recipient_id == "all"
    assert message.content.endswith(".")
    assert 10 < len(message.content) < 100


async def test_plain_request_gets_a_plain_sentence(ask: Caller) -> None:
    content = await ask.content(response_format={"type": "text"})
    assert content.endswith(".")
    assert "{" not in content


async def test_json_object_without_a_schema_is_an_object(ask: Caller) -> None:
    assert isinstance(json.loads(await ask.content(response_format={"type": "json_object"})), dict)


async def test_json_object_follows_a_schema_beside_it_or_in_the_prompt(ask: Caller) -> None:
    schema = Order.model_json_schema()
    beside = await ask.content(response_format={"type": "json_object", "schema": schema})
    Order.model_validate_json(beside)
    prompt = f"Values {{like this}}. Follow: {json.dumps(schema)} and nothing else"
    Order.model_validate_json(await ask.content(prompt, response_format={"type": "json_object"}))
    Order.model_validate_json(await ask.content(prompt, response_format={"type": "text"}))


async def test_text_in_parts_counts_as_text(ask: Caller) -> None:
    answer = await ask.client.chat.completions.create(
        model="fake-model",
        messages=[{"role": "user", "content": [{"type": "text", "text": "You are a buyer."}]}],
        response_format={"type": "json_schema", "json_schema": json_schema(Order)["json_schema"]},
    )
    assert json.loads(answer.choices[0].message.content or "")["action"] == "bid"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "second"}}])
async def test_forced_function_is_called_with_valid_arguments(ask: Caller, choice: Any) -> None:
    models: dict[str, type[BaseModel]] = {"first": Order, "second": Message}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": model.model_json_schema()}}
        for name, model in models.items()
    ]
    answer = await ask(tools=tools, tool_choice=choice, response_format={"type": "text"})
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == ("first" if choice == "required" else "second")
    models[call.function.name].model_validate_json(call.function.arguments)
    assert answer.choices[0].message.content is None


async def test_offered_function_is_not_called_without_force(ask: Caller) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": Order.model_json_schema()}}]
    message = (await ask(tools=tools, response_format={"type": "text"})).choices[0].message
    assert message.tool_calls is None
    assert message.content


async def test_usage_is_a_quarter_of_the_characters(ask: Caller) -> None:
    answer = await ask("x" * 400)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 100
    assert answer.usage.completion_tokens == len(answer.choices[0].message.content or "") // 4
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("more", [{"n": 2}, {"stream": True}])
async def test_n_and_stream_are_refused(ask: Caller, fake_model: FakeModel, more: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError, match="not supported"):
        await ask(**more)
    assert one_entry(fake_model)["status"] == 400
    assert not one_entry(fake_model)["paid"]


async def test_models_are_listed(ask: Caller, fake_model: FakeModel) -> None:
    assert [model.id async for model in ask.client.models.list()] == ["fake-model"]
    assert fake_model.ledger() == []


async def test_same_request_same_reply_in_any_order_and_server(ask: Caller, fake_model: FakeModel) -> None:
    texts = [f"You are buyer {number}." for number in range(10)]
    one = {text: (await ask(text)).to_dict() for text in texts}
    assert len({json.dumps(answer) for answer in one.values()}) == len(texts)
    with FakeModel(jitter_ms=5) as other:
        caller = Caller(other)
        answers = await asyncio.gather(*(caller(text) for text in reversed(texts)))
        await caller.client.close()
    assert {text: answer.to_dict() for text, answer in zip(reversed(texts), answers, strict=True)} == one


async def test_another_seed_gives_other_answers(ask: Caller) -> None:
    with FakeModel(seed=1) as other:
        caller = Caller(other)
        answer = await caller.content("You are a buyer.")
        await caller.client.close()
    Order.model_validate_json(answer)
    assert answer != await ask.content("You are a buyer.")


async def test_spelling_of_the_json_does_not_matter(ask: Caller, fake_model: FakeModel) -> None:
    await ask(temperature=0.0)
    await ask(temperature=1.0)
    first, second = fake_model.ledger()
    assert first["request_hash"] == second["request_hash"]
    assert first["body_hash"] != second["body_hash"]
    assert (first["attempt"], second["attempt"]) == (1, 2)


async def test_ledger_has_one_entry_for_each_request(ask: Caller, fake_model: FakeModel) -> None:
    await asyncio.gather(*(ask(f"number {number}") for number in range(20)))
    entries = fake_model.ledger()
    assert [entry["number"] for entry in entries] == list(range(1, 21))
    assert all(entry["status"] == 200 and entry["paid"] and entry["sent_whole"] for entry in entries)
    assert all(entry["ended"] >= entry["time"] for entry in entries)
    fake_model.reset()
    assert fake_model.ledger() == []


async def test_ledger_tells_headers_and_bodies_but_no_key(ask: Caller, fake_model: FakeModel) -> None:
    await ask("a canary", extra_headers={"Idempotency-Key": "abc"})
    [entry] = fake_model.ledger(bodies=True)
    assert entry["idempotency_key"] == "abc"
    assert entry["authorization"] == hashlib.sha256(b"Bearer x").hexdigest()[:12]
    assert entry["body"]["messages"] == [{"role": "user", "content": "a canary"}]
    assert "body" not in one_entry(fake_model)
    assert "Bearer" not in json.dumps(fake_model.ledger(bodies=True))


async def test_ledger_file_keeps_its_lines_over_resets(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    with FakeModel(ledger_file=file, faults=[{"kind": "status", "code": 503, "first": 1}]) as model:
        caller = Caller(model)
        with pytest.raises(openai.InternalServerError):
            await caller("one")
        model.reset()
        with pytest.raises(openai.InternalServerError):
            await caller("two")
        await caller("three")
        await caller.client.close()
    # Read when the server is gone: it writes a line just after the answer's last byte.
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["body"]["messages"][0]["content"] for line in lines] == ["one", "two", "three"]
    assert [line["status"] for line in lines] == [503, 503, 200]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": 3}', b"\xff", b"[" * 100_000])
async def test_unreadable_request_is_refused_and_recorded(fake_model: FakeModel, body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", fake_model.port)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert fake_model.ledger(bodies=True)[0]["status"] == 400
