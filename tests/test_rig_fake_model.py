"""The fake model as a client sees it: valid answers, the same every time, and each fault as it is named."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import math
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from market_agents.fake_model.answers import AnswerWriter, fraction
from market_agents.fake_model.faults import FaultPlan, Rule, parse_rules
from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).parent.parent


class Side(Enum):
    BID = "bid"
    ASK = "ask"


class Order(BaseModel):
    action: Literal["bid", "ask", "hold"]
    price: float | None
    quantity: int
    reasoning: str


class Reflection(BaseModel):
    self_reward: Annotated[float, Field(ge=0, le=1)]
    confidence: float
    strategy: list[str]


class Message(BaseModel):
    content: str
    recipient_id: str
    urgent: bool


class Leaf(BaseModel):
    kind: Literal["leaf"]
    weight: Annotated[int, Field(gt=3, lt=5)]


class Tree(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=8)]
    parent: Tree | None
    children: list[Tree]


class Everything(BaseModel):
    """One of each thing that simple models hold."""

    side: Side
    leaf: Leaf
    trees: Annotated[list[Tree], Field(min_length=2, max_length=3)]
    either: int | str
    tags: set[Literal["a", "b", "c"]]
    pair: tuple[int, bool]
    table: dict[str, float]
    day: dt.date
    moment: dt.datetime
    token: uuid.UUID
    amount: Decimal
    nothing: None
    steps: Annotated[int, Field(multiple_of=50)]
    fixed: Annotated[float, Field(ge=2.5, le=2.5)]
    high_price: Annotated[float, Field(gt=140)]
    tight_price: Annotated[float, Field(gt=0.001, lt=0.002)]
    small: Annotated[int, Field(le=-4)]
    free: Any
    optional: int = 3


class Bid(BaseModel):
    side: Literal["bid"]
    price: float


class Ask(BaseModel):
    side: Literal["ask"]
    price: float


class Decision(BaseModel):
    order: Annotated[Bid | Ask, Field(discriminator="side")]


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": model.__name__, "schema": model.model_json_schema(), "strict": True},
    }


class Caller:
    """The real client with the few arguments that these tests vary."""

    def __init__(self, model: FakeModel) -> None:
        self.client = AsyncOpenAI(base_url=model.base_url, api_key="x", max_retries=0, timeout=300)

    async def __call__(self, text: str = "You are a buyer.", **more: Any) -> ChatCompletion:
        more.setdefault("response_format", json_schema(Order))
        answer: ChatCompletion = await self.client.chat.completions.create(
            model="fake-model", messages=[{"role": "user", "content": text}], **more
        )
        return answer

    async def content(self, text: str = "You are a buyer.", **more: Any) -> str:
        content = (await self(text, **more)).choices[0].message.content
        assert content is not None
        return content


@pytest.fixture
async def ask(fake_model: FakeModel) -> AsyncIterator[Caller]:
    caller = Caller(fake_model)
    yield caller
    await caller.client.close()


def one_entry(model: FakeModel) -> dict[str, Any]:
    [entry] = model.ledger()
    return entry


# Answers


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


# Determinism


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


# Ledger


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


# Faults that answer with a status or with nothing


async def test_status_with_retry_after_and_then_calm(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 429, "retry_after": "1.5", "first": 2}])
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as caught:
            await ask()
        assert caught.value.response.headers["retry-after"] == "1.5"
    await ask()
    assert [entry["status"] for entry in fake_model.ledger()] == [429, 429, 200]
    assert [entry["paid"] for entry in fake_model.ledger()] == [False, False, True]


async def test_status_with_a_body_of_ones_own(ask: Caller, fake_model: FakeModel) -> None:
    body = {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}
    fake_model.set_faults([{"kind": "status", "code": 401, "body": body}])
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key") as caught:
        await ask()
    assert caught.value.code == "invalid_api_key"


async def test_hang_never_answers(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "hang", "first": 1}])
    hanging = asyncio.create_task(ask())
    while not await asyncio.to_thread(fake_model.ledger):
        assert not hanging.done()
    await ask()
    assert not hanging.done()
    hanging.cancel()
    entry, _ = fake_model.ledger()
    assert entry["status"] is None
    assert not entry["paid"]


async def test_reset_lets_hanging_requests_go(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "hang"}])
    hanging = asyncio.create_task(ask())
    while not await asyncio.to_thread(fake_model.ledger):
        assert not hanging.done()
    fake_model.reset()
    with pytest.raises(openai.APIConnectionError):
        await hanging


async def test_delay_waits_and_jitter_is_the_requests_own(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 50, "jitter_ms": 200}])
    await asyncio.gather(*(ask(f"number {number % 5}") for number in range(10)))
    shares = set()
    for entry in fake_model.ledger():
        shares.add(share := fraction(f"jitter:{entry['request_hash']}".encode()))
        assert entry["ended"] - entry["time"] >= 0.05 + 0.2 * share - 0.005
    assert len(shares) == 5


async def test_reset_ends_the_faults(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status"}])
    fake_model.reset()
    await ask()
    assert one_entry(fake_model)["faults"] == []


async def test_latency_of_the_server_applies_to_all() -> None:
    with FakeModel(latency_ms=100) as model:
        caller = Caller(model)
        await asyncio.gather(*(caller(f"number {number}") for number in range(20)))
        assert all(entry["ended"] - entry["time"] >= 0.095 for entry in model.ledger())
        await caller.client.close()


@pytest.mark.parametrize(
    ("kind", "paid"), [("reset_before", False), ("reset_mid_body", True), ("lost_reply", True)]
)
async def test_cut_connections(ask: Caller, fake_model: FakeModel, kind: str, paid: bool) -> None:
    fake_model.set_faults([{"kind": kind, "first": 1}])
    with pytest.raises(openai.APIConnectionError):
        await ask()
    entry = one_entry(fake_model)
    assert entry["faults"] == [kind]
    assert entry["paid"] == paid
    assert not entry["sent_whole"]
    await ask()
    assert fake_model.ledger()[1]["attempt"] == 2
    assert fake_model.ledger()[1]["sent_whole"]


def receive_until_reset(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        return received
    raise AssertionError("the connection was closed in order")


async def test_reset_mid_body_sends_half_of_it(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "reset_mid_body"}])
    body = json.dumps({"model": "m", "messages": []}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", fake_model.port), timeout=300) as connection:
        connection.sendall(head + body)
        received = receive_until_reset(connection)
    headers, _, half = received.partition(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1]) for line in headers.splitlines() if line.startswith(b"Content-Length")
    ]
    assert len(half) == length // 2


@pytest.mark.parametrize(
    ("kind", "error", "refused", "accepted"),
    [
        ("no_schema_400", openai.BadRequestError, "json_schema", "json_object"),
        ("no_schema_422", openai.UnprocessableEntityError, "json_schema", "json_object"),
        ("no_schema_500", openai.InternalServerError, "json_schema", "json_object"),
        ("no_json_object_400", openai.BadRequestError, "json_object", "text"),
    ],
)
async def test_refused_response_formats(
    ask: Caller,
    fake_model: FakeModel,
    kind: str,
    error: type[openai.APIStatusError],
    refused: str,
    accepted: str,
) -> None:
    fake_model.set_faults([{"kind": kind}])
    formats = {
        "json_schema": json_schema(Order),
        "json_object": {"type": "json_object"},
        "text": {"type": "text"},
    }
    with pytest.raises(error) as caught:
        await ask(response_format=formats[refused])
    assert caught.value.status_code == int(kind[-3:])
    assert "response_format" in caught.value.response.text
    await ask(response_format=formats[accepted])
    assert [entry["paid"] for entry in fake_model.ledger()] == [False, True]


# Faults in the answer


def fenced(text: str) -> bool:
    return text.startswith("```json\n{") and text.endswith("}\n```")


def with_depth(text: str) -> bool:
    with pytest.raises(RecursionError):
        json.loads(text)
    return True


def with_digits(text: str) -> bool:
    with pytest.raises(ValueError, match="digits"):
        json.loads(text)
    return text.count("7") >= 5000


def with_trailing_comma(text: str) -> bool:
    Order.model_validate_json(text.removesuffix(",}") + "}")
    return text.endswith(",}")


MALFORMED: dict[str, Callable[[str], bool]] = {
    "fenced": fenced,
    "prose": lambda text: "{" in text and not text.startswith("{") and not text.endswith("}"),
    "plain_prose": lambda text: len(text) > 10 and "{" not in text,
    "trailing_comma": with_trailing_comma,
    "two_objects": lambda text: len({*text.splitlines()}) == 1 and len(text.splitlines()) == 2,
    "list": lambda text: isinstance(json.loads(text), list),
    "null": lambda text: json.loads(text) is None,
    "bom": lambda text: text.startswith("\ufeff{"),
    "megabyte_brace": lambda text: text == "{" * 1_000_000,
    "deep_100000": with_depth,
    "digits_5000": with_digits,
    "empty": lambda text: not text,
}


@pytest.mark.parametrize("body", MALFORMED)
async def test_malformed_answers(ask: Caller, fake_model: FakeModel, body: str) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body, "first": 1}])
    text = await ask.content()
    assert MALFORMED[body](text)
    with pytest.raises(ValidationError):
        Order.model_validate_json(text)
    entry = one_entry(fake_model)
    assert (entry["status"], entry["paid"], entry["sent_whole"]) == (200, True, True)
    Order.model_validate_json(await ask.content())


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [("html", "text/html", "<!DOCTYPE html>"), ("not_json", "application/json", "upstream")],
)
async def test_malformed_replies_that_are_no_completion(
    ask: Caller, fake_model: FakeModel, body: str, content_type: str, text: str
) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": body}])
    raw = await ask.client.chat.completions.with_raw_response.create(model="m", messages=[])
    assert raw.headers["content-type"].startswith(content_type)
    assert raw.text.startswith(text)


async def test_truncated_answer_breaks_off_or_even_parses(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "truncate", "first": 1}, {"kind": "truncate", "cut": 1}])
    answer = (await ask()).choices[0]
    assert answer.finish_reason == "length"
    assert answer.message.content
    # The second rule matched too, and left whole what the first had cut.
    with pytest.raises(ValidationError):
        Order.model_validate_json(answer.message.content)
    answer = (await ask()).choices[0]
    assert answer.finish_reason == "length"
    Order.model_validate_json(answer.message.content or "")


async def test_refusal_and_content_filter(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "refusal"}])
    message = (await ask()).choices[0].message
    assert message.content is None
    assert message.refusal
    fake_model.set_faults([{"kind": "content_filter"}])
    choice = (await ask()).choices[0]
    assert choice.finish_reason == "content_filter"
    assert not choice.message.content


async def test_wrong_model_is_named(ask: Caller, fake_model: FakeModel) -> None:
    assert (await ask()).model == "fake-model"
    fake_model.set_faults([{"kind": "wrong_model", "model": "cheap-model"}])
    assert (await ask()).model == "cheap-model"


async def test_spoilt_usage(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "usage_missing"}])
    assert (await ask()).usage is None
    fake_model.set_faults([{"kind": "usage_nan"}])
    usage = (await ask()).usage
    assert usage is not None
    assert math.isnan(usage.prompt_tokens)
    fake_model.set_faults([{"kind": "usage_negative"}])
    usage = (await ask()).usage
    assert usage is not None
    assert usage.completion_tokens < 0


FIELD_FAULTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "enum_wrong": lambda value: value["action"] not in {"bid", "ask", "hold"} and len(value) == 4,
    "missing_field": lambda value: len(value) == 3,
    "extra_field": lambda value: len(value) == 5,
    "number_as_string": lambda value: isinstance(value["price"], str) and 60 <= float(value["price"]) <= 140,
    "boolean_price": lambda value: value["price"] is True,
    "huge_price": lambda value: value["price"] == math.inf,
}


@pytest.mark.parametrize("kind", FIELD_FAULTS)
async def test_field_faults(ask: Caller, fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}])
    assert FIELD_FAULTS[kind](json.loads(await ask.content()))
    plain = await ask.content(response_format={"type": "text"})
    assert "{" not in plain
    assert [entry["faults"] for entry in fake_model.ledger()] == [[kind], []]


async def test_huge_price_is_written_as_a_number(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "huge_price"}])
    assert '"price": 95262e5670' in await ask.content()


async def test_faults_reach_the_arguments_of_a_call(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "malformed", "body": "fenced"}])
    tools = [{"type": "function", "function": {"name": "f", "parameters": Order.model_json_schema()}}]
    answer = await ask(tools=tools, tool_choice="required", response_format={"type": "text"})
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert fenced(call.function.arguments)


# Which requests a rule strikes


def struck(plan: FaultPlan, count: int, **given: Any) -> list[int]:
    fixed = {"raw": b"{}", "wanted_format": "text", "structured": False, "key": "k"}
    return [n for n in range(1, count + 1) if plan.strike(**{**fixed, **given, "attempt": n})]


def test_first_and_every() -> None:
    assert struck(FaultPlan([Rule("refusal", first=2)]), 5) == [1, 2]
    assert struck(FaultPlan([Rule("refusal", every=3)]), 7) == [3, 6]
    assert struck(FaultPlan([Rule("refusal")]), 3) == [1, 2, 3]


def test_probability_comes_from_request_and_attempt_alone() -> None:
    rule = Rule("refusal", probability=0.3)
    first = struck(FaultPlan([rule]), 1000)
    assert first == struck(FaultPlan([rule]), 1000)
    assert first != struck(FaultPlan([rule]), 1000, key="other")
    assert 240 < len(first) < 360


def test_match_looks_into_the_body_and_counts_only_matches() -> None:
    plan = FaultPlan([Rule("refusal", match="agent_7", first=1)])
    assert struck(plan, 3, raw=b"agent_8") == []
    assert struck(plan, 3, raw=b"to agent_7") == [1]


def test_a_rule_may_begin_late() -> None:
    assert struck(FaultPlan([Rule("refusal", after=3)]), 5) == [4, 5]


def test_a_match_of_several_texts_needs_them_all() -> None:
    plan = FaultPlan([Rule("refusal", match=["agent_7", "Round 2"])])
    bodies = (b"agent_7, Round 1", b"agent_6, Round 2", b"agent_7, Round 2")
    assert [bool(plan.strike(body, "text", False, "key", 1)) for body in bodies] == [False, False, True]


def test_final_fault_does_not_use_up_the_rules_after_it() -> None:
    plan = FaultPlan([Rule("status", first=2), Rule("hang", first=1)])
    kinds = [[rule.kind for rule in plan.strike(b"", "text", False, "k", n)] for n in range(1, 5)]
    assert kinds == [["status"], ["status"], ["hang"], []]


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"kind": "status"}, "must be a list"),
        ([{"kind": "explode"}], "unknown fault kind 'explode'"),
        ([{"code": 500}], "without kind"),
        ([{"kind": "status", "cod": 500}], "unknown fault parameter 'cod'"),
        ([{"kind": "malformed", "body": "odd"}], "unknown malformed body 'odd'"),
        ([{"kind": "hang", "first": 1, "every": 2}], "only one of"),
        ([{"kind": "hang", "every": 0}], "at least 1"),
    ],
)
def test_mistaken_rules_are_refused(faults: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_rules(faults)


async def test_refused_rules_leave_the_old_ones(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 503}])
    with pytest.raises(ValueError, match="unknown fault kind"):
        fake_model.set_faults([{"kind": "explode"}])
    with pytest.raises(openai.InternalServerError):
        await ask()


# The process


def test_server_started_by_hand_says_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "refusal"}]')
    command = [sys.executable, "-m", "tests.rig.fake_model_process", "--port", "0", "--faults", f"@{faults}"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        socket.create_connection(("127.0.0.1", port), timeout=300).close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0


def test_server_ends_with_whoever_started_it() -> None:
    command = [sys.executable, "-m", "tests.rig.fake_model_process", "--until-stdin-closes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdin.close()
        assert process.wait(300) == 0
        assert process.stderr.read() == b""


async def test_server_killed_hard_comes_back_on_its_port() -> None:
    with FakeModel() as model:
        caller, url = Caller(model), model.base_url
        await caller()
        model.kill_hard()
        assert not model.running
        with pytest.raises(openai.APIConnectionError):
            await caller()
        model.start()
        assert model.base_url == url
        await caller()
        assert len(model.ledger()) == 1
        with pytest.raises(RuntimeError, match="running already"):
            model.start()
        await caller.client.close()


def test_server_that_cannot_start_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        FakeModel(faults=[{"kind": "explode"}]).start()
    assert "--faults" in capfd.readouterr().err
