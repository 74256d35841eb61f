"""The fake model's server: chat completions in OpenAI's form, its ledger, and faults that can be set while it runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from market_agents.fake_model.answers import fraction, vector
from market_agents.fake_model.batches import BatchShelf
from market_agents.fake_model.faults import FaultPlan, Rule, parse_rules
from market_agents.fake_model.ledger import Entry, Ledger
from market_agents.fake_model.mutations import error_body, mutate, refusal_of_format, whole_body
from market_agents.fake_model.replies import compose, request_hash, response_format

LOOPBACK = "127.0.0.1"
MAX_BODY = 64 * 1024 * 1024
_PART = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)
_UNREADABLE = (KeyError, TypeError, AttributeError, ValueError, StopIteration, RecursionError)


@dataclass(frozen=True)
class Options:
    """How a fake model behaves from its start."""

    seed: int = 0
    rules: Sequence[Rule] = ()
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    ledger: Path | None = None
    models: Sequence[str] = ("fake-model",)


class FakeModelServer:
    """The server's state and its routes."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._ledger = Ledger(options.ledger)
        self._plan = FaultPlan(options.rules)
        self._release = asyncio.Event()
        self._batches = BatchShelf(self._ledger, lambda: self._plan, options.seed)

    def application(self) -> web.Application:
        """The web application with all routes."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/v1/chat/completions", self._chat)
        application.router.add_post("/v1/embeddings", self._embed)
        application.router.add_get("/v1/models", self._models)
        self._batches.add_routes(application)
        application.router.add_get("/ledger", self._show_ledger)
        application.router.add_post("/faults", self._set_faults)
        application.router.add_post("/reset", self._reset)
        return application

    def close(self) -> None:
        """Let go of the requests that hang, and close the ledger's file."""
        self._release.set()
        self._ledger.close()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        headers = request.headers
        entry = self._ledger.add(raw, headers.get("Authorization"), headers.get("Idempotency-Key"))
        try:
            return await self._answer(request, entry)
        finally:
            self._ledger.end(entry)

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        """A vector for each text; like an answer, a pure function of the text."""
        raw, headers = await request.read(), request.headers
        entry = self._ledger.add(raw, headers.get("Authorization"), headers.get("Idempotency-Key"))
        try:
            try:
                body = json.loads(raw)
                texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
                data = [
                    {"object": "embedding", "index": at, "embedding": vector(text)}
                    for at, text in enumerate(texts)
                ]
            except _UNREADABLE as error:
                mistake = f"cannot read the request: {type(error).__name__}: {error}"
                return await _send(request, entry, 400, error_body(mistake, "invalid_request_error"))
            key = hashlib.sha256(raw).hexdigest()
            self._ledger.identify(entry, key)
            rules = self._plan.strike(raw, "text", False, key, entry.attempt)
            entry.faults = [rule.kind for rule in rules]
            await self._wait(rules, key)
            if rules and (early := await self._answer_early(request, entry, rules[-1])) is not None:
                return early
            entry.paid = True
            tokens = sum(len(text) for text in texts) // 4
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            reply = {"object": "list", "model": body["model"], "data": data, "usage": usage}
            return await _send(request, entry, 200, reply)
        finally:
            self._ledger.end(entry)

    async def _answer(self, request: web.Request, entry: Entry) -> web.StreamResponse:
        try:
            body = json.loads(entry.raw)
            self._ledger.identify(entry, key := request_hash(body))
            reply = compose(body, key, self._options.seed)
            mistake = _unsupported(body)
        except _UNREADABLE as error:
            mistake = f"cannot read the request: {type(error).__name__}: {error}"
        if mistake is not None:
            return await _send(request, entry, 400, error_body(mistake, "invalid_request_error"))
        structured = isinstance(reply.value, dict) and bool(reply.value)
        rules = self._plan.strike(entry.raw, response_format(body), structured, key, entry.attempt)
        entry.faults = [rule.kind for rule in rules]
        await self._wait(rules, key)
        if rules and (early := await self._answer_early(request, entry, rules[-1])) is not None:
            return early
        for rule in rules:
            mutate(reply, rule)
        content_type, payload = "application/json", reply.encode()
        for other in filter(None, map(whole_body, rules)):
            content_type, payload = other
        entry.paid = True
        if "lost_reply" in entry.faults:
            return _drop(request)
        if any(rule.kind == "malformed" and rule.body == "endless" for rule in rules):
            return await _send_without_end(request, entry, payload)
        cut = "reset_mid_body" in entry.faults
        return await _send(request, entry, 200, payload, content_type=content_type, cut=cut)

    async def _wait(self, rules: Sequence[Rule], key: str) -> None:
        delays = [(self._options.latency_ms, self._options.jitter_ms)]
        delays += [(rule.ms, rule.jitter_ms) for rule in rules if rule.kind == "delay"]
        share = fraction(f"jitter:{key}".encode())
        milliseconds = sum(ms + jitter_ms * share for ms, jitter_ms in delays)
        if milliseconds > 0:
            await asyncio.sleep(milliseconds / 1000)

    async def _answer_early(
        self, request: web.Request, entry: Entry, rule: Rule
    ) -> web.StreamResponse | None:
        """The answer of a final fault, None where the rule is not one."""
        if rule.kind == "status":
            fallback = error_body(f"status {rule.code} by a fault rule", "fault")
            return await _send(request, entry, rule.code, rule.body or fallback, headers=rule.headers)
        if rule.kind == "hang":
            await self._hang(request)
            return _drop(request)
        if rule.kind == "reset_before":
            return _drop(request, reset=True)
        if rule.kind.startswith("no_"):
            return await _send(request, entry, *refusal_of_format(rule.kind))
        return None

    async def _hang(self, request: web.Request) -> None:
        release = self._release
        while not release.is_set() and request.transport is not None and not request.transport.is_closing():
            try:
                await asyncio.wait_for(release.wait(), 0.05)
            except TimeoutError:
                continue

    async def _models(self, request: web.Request) -> web.Response:
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "market-agents"}
            for name in self._options.models
        ]
        return web.json_response({"object": "list", "data": models})

    async def _show_ledger(self, request: web.Request) -> web.Response:
        bodies = request.query.get("bodies") == "1"
        return web.json_response([entry.described(body=bodies) for entry in self._ledger.entries])

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            rules = parse_rules(await request.json())
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._plan = FaultPlan(rules)
        return web.json_response({"faults": len(rules)})

    async def _reset(self, request: web.Request) -> web.Response:
        """Back to the start: empty ledger, the rules of the start, nobody hanging any more."""
        self._release.set()
        self._release = asyncio.Event()
        self._plan = FaultPlan(self._options.rules)
        self._ledger.clear()
        self._batches.clear()
        return web.json_response({})


def _unsupported(body: dict[str, Any]) -> str | None:
    if body.get("stream"):
        return "stream is not supported"
    if body.get("n") not in {None, 1}:
        return "n other than 1 is not supported"
    return None


async def _send(
    request: web.Request,
    entry: Entry,
    status: int,
    body: bytes | str | dict[str, Any],
    *,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    cut: bool = False,
) -> web.StreamResponse:
    """Send a reply and note whether it went out whole; with ``cut``, break off in the middle of the body."""
    if isinstance(body, dict):
        body = json.dumps(body)
    payload = body.encode() if isinstance(body, str) else body
    entry.status = status
    response = web.StreamResponse(status=status, headers=headers)
    response.content_type = content_type
    response.content_length = len(payload)
    try:
        await response.prepare(request)
        await response.write(payload[: len(payload) // 2] if cut else payload)
        if cut:
            return _drop(request, reset=True)
        await response.write_eof()
        entry.sent_whole = True
    except ConnectionError:
        return _drop(request)
    return response


async def _send_without_end(request: web.Request, entry: Entry, payload: bytes) -> web.StreamResponse:
    """Send a reply again and again, until whoever asked hangs up."""
    entry.status = 200
    response = web.StreamResponse()
    part = payload * (1 + _PART // len(payload))
    try:
        await response.prepare(request)
        while True:
            await response.write(part)
    except ConnectionError:
        return _drop(request)


def _drop(request: web.Request, *, reset: bool = False) -> web.Response:
    """Close the connection without a further byte; with ``reset``, so that the client sees a TCP reset."""
    transport = request.transport
    if transport is not None:
        if reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    return web.Response()


async def serve(
    options: Options, port: int, announce: Callable[[int], None], *, until_stdin_closes: bool = False
) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT, or until standard input ends if that is wanted.

    Args:
        options: how the server behaves.
        port: to listen on, 0 for a free one.
        announce: called with the port once requests are answered.
        until_stdin_closes: end with whoever holds the other end of standard input.

    Raises:
        OSError: the port cannot be had.
    """
    server = FakeModelServer(options)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port, backlog=1024).start()
        stop = asyncio.Event()
        _stop_on_signals(stop)
        if until_stdin_closes:
            loop = asyncio.get_running_loop()
            threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
        announce(runner.addresses[0][1])
        await stop.wait()
    finally:
        server.close()
        await runner.cleanup()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Without them, as on Windows, Ctrl-C ends the process in its own way.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Unbuffered: a thread that waits in a buffered read holds a lock that the interpreter needs at its end.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)
