"""A reply that does not end, or that unpacks to more than memory holds, is left: the connection is closed on it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import repeat

import pytest

from market_agents.errors import ProviderAway, UserError
from market_agents.inference import MemoryJournal, Status
from market_agents.inference.endpoints import MOST_GARBLED_REPLIES
from market_agents.inference.providers import transport
from tests.inference.doors import CONFIG, Order, request, served_door
from tests.inference.served import reply, serving
from tests.inference.test_batches import answers, ask_all, door, opened
from tests.rig.fake_model_client import FakeModel
from tests.rig.ports import LOOPBACK

MANY = 64 * 2**20
PART = b"x" * 2**16


@dataclass
class Sent:
    """What a server sent: how often it was asked, and how many bytes it got rid of at most for one request."""

    requests: int = 0
    most: int = 0


@contextlib.asynccontextmanager
async def without_end(head: str, parts: Iterator[bytes]) -> AsyncIterator[tuple[str, Sent]]:
    """A server whose reply goes on until somebody closes the connection."""
    sent = Sent()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sent.requests += 1
        size = 0
        writer.write(f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(part := next(parts))
                await writer.drain()
                size += len(part)
                sent.most = max(sent.most, size)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1", sent


@pytest.mark.parametrize("head", ["200 OK", "500 Away", "400 Bad"])
async def test_N05_a_reply_without_end_is_left_and_the_next_one_is_asked_for_so_often(head: str) -> None:
    async with without_end(head, repeat(PART)) as (url, sent):
        with pytest.raises(UserError, match="more than 16 MB"):
            await served_door(url).ask(request(), CONFIG)
    assert sent.requests == MOST_GARBLED_REPLIES
    # What the sockets of both sides hold comes on top.
    assert transport.MOST_BYTES <= sent.most < 4 * transport.MOST_BYTES


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_N05_a_small_reply_that_unpacks_to_a_large_one_is_left(packing: str) -> None:
    large = b" " * MANY
    packed = gzip.compress(large, 6) if packing == "gzip" else zlib.compress(large, 6)
    assert len(packed) < MANY / 500
    async with serving(packed, headers={"Content-Encoding": packing}) as url:
        with pytest.raises(UserError, match="more than 16 MB"):
            await served_door(url).ask(request(), CONFIG)


async def test_a_packed_answer_is_unpacked() -> None:
    body = reply({"role": "assistant", "content": "x" * 3_000_000})
    async with serving(gzip.compress(json.dumps(body).encode()), headers={"Content-Encoding": "gzip"}) as url:
        outcome = await served_door(url).ask(request(), CONFIG)
    assert outcome.content == "x" * 3_000_000


async def test_N05_a_reply_without_end_after_first_answers_costs_one_agent_its_turn(
    fake_model: FakeModel,
) -> None:
    """The run goes on; the agent that was answered so abstains."""
    journal = MemoryJournal()
    asked = served_door(fake_model.base_url, journal)
    assert (await asked.ask(request("first"), CONFIG)).status is Status.ANSWERED
    fake_model.set_faults([{"kind": "malformed", "body": "endless", "match": "unlucky"}])
    unlucky, lucky = await asyncio.gather(
        asked.ask(request("unlucky"), CONFIG), asked.ask(request("lucky"), CONFIG)
    )
    assert lucky.status is Status.ANSWERED
    assert (unlucky.status, unlucky.attempts) == (Status.FAILED, MOST_GARBLED_REPLIES)
    assert "more than 16 MB" in unlucky.reason
    assert journal.rows[unlucky.request_key]["unconfirmed_attempts"] == MOST_GARBLED_REPLIES


async def test_the_answers_of_a_batch_have_a_bound_of_their_own(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2000)
    async with opened(door(fake_model, MemoryJournal())) as asked:
        found = answers(await ask_all(asked, 20))
    assert all(isinstance(answer, Order) for answer in found)


async def test_the_answers_of_a_batch_are_not_fetched_for_ever(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES_OF_MANY", 2000)
    journal = MemoryJournal()
    async with opened(door(fake_model, journal)) as asked:
        stops = await ask_all(asked, 20)
    assert all(isinstance(stop, ProviderAway) for stop in stops)
    monkeypatch.undo()
    async with opened(door(fake_model, journal)) as asked:
        found = answers(await ask_all(asked, 20))
    assert all(isinstance(answer, Order) for answer in found)
    assert len(fake_model.ledger()) == 20, "what waits at the provider is fetched, not asked again"
