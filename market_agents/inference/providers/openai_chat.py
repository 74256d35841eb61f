"""Chat completions as OpenAI defined them, which vLLM, Ollama, LiteLLM's proxy and most others speak too."""

from __future__ import annotations

import asyncio
import math
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI

from market_agents.errors import UserError
from market_agents.inference.asks import Completion, Request
from market_agents.inference.embeddings import EmbeddingRequest
from market_agents.inference.providers.replies import ErrorReply, read_completion, read_embeddings
from market_agents.inference.providers.transport import ReplyTooLong, make_client
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.inference.structured import schema_in_words, wire_schema
from market_agents.plain_text import one_line

OPENAI_ADDRESS = "https://api.openai.com/v1"
# Of a server's own errors all but what it will never do: gateways have numbers of their own for a server that is away.
_RETRIED_STATUSES = {408, 409, 425, *range(500, 600)} - {501, 505}
# Only codes and whole sentences: a refusal may quote the request, and agents talk of money too.
_WORDS_OF_NO_MONEY = (
    "insufficient_quota",
    "billing_hard_limit",
    "billing_not_active",
    "credit balance is too low",
)
_WORDS_OF_A_FILTER = ("input was flagged", "moderation", "content_filter", "content_policy")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "guided", "grammar")
_LOOSE_FORMAT_WORDS = ("schema", "tool")
# Shorter ones are placeholders such as ``none`` or ``ollama``, which are words that an answer may hold.
_SHORTEST_SECRET = 8


_OLDER_LIMIT, _NEWER_LIMIT = "max_tokens", "max_completion_tokens"


_NOT_REACHED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    ConnectionRefusedError,
    socket.gaierror,
)


@dataclass(frozen=True, slots=True)
class StatusReply:
    """A reply with an error status.

    Attributes:
        status: HTTP.
        said: the beginning of its body, without the key.
        retry_after: seconds of silence that it asks for; None where it asks for none.
        points_to: where a redirect leads, without path and key; empty where it does not tell.
    """

    status: int
    said: str
    retry_after: float | None = None
    points_to: str = ""


Judge = Callable[[StatusReply], AttemptFailed]
"""Tells what a reply with an error status means."""


class _Format(IntEnum):
    """How structured answers are asked for; an endpoint that refuses one is asked by the next."""

    SCHEMA = 0
    OBJECT = 1
    PLAIN = 2


class Manner(NamedTuple):
    """How a model is asked: the form of structured answers, and the name of the limit of an answer's length."""

    form: _Format
    limit: str


class OpenAIChatProvider:
    """One endpoint. Remembers which response format it understands.

    Args:
        base_url: the endpoint's address; None for OpenAI's own.
        api_key: never logged, never stored; None for an endpoint that gets none.
        key_name: the variable that holds the key, for messages about it.
        timeout: seconds for one attempt.
        connections: that may be open at the same time.
    """

    charges = True

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None,
        key_name: str,
        timeout: float,
        connections: int = 64,
    ) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._key_name = key_name
        self._timeout = timeout
        self._connections = connections
        self._format = _Format.SCHEMA
        self._newer_models: set[str] = set()
        self._client: AsyncOpenAI | None = None

    def open(self) -> None:
        """Make the client; the first one of a process loads modules and certificates."""
        self._opened()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def attempt(self, request: Request, key: str, idempotency_key: str) -> Completion:  # noqa: ARG002
        """Send the request once, in the best format that the endpoint is known to understand."""
        manner = self.manner(request.model)
        body = await self.exchange(
            lambda client: self._send(client, request, manner, idempotency_key),
            lambda reply: self.judge_answer(reply, request, manner),
        )
        read = read_embeddings if isinstance(request, EmbeddingRequest) else read_completion
        try:
            return read(body, request)
        except ErrorReply as told:
            raise self.judge_answer(StatusReply(told.status, told.said), request, manner) from None

    async def exchange(
        self, send: Callable[[AsyncOpenAI], Awaitable[bytes]], judge: Judge, longest: float | None = None
    ) -> str:
        """Send one request to the endpoint, and give its reply's body without the key.

        Args:
            send: sends it and gives the body.
            judge: tells what a reply with an error status means.
            longest: seconds that it may take; the provider's timeout by default.

        Raises:
            AttemptFailed: with a verdict on what to do next.
        """
        seconds = longest or self._timeout
        client = self._opened()
        try:
            # The library's own timeout starts again with every byte that arrives.
            async with asyncio.timeout(seconds):
                body = await send(client)
        except TimeoutError:
            failure = self._timed_out(seconds)
        except openai.APIStatusError as error:
            # Not the library's text: the character set that a server names need not be one.
            said = self._redacted(error.response.content.decode("utf-8", "replace"))[:2000]
            points_to = self._redacted(_origin(error.response))
            failure = judge(StatusReply(error.status_code, said, _retry_after(error), points_to))
        except ReplyTooLong as error:
            failure = AttemptFailed(Verdict.GARBLED, f"{self.address} sends a reply of {error}")
        except openai.APIError as error:
            failure = self._judge_transport(error)
        except (aiohttp.ClientError, httpx2.HTTPError, OSError) as error:
            # What the transport does not translate for the library comes through as it is.
            failure = self._judge_transport(error)
        except Exception as error:  # noqa: BLE001  (a server's headers can make the library raise anything)
            failure = AttemptFailed(
                Verdict.GARBLED, f"{self.address} sends a reply that cannot be read: {type(error).__name__}"
            )
        else:
            return self._redacted(body.decode("utf-8-sig", "replace"))
        # Out here, so that the library's exception, which may quote the key, does not travel along as context.
        raise failure

    async def _send(
        self, client: AsyncOpenAI, request: Request, manner: Manner, idempotency_key: str
    ) -> bytes:
        """The body of the reply.

        The library's typed methods walk through every part of a request, which takes half the CPU of a call; our body
        is as the wire wants it already.
        """
        if isinstance(request, EmbeddingRequest):
            path, body = "/embeddings", _embeddings_body(request)
        else:
            path, body = "/chat/completions", chat_body(request, manner)
            idempotency_key = f"{idempotency_key}-{manner.form}-{len(manner.limit)}"
        reply = await client.post(
            path,
            cast_to=httpx2.Response,
            body=body,
            # Under both names: the header is sent, and the library draws no key of its own, which takes its time.
            options={"headers": {"Idempotency-Key": idempotency_key}, "idempotency_key": idempotency_key},
        )
        return reply.content

    def _opened(self) -> AsyncOpenAI:
        if self._client is None:
            try:
                self._client = make_client(
                    base_url=self.address,
                    api_key=self._api_key,
                    timeout=self._timeout,
                    connections=self._connections,
                )
            except Exception as error:  # noqa: BLE001  (what the environment says may make the library raise anything)
                why = f"{type(error).__name__}: {one_line(str(error), 150)}"
                raise UserError(
                    f"no connection to {self.address} can be made ({why}): see HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and "
                    "SSL_CERT_FILE in the environment"
                ) from None
        return self._client

    def manner(self, model: str) -> Manner:
        """How a model is best asked, as far as that is known; newer ones refuse the older name of a limit."""
        return Manner(self._format, _NEWER_LIMIT if model in self._newer_models else _OLDER_LIMIT)

    def _timed_out(self, seconds: float | None = None) -> AttemptFailed:
        return AttemptFailed(
            Verdict.RETRY,
            f"no answer from {self.address} within {seconds or self._timeout:g} s",
            timed_out=True,
        )

    def _judge_transport(self, error: Exception) -> AttemptFailed:
        """Tell what a failed connection means. The transport's own exception, further down the chain, knows best."""
        chain = list(_causes(error))
        refused = next((cause for cause in chain if isinstance(cause, _NOT_REACHED)), None)
        if refused is not None:
            why = one_line(str(refused) or type(refused).__name__, 150)
            hint = f"check base_url, and that the server runs{_or_the_proxy(self.address)}"
            return AttemptFailed(
                Verdict.RETRY, f"no connection to {self.address}: {why}; {hint}", reached=False
            )
        if any(isinstance(cause, aiohttp.ClientResponseError) for cause in chain):
            return AttemptFailed(Verdict.GARBLED, f"{self.address} does not answer in HTTP; check base_url")
        if any(isinstance(cause, httpx2.DecodingError) for cause in chain):
            return AttemptFailed(Verdict.GARBLED, f"{self.address} sends a reply that cannot be unpacked")
        if any(isinstance(cause, TimeoutError | aiohttp.ServerTimeoutError) for cause in chain):
            return self._timed_out()
        why = type(chain[-1]).__name__
        return AttemptFailed(
            Verdict.RETRY, f"{self.address} broke the connection off: {why}", maybe_paid=True
        )

    def judge_answer(self, reply: StatusReply, request: Request, manner: Manner) -> AttemptFailed:
        """What it means that a model, asked in a manner, was not allowed to answer."""
        failure = self.judge_status(reply, f"model {request.model!r}")
        if failure.verdict not in {Verdict.RETRY, Verdict.GIVE_UP}:
            return failure
        status, said = reply.status, reply.said
        if status in {404, 410}:
            knows = "knows no" if status == 404 else "no longer has the"
            return AttemptFailed(
                Verdict.KEY_REFUSED,
                f"{self.address} {knows} model {request.model!r} (HTTP {status}); check model and base_url",
            )
        if status == 400 and manner.limit == _OLDER_LIMIT and _NEWER_LIMIT in said:
            self._newer_models.add(request.model)
            return AttemptFailed(Verdict.FALL_BACK, f"{request.model} wants {_NEWER_LIMIT}")
        if _refuses_format(status, said, request, manner.form):
            self._format = max(self._format, _Format(manner.form + 1))
            return AttemptFailed(
                Verdict.FALL_BACK, f"{self.address} refuses {manner.form.name.lower()} answers"
            )
        return failure

    def judge_status(self, reply: StatusReply, asked: str) -> AttemptFailed:
        """What a refusal means, whatever was asked for."""
        status, said = reply.status, reply.said
        if status == 402 or (status in {400, 403, 429} and _any_of(_WORDS_OF_NO_MONEY, said)):
            return AttemptFailed(
                Verdict.KEY_REFUSED,
                f"{self.address} says the quota behind {self._key_name} is used up, for {asked} (HTTP {status})",
            )
        if status in {429, 503} or (status in _RETRIED_STATUSES and reply.retry_after is not None):
            return AttemptFailed(
                Verdict.PAUSE, f"HTTP {status} from {self.address}", retry_after=reply.retry_after
            )
        if status == 401 or (status == 403 and not _any_of(_WORDS_OF_A_FILTER, said)):
            return AttemptFailed(Verdict.KEY_REFUSED, self._about_the_key(asked, status))
        if 300 <= status < 400:
            where = f" to {reply.points_to}" if reply.points_to else ""
            return AttemptFailed(
                Verdict.KEY_REFUSED,
                f"{self.address} redirects{where} (HTTP {status}), and no prompt is sent where the configuration does "
                "not say so; set base_url to the address that answers itself",
            )
        verdict = Verdict.RETRY if status in _RETRIED_STATUSES else Verdict.GIVE_UP
        return AttemptFailed(verdict, f"HTTP {status} from {self.address}: {one_line(said, 200)}")

    def _about_the_key(self, asked: str, status: int) -> str:
        asked = f"for {asked} (HTTP {status})"
        if self._api_key is None:
            return f"{self.address} wants a key {asked}; name the variable that holds it as api_key_env"
        return f"{self.address} refuses the key in {self._key_name} {asked}"

    def _redacted(self, text: str) -> str:
        """The text without the key, which some servers send back."""
        if self._api_key is None or len(self._api_key) < _SHORTEST_SECRET:
            return text
        if "\\u00" in text or "\\/" in text:
            text = _escaped(self._api_key).sub("…", text)
        return text.replace(self._api_key, "…")

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or OPENAI_ADDRESS


def _or_the_proxy(address: str) -> str:
    """What else to look at where the environment names a proxy for an address."""
    parts = urlsplit(address)
    proxies = getproxies()
    if (parts.scheme in proxies or "all" in proxies) and not proxy_bypass(parts.hostname or ""):
        return "; a proxy is set in the environment, which NO_PROXY can except it from"
    return ""


def _escaped(secret: str) -> re.Pattern[str]:
    """Finds a secret of which a server escaped some characters, as it may in JSON and in JSON within that."""
    return re.compile(
        "".join(rf"\\{{0,4}}(?:{re.escape(one)}|(?<=\\)u(?i:{ord(one):04x}))" for one in secret)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what caused it, the outermost first; not what the asker was handling when it asked."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _refuses_format(status: int, said: str, request: Request, used: _Format) -> bool:
    """Whether the endpoint refused the response format: 400 and 422, or a 500 that names it."""
    if request.schema is None or used is _Format.PLAIN or status not in {400, 422, 500, 501}:
        return False
    # Any server error may speak of some schema; only a refusal of the format speaks of the format.
    words = _FORMAT_WORDS if status >= 500 else _FORMAT_WORDS + _LOOSE_FORMAT_WORDS
    return _any_of(words, said)


def _any_of(words: Iterable[str], said: str) -> bool:
    return any(word in said.lower() for word in words)


def _embeddings_body(request: EmbeddingRequest) -> dict[str, Any]:
    return {
        "model": request.model,
        "input": [message["content"] for message in request.messages],
        "encoding_format": "float",
    }


def chat_body(request: Request, manner: Manner) -> dict[str, Any]:
    """The body of a request for a chat completion."""
    used, limit = manner
    body: dict[str, Any] = {"model": request.model, "messages": list(request.messages)}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[limit] = request.max_tokens
    if request.schema is None:
        return body
    name = re.sub(r"[^A-Za-z0-9_-]", "_", request.schema.__name__)[:64]
    if used is not _Format.SCHEMA:
        body["messages"] = [*body["messages"], {"role": "user", "content": schema_in_words(request.schema)}]
        if used is _Format.OBJECT:
            body["response_format"] = {"type": "json_object"}
    elif request.tool_mode:
        function = {"name": name, "parameters": wire_schema(request.schema), "strict": True}
        body["tools"] = [{"type": "function", "function": function}]
        body["tool_choice"] = {"type": "function", "function": {"name": name}}
    else:
        json_schema = {"name": name, "schema": wire_schema(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    return body


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds that the provider asks us to wait: a number, or a date counted from the reply's own ``Date``.

    A wait below nothing, or one that nobody can read, is none; of several the longest counts.
    """
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        waits = [_seconds(value, unit, headers.get("date")) for value in headers.get_list(name)]
        told = [seconds for seconds in waits if math.isfinite(seconds) and seconds >= 0]
        if told:
            return max(told)
    return None


def _seconds(wait: str, unit: float, now: str | None) -> float:
    try:
        return float(wait) / unit
    except ValueError:
        return _seconds_between(now, wait)


def _origin(reply: httpx2.Response) -> str:
    """Scheme, host and port of where a redirect leads; empty where it names no address."""
    try:
        parts = urlsplit(urljoin(str(reply.request.url), reply.headers.get("location", "")))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    return one_line(f"{parts.scheme}://{host}{f':{port}' if port else ''}", 100) if host else ""


def _seconds_between(now: str | None, then: str) -> float:
    try:
        begins = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return (parsedate_to_datetime(then) - begins).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return math.nan
