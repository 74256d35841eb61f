"""How bytes go to an endpoint and come back: to no other place than was named, and no more than anybody can mean."""

from __future__ import annotations

import os
import selectors
import ssl
from functools import cache, partial
from typing import Any, Self
from weakref import WeakSet

import aiohttp
import httpx2
import openai
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.typedefs import RawHeaders
from openai import AsyncOpenAI, DefaultAioHttpClient

MOST_BYTES = 16 * 2**20
"""Of a reply's body, unpacked. The longest answers of today's models take a hundredth of it."""

MOST_BYTES_OF_MANY = 2**30
"""The same of replies that hold many answers: the files of a batch, and vectors."""

_LONGEST_CONNECTING = 10.0
_MANY = ("/content", "/embeddings")
# It needs no file of its own, and takes any number of them; where there is none, the other does.
_Poll: type[selectors.SelectSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class ReplyTooLong(Exception):
    """A reply's body had more bytes than any reply that we may be sent."""


class _Connector(aiohttp.TCPConnector):
    """Hands out no connection a second time on which something has come since: nobody has asked for that.

    A reply that a server sends twice would be taken for the answer to the next request, which may be another agent's.
    A server that has closed the connection meanwhile would cost an attempt of which nobody knows whether it was paid.
    """

    def __init__(self, **rest: Any) -> None:  # noqa: ANN401  (handed on as it comes)
        super().__init__(**rest)
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """A connection that was not used before, or on which all is silent."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                break
            if not protocol.should_close and not _has_come(protocol):
                return connection
            connection.close()
        if protocol is not None:
            self._used.add(protocol)
        return connection


class _Reply(aiohttp.ClientResponse):
    """A reply without what says nothing about it: the cookies, which we keep none of, and the letters of its reason."""

    async def start(self, connection: Connection) -> Self:
        """Read the reply's head."""
        await super().start(connection)
        # The library takes nothing else, and an overloaded server may say that it is in its own language.
        self.reason = (self.reason or "").encode("ascii", "replace").decode("ascii")
        return self

    @property
    def raw_headers(self) -> RawHeaders:
        """Names and values. A cookie would tie requests together, and the library trips over odd ones."""
        return tuple(one for one in super().raw_headers if not one[0].lower().startswith(b"set-cookie"))


class _BoundedClient(DefaultAioHttpClient):
    """The transport of the library, which reads no body beyond a bound: it closes the connection there."""

    def _init_transport(self, *given: Any, **rest: Any) -> httpx2.AsyncBaseTransport:  # noqa: ANN401
        return _with_our_sessions(super()._init_transport(*given, **rest))

    def _init_proxy_transport(self, *given: Any, **rest: Any) -> httpx2.AsyncBaseTransport:  # noqa: ANN401
        return _with_our_sessions(super()._init_proxy_transport(*given, **rest))

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


def _with_our_sessions(transport: Any) -> httpx2.AsyncBaseTransport:  # noqa: ANN401  (the library tells no type)
    transport.client = partial(_session, transport.limits, transport.ssl_context)
    given: httpx2.AsyncBaseTransport = transport
    return given


def _session(limits: httpx2.Limits, certificates: ssl.SSLContext) -> aiohttp.ClientSession:
    most = limits.max_connections
    return aiohttp.ClientSession(
        connector=_Connector(
            limit=100 if most is None else most, keepalive_timeout=limits.keepalive_expiry, ssl=certificates
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=_Reply,
    )


def _has_come(protocol: ResponseHandler) -> bool:
    """Whether there is something to read that the event loop has not seen yet; the end counts too."""
    transport = protocol.transport
    socket = None if transport is None else transport.get_extra_info("socket")
    if socket is None:
        return False
    with _Poll() as poll:
        poll.register(socket, selectors.EVENT_READ)
        return bool(poll.select(0))


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
