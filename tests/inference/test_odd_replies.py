"""Replies that no library foresees, whole or in their headers: each is a failed attempt or an answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from market_agents.errors import ProviderAway
from market_agents.inference import MemoryJournal, Status
from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    CONFIG,
    ScriptedProvider,
    completion,
    request,
    scripted_door,
    served_door,
    served_provider,
    turns,
)
from tests.inference.served import reply
from tests.rig.ports import LOOPBACK

GOOD = json.dumps(reply({"role": "assistant", "content": "Fine."}))


@contextlib.asynccontextmanager
async def saying(status: int, headers: dict[str, str], body: str) -> AsyncIterator[str]:
    """The base URL of a server that answers everything with these very bytes."""
    lines = [f"HTTP/1.1 {status} Odd", *(f"{name}: {value}" for name, value in headers.items())]
    said = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", body]).encode(
        "latin-1"
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1"


async def attempt(url: str) -> Completion:
    provider = served_provider(url)
    try:
        return await provider.attempt(request(), "key", "key")
    finally:
        await provider.close()


@pytest.mark.parametrize("count", ["1" + "0" * 400, "-" + "9" * 400, "1e999", "NaN", "[7]", "true", '"10"'])
async def test_L16_a_count_that_is_none_is_estimated(count: str) -> None:
    usage = f'"prompt_tokens": {count}, "prompt_tokens_details": {{"cached_tokens": {count}}}'
    async with saying(200, {}, GOOD.replace('"prompt_tokens": 10', usage)) as url:
        outcome = await served_door(url, MemoryJournal()).ask(request(), CONFIG)
    assert outcome.status is Status.ANSWERED
    assert outcome.usage == Usage(prompt_tokens=request().estimated_tokens, completion_tokens=5)


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 21 Oct 99999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2026 999999999999999999:28:00 GMT",
        "Wed, 21 Oct 2026 07:28:00 +99999999999999",
        "Wed, 21 Oct 2026 07:28:00",
        "Wed, 21 Oct 1926 07:28:00 GMT",
    ],
)
@pytest.mark.parametrize("header", ["Retry-After", "Date"])
async def test_L01_a_date_beyond_all_calendars_asks_for_no_silence(date: str, header: str) -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 -0000", header: date}
    async with saying(429, headers, "{}") as url:
        with pytest.raises(AttemptFailed) as failed:
            await attempt(url)
    assert failed.value.verdict is Verdict.PAUSE
    assert not failed.value.retry_after


@pytest.mark.parametrize("charset", ["idna", "hex", "undefined", "zlib", "no-such-set", "utf-7"])
@pytest.mark.parametrize("status", [200, 500])
async def test_L09_a_character_set_that_is_none_is_no_surprise(charset: str, status: int) -> None:
    async with saying(status, {"Content-Type": f"application/json; charset={charset}"}, GOOD) as url:
        if status == 200:
            assert (await attempt(url)).text == "Fine."
            return
        with pytest.raises(AttemptFailed) as failed:
            await attempt(url)
    assert failed.value.verdict in {Verdict.RETRY, Verdict.GARBLED}


async def test_L01_who_is_told_to_wait_beyond_all_patience_does_not_abstain() -> None:
    answered = asyncio.Event()

    async def play(asked: Request) -> Completion:
        if asked.messages[0]["content"] == "told":
            await answered.wait()
            raise AttemptFailed(Verdict.PAUSE, "HTTP 429", retry_after=1e9)
        if asked.messages[0]["content"] == "other":
            await turns()
        return completion()

    journal = MemoryJournal()
    door = scripted_door(ScriptedProvider(play), journal)
    await door.ask(request("first"), CONFIG)
    told = asyncio.create_task(door.ask(request("told"), CONFIG))
    await turns()
    await door.ask(request("other"), CONFIG)
    answered.set()
    with pytest.raises(ProviderAway, match="HTTP 429"):
        await told
    assert len(journal.rows) == 2, "what was not answered is owed, and no outcome"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (429, Verdict.PAUSE),
        (502, Verdict.RETRY),
        (402, Verdict.KEY_REFUSED),
        (401, Verdict.KEY_REFUSED),
        (400, Verdict.GIVE_UP),
    ],
)
async def test_L09_an_error_under_200_means_what_its_own_status_means(code: int, verdict: Verdict) -> None:
    async with saying(200, {}, json.dumps({"error": {"message": "no luck", "code": code}})) as url:
        with pytest.raises(AttemptFailed, match=str(code)) as failed:
            await attempt(url)
    assert (failed.value.verdict, failed.value.maybe_paid) == (verdict, False)


async def test_a_line_end_in_a_variable_of_the_library_reaches_no_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-strawberry\n")
    monkeypatch.setenv("OPENAI_PROJECT_ID", " proj-strawberry\r\n")
    async with saying(200, {}, GOOD) as url:
        assert (await attempt(url)).text == "Fine."
