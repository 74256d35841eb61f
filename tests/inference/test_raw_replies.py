"""Replies byte by byte, as proxies, gateways and servers under load send them, and connections that end or mix up."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from market_agents.errors import ProviderAway, UserError
from market_agents.inference import MemoryJournal, Status
from market_agents.inference.asks import Completion
from market_agents.inference.endpoints import MOST_GARBLED_REPLIES, PROBES_BEFORE_GIVING_UP
from market_agents.inference.providers.openai_chat import OpenAIChatProvider
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import CONFIG, KEY, Tries, request, served_door, served_provider, turns
from tests.inference.served import reply
from tests.rig.ports import LOOPBACK

# -- a server of bytes ------------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What a server saw: the heads of requests, and its side of each connection."""

    heads: list[bytes] = field(default_factory=list)
    lines: list[asyncio.StreamWriter] = field(default_factory=list)


Say = Callable[[str, Seen], bytes]
"""From a request's last message to a reply's bytes."""


@contextlib.asynccontextmanager
async def speaking(say: Say, *, stays: bool = True) -> AsyncIterator[tuple[str, Seen]]:
    """The base URL of a server that says very bytes, and what it saw; one that does not stay hangs up after each."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.lines.append(writer)
        while True:
            writer.write(say(await _asked(reader, seen), seen))
            await writer.drain()
            if not stays:
                break

    async with listening(serve) as url:
        yield url, seen


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve_one, LOOPBACK, 0)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1"
    for task in filter(None, tasks):
        task.cancel()
    await turns()


async def _asked(reader: asyncio.StreamReader, seen: Seen) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
    seen.heads.append(head)
    text: str = body["messages"][-1]["content"]
    return text


@contextlib.asynccontextmanager
async def provider_of(url: str, **changes: Any) -> AsyncIterator[OpenAIChatProvider]:
    provider = served_provider(url, **changes)
    try:
        yield provider
    finally:
        await provider.close()


async def attempt(url: str) -> Completion:
    async with provider_of(url) as provider:
        return await provider.attempt(request(), "key", "key")


def answer(text: str) -> bytes:
    return json.dumps(reply({"role": "assistant", "content": text})).encode()


def http(body: bytes, head: bytes = b"", *, start: bytes = b"HTTP/1.1 200 OK", length: bool = True) -> bytes:
    own = b"Content-Length: %d\r\n" % len(body) if length else b""
    return start + b"\r\nContent-Type: application/json\r\n" + own + head + b"\r\n" + body


def with_length(length: bytes) -> bytes:
    return http(FINE, b"Content-Length: " + length + b"\r\n", length=False)


def in_chunks(sent: bytes) -> bytes:
    return http(sent, b"Transfer-Encoding: chunked\r\n", length=False)


def packed(coding: bytes, body: bytes) -> bytes:
    return http(body, b"Content-Encoding: " + coding + b"\r\n")


def status(line: bytes, head: bytes = b"") -> bytes:
    return http(b"{}", head, start=b"HTTP/1.1 " + line)


FINE = answer("Fine.")
HALVES = FINE[:40], FINE[40:]
CHUNKS = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in HALVES)
GOOD = http(FINE)

# -- one reply --------------------------------------------------------------------------------------------------------

ANSWERS = {
    "in chunks": in_chunks(CHUNKS + b"0\r\n\r\n"),
    "in chunks with remarks": in_chunks(b"%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(FINE), FINE)),
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
    "after three of 102": b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + GOOD,
    "after 103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD,
    "HTTP/1.0 without a length": http(FINE, start=b"HTTP/1.0 200 OK", length=False),
    "without a length": http(FINE, length=False),
    "without a reason": http(FINE, start=b"HTTP/1.1 200"),
    "after empty lines": b"\r\n\r\n" + GOOD,
    "deflated": packed(b"deflate", zlib.compress(FINE)),
    "packed twice": packed(b"gzip, gzip", gzip.compress(gzip.compress(FINE))),
    "packed in name only": packed(b"rot13", FINE),
    "surrogate in a header": http(FINE, b"X-A: \xed\xa0\x80\r\n"),
    "cookie that no jar takes": http(FINE, b"Set-Cookie: a=b; Max-Age=" + b"9" * 400 + b"\r\n"),
    "message twice": http(FINE.replace(b'"message"', b'"message": null, "message"')),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS)
async def test_N07_an_answer_is_read_however_it_is_sent(said: bytes) -> None:
    async with speaking(lambda *_: said, stays=False) as (url, _):
        assert (await attempt(url)).text == "Fine."


CUT_OFF = {
    "in the size of a chunk": in_chunks(b"2"),
    "after the size of a chunk": in_chunks(b"28\r\n"),
    "in a chunk": in_chunks(CHUNKS[:20]),
    "after a chunk": in_chunks(CHUNKS[:44]),
    "before the last chunk": in_chunks(CHUNKS),
    "in the last chunk": in_chunks(CHUNKS + b"0\r\n"),
    "before its length": with_length(b"%d" % (len(FINE) + 10)),
    "in its head": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "before it begins": b"",
}
UNREADABLE = {
    "no size": in_chunks(b"zz\r\n" + FINE),
    "negative size": in_chunks(b"-5\r\n" + FINE),
    "huge size": in_chunks(b"f" * 40 + b"\r\n" + FINE),
    "long trailer": in_chunks(CHUNKS + b"0\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n"),
    "length too short": with_length(b"%d" % (len(FINE) - 10)),
    "length negative": with_length(b"-5"),
    "length empty": with_length(b""),
    "length a word": with_length(b"many"),
    "length of 5,000 digits": with_length(b"9" * 5000),
    "two lengths": http(FINE, b"Content-Length: 5\r\n"),
    "length and chunks": http(CHUNKS + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n"),
    "chunks twice": http(FINE, b"Transfer-Encoding: chunked\r\n" * 2, length=False),
    "chunks packed": http(CHUNKS, b"Transfer-Encoding: chunked, gzip\r\n", length=False),
    "gzip that is none": packed(b"gzip", FINE),
    "gzip with another sum": packed(b"gzip", gzip.compress(FINE)[:-8] + bytes(8)),
    "gzip cut off": packed(b"gzip", gzip.compress(FINE)[:-20]),
    "deflate that is none": packed(b"deflate", FINE),
    "zstd": packed(b"zstd", b"\x28\xb5\x2f\xfd" + bytes(9)),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "204 with a body": http(FINE, start=b"HTTP/1.1 204 No Content"),
    "205": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 cut off": http(FINE[:-9], start=b"HTTP/1.0 200 OK", length=False),
    "no HTTP": FINE,
    "a TLS server's alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "status of four digits": status(b"1000 Odd"),
    "long header": http(FINE, b"X-A: " + b"a" * 1_000_000 + b"\r\n"),
    "many headers": http(FINE, b"".join(b"X-%d: a\r\n" % number for number in range(10_000))),
    "NUL in a header": http(FINE, b"X-A: a\0b\r\n"),
    "header without a name": http(FINE, b": a\r\n"),
    "choices taken back": http(FINE[:-1] + b', "choices": null}'),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        *(pytest.param(said, Verdict.RETRY, id=f"cut off {where}") for where, said in CUT_OFF.items()),
        *(pytest.param(said, Verdict.GARBLED, id=what) for what, said in UNREADABLE.items()),
    ],
)
async def test_N07_a_reply_that_http_does_not_allow_is_a_failed_attempt(
    said: bytes, verdict: Verdict
) -> None:
    async with speaking(lambda *_: said, stays=False) as (url, seen):
        with pytest.raises(AttemptFailed) as failed:
            await attempt(url)
    assert (failed.value.verdict, failed.value.maybe_paid) == (verdict, True)
    assert len(seen.heads) == 1
    assert "\n" not in failed.value.reason
    assert KEY not in "".join(traceback.format_exception(failed.value))


def test_N07_what_the_asker_was_handling_explains_no_failure() -> None:
    async def asked() -> None:
        async with speaking(lambda *_: CUT_OFF["in a chunk"], stays=False) as (url, _):
            await attempt(url)

    try:
        raise TimeoutError
    except TimeoutError:
        with pytest.raises(AttemptFailed, match="broke the connection off: TransferEncodingError") as failed:
            asyncio.run(asked())
    assert not failed.value.timed_out


@pytest.mark.parametrize("said", ["gzip that is none", "no size", "two lengths", "many headers"])
async def test_N07_what_nobody_can_read_is_paid_for_three_times_at_most(said: str) -> None:
    journal = MemoryJournal()
    async with speaking(lambda text, _: GOOD if text == "first" else UNREADABLE[said]) as (url, seen):
        door = served_door(url, journal)
        async with door:
            await door.ask(request("first"), CONFIG)
            outcome = await door.ask(request("unlucky"), CONFIG)
    assert (outcome.status, outcome.attempts) == (Status.FAILED, MOST_GARBLED_REPLIES)
    assert journal.rows[outcome.request_key]["unconfirmed_attempts"] == MOST_GARBLED_REPLIES
    assert len(seen.heads) == 1 + MOST_GARBLED_REPLIES


# -- what a status says -----------------------------------------------------------------------------------------------


async def test_N07_servers_that_are_away_for_a_while_cost_no_answer() -> None:
    storm = [b"500", b"502 Bad", b"507 Full", b"521 Down", b"523 Away", b"530 Origin", b"599 Odd"]

    def say(_: str, seen: Seen) -> bytes:
        return status(storm[len(seen.heads) - 1]) if len(seen.heads) <= len(storm) else GOOD

    journal = MemoryJournal()
    async with speaking(say) as (url, seen):
        outcome = await served_door(url, journal).ask(request(), CONFIG)
    assert outcome.status is Status.ANSWERED
    assert outcome.attempts == len(seen.heads) == len(storm) + 1
    assert journal.rows[outcome.request_key]["unconfirmed_attempts"] == 0


@pytest.mark.parametrize("line", [b"501 Never", b"505 Version", b"101 Switching Protocols", b"999 Odd"])
async def test_what_will_never_work_is_asked_once(line: bytes) -> None:
    async with speaking(lambda *_: status(line), stays=False) as (url, seen):
        outcome = await served_door(url).ask(request(), CONFIG)
    assert (outcome.status, len(seen.heads)) == (Status.FAILED, 1)


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        (b"Retry-After: 1\r\nRetry-After: 60\r\n", 60),
        (b"Retry-After: 60\r\nRetry-After: soon\r\n", 60),
        (b"Retry-After: 1, 60\r\n", None),
        (b"Retry-After: 7.5\r\n", 7.5),
        (b"Retry-After: +7\r\n", 7),
        (b"Retry-After: 0x10\r\n", None),
        (b'Retry-After: "7"\r\n', None),
        (b"Retry-After: 2026-11-26T23:00:00Z\r\n", None),
        (b"Retry-After: " + b"9" * 5000 + b"\r\n", None),
        (b"Retry-After: Sun Nov  6 08:49:37 1994\r\nDate: Sun Nov  6 08:49:30 1994\r\n", 7),
        (b"Retry-After-Ms: 1500\r\nRetry-After: 7\r\n", 1.5),
        (b"Retry-After-Ms: soon\r\nRetry-After: 7\r\n", 7),
        (b"Retry-After: \xd9\xa7\r\n", 7),
        (b"Set-Cookie: \xff\r\nRetry-After: 7\r\n", 7),
    ],
)
@pytest.mark.parametrize(
    "reason", [b"Too Many", "Trop de requêtes".encode("latin-1")], ids=["English", "French"]
)
async def test_L01_silence_is_kept_however_it_is_asked_for(
    head: bytes, seconds: float | None, reason: bytes
) -> None:
    async with speaking(lambda *_: status(b"429 " + reason, head)) as (url, _):
        with pytest.raises(AttemptFailed) as failed:
            await attempt(url)
    assert (failed.value.verdict, failed.value.retry_after) == (Verdict.PAUSE, seconds)


# -- one connection after another -------------------------------------------------------------------------------------


def echo(text: str, _: Seen) -> bytes:
    return http(answer(text))


async def asked_in_turn(provider: OpenAIChatProvider, *texts: str) -> list[str]:
    return [(await provider.attempt(request(text), text, text)).text for text in texts]


@pytest.mark.parametrize("is_seen", [False, True], ids=["still in the socket", "already read"])
@pytest.mark.parametrize(
    "said",
    [http(answer("Stale.")), status(b"408 Request Timeout"), b"\x15\x03\x03"],
    ids=["answer", "408", "TLS"],
)
async def test_N06_a_reply_that_nobody_asked_for_answers_nobody(said: bytes, is_seen: bool) -> None:
    async with speaking(echo) as (url, seen), provider_of(url) as provider:
        assert await asked_in_turn(provider, "one", "two") == ["one", "two"]
        assert len(seen.lines) == 1, "connections are kept"
        seen.lines[0].write(said)
        if is_seen:
            await turns()
        assert await asked_in_turn(provider, "three", "four") == ["three", "four"]
        assert len(seen.lines) == 2


@pytest.mark.parametrize("is_seen", [False, True], ids=["still in the socket", "already read"])
async def test_N06_a_connection_that_was_closed_between_two_asks_costs_no_attempt(is_seen: bool) -> None:
    async with speaking(echo) as (url, seen), provider_of(url) as provider:
        assert await asked_in_turn(provider, "one") == ["one"]
        seen.lines[0].write_eof()
        if is_seen:
            await turns()
        assert await asked_in_turn(provider, "two") == ["two"]
        assert len(seen.heads) == 2


@pytest.mark.parametrize("as_chunks", [False, True])
async def test_N06_a_reply_that_is_sent_twice_answers_one(as_chunks: bool) -> None:
    def twice(text: str, _: Seen) -> bytes:
        body = answer(text)
        said = in_chunks(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)) if as_chunks else http(body)
        return said + said

    async with speaking(twice) as (url, _), provider_of(url) as provider:
        assert await asked_in_turn(provider, "one", "two", "three") == ["one", "two", "three"]


async def test_N06_an_answer_that_comes_too_late_answers_nobody() -> None:
    given_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            text = await _asked(reader, Seen())
            if text == "late":
                await given_up.wait()
            writer.write(http(answer(text)))

    async with listening(serve) as url, provider_of(url, timeout=0.2) as hasty:
        with pytest.raises(AttemptFailed) as failed:
            await hasty.attempt(request("late"), "late", "late")
        assert failed.value.timed_out
        given_up.set()
        async with provider_of(url) as patient:
            assert await asked_in_turn(patient, "other") == ["other"]
        hasty._timeout = 300.0
        assert await asked_in_turn(hasty, "next") == ["next"]


async def test_N06_no_cookie_ties_requests_together() -> None:
    said = http(FINE, b"Set-Cookie: session=1; Path=/\r\nSet-Cookie2: other=2\r\n")
    async with speaking(lambda *_: said) as (url, seen), provider_of(url) as provider:
        await asked_in_turn(provider, "one", "two")
    assert len(seen.heads) == 2
    assert not any(b"cookie:" in head.lower() for head in seen.heads)


# -- no connection ----------------------------------------------------------------------------------------------------


async def test_N01_a_connection_that_is_reset_at_once_was_a_connection() -> None:
    calls: list[int] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()

    async with listening(serve) as url:
        with pytest.raises(ProviderAway, match="broke the connection off"):
            await served_door(url, backoff=Tries(3)).ask(request(), CONFIG)
    assert len(calls) == 3


async def test_a_port_that_speaks_no_tls_is_the_users_mistake() -> None:
    calls: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with listening(serve) as url:
        with pytest.raises(UserError, match="check base_url"):
            await served_door(url.replace("http:", "https:")).ask(request(), CONFIG)
    assert len(calls) == PROBES_BEFORE_GIVING_UP


class Names:
    """A name server that knows nobody for so many questions."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.unknown = 0
        self.questions = 0
        look_up = asyncio.BaseEventLoop.getaddrinfo

        async def answer(loop: asyncio.BaseEventLoop, *given: Any, **rest: Any) -> Any:
            self.questions += 1
            if self.questions <= self.unknown:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return await look_up(loop, *given, **rest)

        patch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answer)


async def test_a_host_whose_name_nobody_knows_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    names.unknown = 1000
    with pytest.raises(
        UserError, match=r"no connection to http://localhost.*Name or service not known.*base_url"
    ):
        await served_door("http://localhost:9/v1").ask(request(), CONFIG)
    assert names.questions == PROBES_BEFORE_GIVING_UP


async def test_a_name_server_that_is_away_for_a_while_costs_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    async with speaking(echo, stays=False) as (url, seen):
        door = served_door(url.replace(LOOPBACK, "localhost"), journal)
        async with door:
            await door.ask(request("first"), CONFIG)
            names = Names(monkeypatch)
            names.unknown = 4
            # The library remembers an address for some seconds; another client asks for it again.
            await door._endpoints[CONFIG.name].provider.close()
            outcome = await door.ask(request("later"), CONFIG)
    assert (outcome.content, outcome.attempts) == ("later", names.unknown + 1)
    assert journal.rows[outcome.request_key]["unconfirmed_attempts"] == 0
    assert len(seen.heads) == 2
