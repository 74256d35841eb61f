"""Chat completions as OpenAI defined them, which vLLM, Ollama, LiteLLM's proxy and most others speak too."""

from __future__ import annotations

import math
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Any

import openai
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai.types.chat import ChatCompletion, ChatCompletionMessage

from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.retry import AttemptFailed, Verdict
from market_agents.inference.structured import schema_in_words, wire_schema

_RETRIED_STATUSES = {408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529}
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "schema", "guided", "grammar", "tool")


class _Format(IntEnum):
    """How structured answers are asked for; an endpoint that refuses one is asked by the next."""

    SCHEMA = 0
    OBJECT = 1
    PLAIN = 2


class OpenAIChatProvider:
    """One endpoint. Remembers which response format it understands.

    Args:
        base_url: the endpoint's address; None for OpenAI's own.
        api_key: never logged, never stored.
        key_name: the variable that holds the key, for messages about it.
        timeout: seconds for one attempt.
    """

    charges = True

    def __init__(self, *, base_url: str | None, api_key: str, key_name: str, timeout: float) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._key_name = key_name
        self._timeout = timeout
        self._format = _Format.SCHEMA
        self._client: AsyncOpenAI | None = None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def attempt(self, request: Request, key: str) -> Completion:
        """Send the request once, in the best format that the endpoint is known to understand."""
        used = self._format
        try:
            reply = await self._open().chat.completions.create(
                **_body(request, used), extra_headers={"Idempotency-Key": f"{key}-{used}"}
            )
        except openai.APIError as error:
            raise self._judge(error, request, used) from error
        return _completion(reply, request)

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            self._client = AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                timeout=self._timeout,
                http_client=DefaultAioHttpClient(timeout=self._timeout),
            )
        return self._client

    def _judge(self, error: openai.APIError, request: Request, used: _Format) -> AttemptFailed:
        """Tell what a failed attempt means. The one place that knows the library's exceptions."""
        if isinstance(error, openai.APITimeoutError):
            return AttemptFailed(Verdict.RETRY, f"no answer within {self._timeout:g} s", timed_out=True)
        if isinstance(error, openai.APIStatusError):
            return self._judge_status(error, request, used)
        if isinstance(error, openai.APIConnectionError):
            cause = type(error.__cause__).__name__ if error.__cause__ else "connection failed"
            reached = error.__cause__ is None or not type(error.__cause__).__name__.startswith("Connect")
            return AttemptFailed(Verdict.RETRY, f"no connection to {self._address}: {cause}", reached=reached)
        return AttemptFailed(Verdict.RETRY, f"unreadable reply from {self._address}")

    def _judge_status(self, error: openai.APIStatusError, request: Request, used: _Format) -> AttemptFailed:
        status, said = error.status_code, _message_of(error).replace(self._api_key, "…")
        if status == 429 and "insufficient_quota" in said:
            return AttemptFailed(
                Verdict.KEY_REFUSED, f"{self._address} says the quota behind {self._key_name} is used up"
            )
        if status in {429, 503} or (status in _RETRIED_STATUSES and _retry_after(error) is not None):
            return AttemptFailed(
                Verdict.PAUSE, f"HTTP {status} from {self._address}", retry_after=_retry_after(error)
            )
        if status in {401, 403}:
            return AttemptFailed(
                Verdict.KEY_REFUSED, f"{self._address} refuses the key in {self._key_name} (HTTP {status})"
            )
        if status == 404:
            return AttemptFailed(
                Verdict.KEY_REFUSED,
                f"{self._address} knows no model {request.model!r} (HTTP 404); check model and base_url",
            )
        if self._refuses_format(status, said, request, used):
            self._format = max(self._format, _Format(used + 1))
            return AttemptFailed(Verdict.FALL_BACK, f"{self._address} refuses {used.name.lower()} answers")
        verdict = Verdict.RETRY if status in _RETRIED_STATUSES else Verdict.GIVE_UP
        return AttemptFailed(verdict, f"HTTP {status} from {self._address}: {said[:200]}")

    def _refuses_format(self, status: int, said: str, request: Request, used: _Format) -> bool:
        """Whether the endpoint refused the response format: 400 and 422, or a 500 that talks about it."""
        if request.schema is None or used is _Format.PLAIN or status not in {400, 422, 500, 501}:
            return False
        return any(word in said.lower() for word in _FORMAT_WORDS)

    @property
    def _address(self) -> str:
        return self._base_url or "https://api.openai.com/v1"


def _body(request: Request, used: _Format) -> dict[str, Any]:
    body: dict[str, Any] = {"model": request.model, "messages": list(request.messages)}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.schema is None:
        return body
    name = request.schema.__name__
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


def _completion(reply: object, request: Request) -> Completion:
    """Read a reply of any shape; servers send what they like under HTTP 200."""
    if not isinstance(reply, ChatCompletion) or not getattr(reply, "choices", None):
        raise AttemptFailed(Verdict.RETRY, "a reply without choices")
    choice = reply.choices[0]
    message = choice.message
    if not isinstance(message, ChatCompletionMessage):  # the library promises one, servers do not
        raise AttemptFailed(Verdict.RETRY, "a reply without a message")
    calls = message.tool_calls or []
    text = message.content if isinstance(message.content, str) else ""
    for call in calls:
        if call.type == "function":
            text = call.function.arguments or ""
            break
    return Completion(
        text=text,
        model=str(reply.model),
        finish_reason=str(choice.finish_reason),
        usage=_usage(reply, request, text),
        refusal=message.refusal if isinstance(message.refusal, str) and message.refusal else None,
    )


def _usage(reply: ChatCompletion, request: Request, text: str) -> Usage:
    told = reply.usage
    details = told.prompt_tokens_details if told else None
    return Usage(
        prompt_tokens=_count(
            told and told.prompt_tokens, sum(len(m["content"]) for m in request.messages) // 4
        ),
        completion_tokens=_count(told and told.completion_tokens, len(text) // 4),
        cached_tokens=_count(details and details.cached_tokens, 0),
    )


def _count(told: object, estimate: int) -> int:
    """A provider's token count where it is one, our estimate of four characters a token otherwise."""
    usable = (
        isinstance(told, int | float)
        and not isinstance(told, bool)
        and math.isfinite(told)
        and 0 <= told < 1e9
    )
    return int(told) if usable else estimate  # type: ignore[call-overload]  # narrowed by `usable`


def _message_of(error: openai.APIStatusError) -> str:
    return error.response.text[:2000]


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds that the provider asks us to wait: a number, or a date counted from the reply's own ``Date``."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            seconds = _seconds_between(headers.get("date"), value)
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _seconds_between(now: str | None, then: str) -> float:
    try:
        return (parsedate_to_datetime(then) - parsedate_to_datetime(now or "")).total_seconds()
    except (TypeError, ValueError):
        return math.nan
