"""Short ways to a door: before a served fake model, or before a provider that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from market_agents.config import LLMConfig
from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.door import ModelDoor
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.journal import Journal, JournalRow, MemoryJournal
from market_agents.inference.limits import Limits
from market_agents.inference.providers.openai_chat import OpenAIChatProvider
from market_agents.inference.retry import Backoff

KEY = "sk-canary-5f1c0d9e7b"
KEY_NAME = "STRAWBERRY_KEY"
MODEL = "fake-model"
QUICK = Backoff(base=0.01, longest=0.05)
CONFIG = LLMConfig(name="mind", model=MODEL, base_url="http://127.0.0.1:1/v1")


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    side: Literal["bid", "ask", "hold"] = Field(description="What to do.")
    price: float = Field(ge=0, le=1000, description="Price per unit.")
    quantity: int = Field(ge=0, le=10)
    reason: str = Field(default="", max_length=500)


GOOD = '{"side": "bid", "price": 99.5, "quantity": 1, "reason": "cheap"}'


def request(text: str = "Bid or ask?", **changes: Any) -> Request:
    return Request(**{"model": MODEL, "messages": [{"role": "user", "content": text}], **changes})


def order_request(text: str = "Bid or ask?", **changes: Any) -> Request:
    return request(text, schema=Order, **changes)


def completion(text: str = "Fine.", **changes: Any) -> Completion:
    told = {"text": text, "model": MODEL, "finish_reason": "stop", "usage": Usage(10, 5, 0)}
    return Completion(**{**told, **changes})


def served_provider(base_url: str, **changes: Any) -> OpenAIChatProvider:
    return OpenAIChatProvider(
        **{"base_url": base_url, "api_key": KEY, "key_name": KEY_NAME, "timeout": 300.0, **changes}
    )


def served_door(
    base_url: str,
    journal: Journal | None = None,
    *,
    run_id: str = "run",
    timeout: float = 300.0,
    total_timeout: float = 600.0,
    max_in_flight: int = 64,
    api_key: str | None = KEY,
    backoff: Backoff = QUICK,
) -> ModelDoor:
    endpoint = Endpoint(
        served_provider(base_url, timeout=timeout, api_key=api_key),
        partial(Limits, max_in_flight=max_in_flight),
        total_timeout=total_timeout,
        backoff=backoff,
    )
    return ModelDoor({CONFIG.name: endpoint}, MemoryJournal() if journal is None else journal, run_id=run_id)


class Tries(Backoff):
    """So many attempts, soon after each other: after the last one the wait is longer than any ask may take."""

    def __init__(self, most: int) -> None:
        super().__init__(base=most)

    def wait(self, failures: int, rng: Random) -> float:
        return 0.01 if failures < self.base else 1e9


Play = Callable[[Request], Awaitable[Completion]]


class ScriptedProvider:
    """Answers as ``play`` says, and keeps what it was asked."""

    def __init__(
        self, play: Play | None = None, *, charges: bool = True, base_url: str | None = None
    ) -> None:
        self.charges = charges
        self.base_url = base_url
        self.asked: list[Request] = []
        self.keys: list[tuple[str, str]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.opened = 0
        self.closed = 0
        self._play = play or always("Fine.")

    def open(self) -> None:
        self.opened += 1

    async def attempt(self, request: Request, key: str, idempotency_key: str) -> Completion:
        self.asked.append(request)
        self.keys.append((key, idempotency_key))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._play(request)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        self.closed += 1


def always(text: str, **changes: Any) -> Play:
    async def play(_: Request) -> Completion:
        return completion(text, **changes)

    return play


def in_turn(*steps: Completion | Exception) -> Play:
    """Each step once, then the last one for ever."""
    left = list(steps)

    async def play(_: Request) -> Completion:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    return play


def scripted_endpoint(
    provider: ScriptedProvider,
    *,
    max_in_flight: int = 8,
    total_timeout: float = 600.0,
    backoff: Backoff = QUICK,
) -> Endpoint:
    return Endpoint(
        provider, partial(Limits, max_in_flight=max_in_flight), total_timeout=total_timeout, backoff=backoff
    )


def scripted_door(
    provider: ScriptedProvider,
    journal: Journal | None = None,
    *,
    max_in_flight: int = 8,
    run_id: str = "run",
    replay: bool = False,
) -> ModelDoor:
    endpoint = scripted_endpoint(provider, max_in_flight=max_in_flight)
    kept = MemoryJournal() if journal is None else journal
    return ModelDoor({CONFIG.name: endpoint}, kept, run_id=run_id, replay=replay)


class SlowJournal(MemoryJournal):
    """A journal whose commits wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.let_through = asyncio.Event()

    async def commit(self, row: JournalRow, cache_key: str | None = None) -> None:
        self.entered.set()
        await self.let_through.wait()
        await super().commit(row, cache_key)


async def turns(count: int = 50) -> None:
    """Let everything else that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
