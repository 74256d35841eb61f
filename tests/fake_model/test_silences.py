"""Faults that answer with a status, with half of a reply, or with nothing."""

from __future__ import annotations

import asyncio
import json
import socket

import openai
import pytest

from market_agents.fake_model.answers import fraction
from tests.fake_model.client import Caller, Order, json_schema, one_entry
from tests.rig.fake_model_client import FakeModel


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
