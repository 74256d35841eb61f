"""A server in the test's own event loop that answers every chat completion with bytes of the test's choice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.rig.ports import LOOPBACK


def reply(message: Any, **changes: Any) -> dict[str, Any]:
    """A chat completion around a message; ``changes`` replace its parts."""
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": usage,
    } | changes


@asynccontextmanager
async def serving(
    body: bytes | str | dict[str, Any],
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> AsyncIterator[str]:
    """The base URL of a server that answers everything alike, for as long as the block lasts."""
    text = json.dumps(body) if isinstance(body, dict) else body
    payload = text.encode() if isinstance(text, str) else text

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, body=payload, content_type=content_type, headers=headers)

    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()
