"""How bytes go to an endpoint and come back: to no other place than was named, and no more than anybody can mean."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

MOST_BYTES = 16 * 2**20
"""Of a reply's body, unpacked. The longest answers of today's models take a hundredth of it."""

MOST_BYTES_OF_MANY = 2**30
"""The same of replies that hold many answers: the files of a batch, and vectors."""

_LONGEST_CONNECTING = 10.0
_MANY = ("/content", "/embeddings")


class ReplyTooLong(Exception):
    """A reply's body had more bytes than any reply that we may be sent."""


class _BoundedClient(DefaultAioHttpClient):
    """The transport of the library, which reads no body beyond a bound: it closes the connection there."""

    async def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,
        **rest: Any,  # noqa: ANN401  (handed on as it comes)
    ) -> httpx2.Response:
        """Send a request, and read the reply's body unless it is wanted as a stream.

        Raises:
            ReplyTooLong: the body passes the bound.
        """
        response = await super().send(request, stream=True, **rest)
        if stream:
            return response
        most = MOST_BYTES_OF_MANY if request.url.path.endswith(_MANY) else MOST_BYTES
        try:
            body = await _read(response, most)
        finally:
            await response.aclose()
        headers = response.headers.copy()
        headers.pop("content-encoding", None)  # the body that is handed on is unpacked
        return httpx2.Response(response.status_code, headers=headers, content=body, request=response.request)


async def _read(response: httpx2.Response, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most:
            raise ReplyTooLong(f"more than {most // 2**20} MB")
        parts.append(part)
    return b"".join(parts)


def make_client(*, base_url: str, api_key: str | None, timeout: float, connections: int) -> AsyncOpenAI:
    """The library's client for an endpoint, which retries nothing and follows no redirect.

    Args:
        base_url: the endpoint's address.
        api_key: None for an endpoint that gets none.
        timeout: seconds between two signs of life.
        connections: that may be open at the same time.
    """
    seconds = openai.Timeout(timeout, connect=min(timeout, _LONGEST_CONNECTING))
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return AsyncOpenAI(
        api_key=api_key or "none",
        organization=_variable("OPENAI_ORG_ID"),
        project=_variable("OPENAI_PROJECT_ID"),
        base_url=base_url,
        max_retries=0,
        timeout=seconds,
        http_client=_BoundedClient(
            verify=_certificates(), timeout=seconds, limits=limits, follow_redirects=False
        ),
    )


def _variable(name: str) -> str | None:
    """A variable that the library puts into a header as it stands, without the line end that files bring along."""
    return os.environ.get(name, "").strip() or None


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates that are trusted: reading them takes most of the time of making a client."""
    return httpx2.create_ssl_context()
