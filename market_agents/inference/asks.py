"""What travels through the door to models: a request, what a provider returns, and the outcome that is journalled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Any

from pydantic import BaseModel

from market_agents.inference.structured import schema_in_words, wire_schema
from market_agents.plain_text import clean

Message = Mapping[str, str]
StandIn = Callable[[Random], BaseModel]
"""Answers a structured request by rule, from what the caller already observed."""

_TOKENS_AROUND_A_MESSAGE = 8
_LONG_ANSWER = 4096


class Status(StrEnum):
    """How an ask ended; ``capped``: an agent's cap left no room for it, and nobody was asked."""

    ANSWERED = "answered"
    INVALID = "invalid"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    CAPPED = "capped"


@dataclass(frozen=True)
class Request:
    """A logical request for one decision; wire details such as schema fallbacks are not part of it.

    Attributes:
        messages: chat messages; what no database or wire can hold is replaced on the way in.
        temperature: 0 to 2, or None for the provider's default.
        max_tokens: the longest answer, in tokens.
        stand_in: how the offline provider answers; not part of what is asked.
    """

    model: str
    messages: Sequence[Message]
    schema: type[BaseModel] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tool_mode: bool = False
    stand_in: StandIn | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        messages = tuple({name: clean(text) for name, text in message.items()} for message in self.messages)
        object.__setattr__(self, "messages", messages)
        object.__setattr__(self, "model", clean(self.model))

    @property
    def estimated_tokens(self) -> int:
        """Tokens of the prompt by rule of thumb: four characters a token."""
        return sum(len(message.get("content", "")) for message in self.messages) // 4

    @property
    def most_answer_tokens(self) -> int:
        """Tokens of the answer at most; without a bound, more than usual ones have."""
        return self.max_tokens or _LONG_ANSWER

    @property
    def most_prompt_tokens(self) -> int:
        """Tokens of the prompt at most, by rule of thumb: two bytes a token, where English has four, and the schema."""
        size = sum(len(text.encode()) for message in self.messages for text in message.values())
        if self.schema is not None:
            size += len(schema_in_words(self.schema))
        return size // 2 + _TOKENS_AROUND_A_MESSAGE * (len(self.messages) + 1)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over model, messages, schema and sampling; without keys, run ids or time."""
        canonical = {
            "model": self.model,
            "messages": [dict(message) for message in self.messages],
            "schema": wire_schema(self.schema) if self.schema else None,
            "temperature": None if self.temperature is None else float(self.temperature),
            "max_tokens": self.max_tokens,
            "tool_mode": self.tool_mode,
        }
        text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them, or as estimated where it said nothing usable."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole reply of a provider, before anybody judged it."""

    text: str
    model: str
    finish_reason: str
    usage: Usage
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an ask ended; what the journal keeps and the asker acts on.

    Attributes:
        content: the text of the answer, made storable.
        parsed: the answer as the requested schema; None without a schema or a valid answer.
        reason: why there is no usable answer, told to the model on a re-ask.
        cost: US dollars; None where the model's price is unknown.
        attempts: HTTP requests behind this ask, schema fallbacks and retries included.
        replayed: whether the journal answered.
        from_cache: whether an earlier run's answer was used.
    """

    request_key: str
    status: Status
    content: str = ""
    parsed: BaseModel | None = None
    reason: str = ""
    requested_model: str = ""
    returned_model: str = ""
    finish_reason: str = ""
    usage: Usage = Usage()
    cost: Decimal | None = None
    attempts: int = 0
    latency_ms: float = 0.0
    replayed: bool = False
    from_cache: bool = False


def usage_row(usage: Usage) -> dict[str, Any]:
    """The usage as columns of the journal."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
    }
