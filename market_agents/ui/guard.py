"""Who may see the page: hosts by which it may be called, a token where one is set, and nothing for other sites."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "market_agents_ui"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN_PATHS = ("/login", "/static/")
"""What can be seen without a token: the question for it, and how that looks."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)
"""On every answer that has no other word on the matter."""


@dataclass(frozen=True)
class Access:
    """Who may see the page.

    Attributes:
        token: what has to be shown; None lets everybody in who reaches the page.
        names: host names by which the page may be called.
        any_address: whether it may also be called by any numeric address, since it listens on all of them.
    """

    token: str | None = None
    names: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False

    def knows_host(self, header: str) -> bool:
        """Whether a Host header names this page, not some name that an attacker lets point here."""
        name = host_name(header)
        return name in self.names or (self.any_address and _is_address(name))

    def admits(self, headers: Headers) -> bool:
        """Whether a request shows the token, in its cookie or as ``Authorization: Bearer``."""
        if self.token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return True
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return _equal(cookie, self.session())

    def is_token(self, given: str) -> bool:
        """Whether this is the token; takes the same time however much of it is right."""
        return self.token is not None and _equal(given, self.token)

    def session(self) -> str:
        """What the cookie holds in place of the token."""
        return hmac.new((self.token or "").encode(), b"market-agents ui session", hashlib.sha256).hexdigest()


def host_name(header: str) -> str:
    """The host in a Host header, without port and brackets, in small letters."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _equal(given: str, wanted: str) -> bool:
    # Digests first: comparing them takes the same time for any length.
    one, other = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, wanted))
    return hmac.compare_digest(one, other)


class Guard:
    """The outermost layer of the application: looks at each request before anything else does.

    Args:
        app: what is guarded.
        access: who may see it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._access.knows_host(headers.get("host", "")):
            return PlainTextResponse(
                "This page does not go by that name. Open it under the address that market-agents ui printed, "
                "or start it with --allow-host NAME.\n",
                421,
            )
        path: str = scope["path"]
        if self._access.admits(headers) or path.startswith(OPEN_PATHS):
            return None
        if "text/html" not in headers.get("accept", ""):
            return PlainTextResponse(
                "A token is needed: send Authorization: Bearer TOKEN.\n", 401, {"WWW-Authenticate": "Bearer"}
            )
        query: str = scope["query_string"].decode("latin-1")
        return RedirectResponse(f"/login?next={quote(path + ('?' + query if query else ''), safe='')}", 303)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
