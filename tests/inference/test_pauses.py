"""An endpoint that asks for silence gets it, from everybody."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import pytest

from market_agents.errors import ProviderAway
from market_agents.inference import Status
from market_agents.inference.asks import Completion, Request
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.asking import SOON, ask, ask_all, texts_seen
from tests.inference.doors import (
    ScriptedProvider,
    completion,
    request,
    scripted_endpoint,
    served_door,
)
from tests.rig.fake_model_client import FakeModel


async def _paused(fake: FakeModel, code: int, retry_after: str) -> list[tuple[str, dict[str, Any]]]:
    """One ask is told to be silent while another is under way; a third one comes only then."""
    door = served_door(fake.base_url, max_in_flight=2)
    fake.set_faults(
        [
            {"kind": "status", "code": code, "retry_after": retry_after, "first": 1, "match": "told"},
            {"kind": "delay", "ms": 300, "match": "slow"},
        ]
    )
    async with door:
        await ask(door, "warm-up")
        ended = await asyncio.gather(ask(door, "told"), ask(door, "slow"), ask(door, "third"))
    assert all(one.status is Status.ANSWERED for one in ended)
    assert sum(one.attempts for one in ended) + 1 == len(fake.ledger())
    return texts_seen(fake)


@pytest.mark.parametrize("code", [429, 503, 500])
async def test_nobody_sends_before_the_pause_has_ended(fake_model: FakeModel, code: int) -> None:
    seen = await _paused(fake_model, code, "1")
    told = next(entry for _, entry in seen if entry["status"] == code)
    later = [entry for text, entry in seen if text == "third" or (text == "told" and entry["status"] == 200)]
    assert len(later) == 2
    assert all(entry["time"] >= told["time"] + 0.99 for entry in later)


async def test_a_pause_may_be_told_as_a_date(fake_model: FakeModel) -> None:
    date = formatdate(time.time() + 2, usegmt=True)
    seen = await _paused(fake_model, 429, date)
    ends = parsedate_to_datetime(date).timestamp()
    later = [entry for text, entry in seen if text == "third"]
    assert all(entry["time"] >= ends - 0.01 for entry in later)


@pytest.mark.parametrize("retry_after", ["soon", "", "-5", "nan", "inf", "Sun, 99 Nov 2026", "1e-3"])
async def test_a_pause_that_makes_no_sense_is_a_short_one(fake_model: FakeModel, retry_after: str) -> None:
    seen = await _paused(fake_model, 429, retry_after)
    assert len(seen) == 5


@pytest.mark.parametrize("retry_after", ["1e9", "1e300", "86400"])
async def test_a_pause_beyond_all_patience_stops_at_once(fake_model: FakeModel, retry_after: str) -> None:
    door = served_door(fake_model.base_url, max_in_flight=4)
    await ask(door)
    fake_model.set_faults([{"kind": "status", "code": 429, "retry_after": retry_after}])
    ended = await ask_all(door, [f"agent {n}" for n in range(10)])
    assert all(isinstance(one, ProviderAway) for one in ended)
    assert len(fake_model.ledger()) <= 1 + 4


async def test_a_longer_pause_is_not_cut_short_by_a_later_one() -> None:
    arrivals: list[float] = []
    failures: list[Exception] = [
        AttemptFailed(Verdict.PAUSE, "429", retry_after=0.4),
        AttemptFailed(Verdict.PAUSE, "429", retry_after=0.0),
    ]

    async def play(_: Request) -> Completion:
        arrivals.append(time.monotonic())
        await asyncio.sleep(0)
        if failures and len(arrivals) > 1:
            raise failures.pop(0)
        return completion()

    endpoint = scripted_endpoint(ScriptedProvider(play))
    await endpoint.call(request(), "a", "a")
    await asyncio.gather(endpoint.call(request(), "b", "b"), endpoint.call(request(), "c", "c"))
    assert len(arrivals) == 5
    assert min(arrivals[3:]) - max(arrivals[1:3]) >= 0.39


async def test_who_comes_into_a_pause_that_is_too_long_does_not_wait_for_its_end() -> None:
    provider = ScriptedProvider()
    endpoint = scripted_endpoint(provider, total_timeout=30)
    await endpoint.call(request(), "a", "a")
    endpoint.limits.pause(500)
    async with asyncio.timeout(SOON):
        with pytest.raises(ProviderAway, match=r"OpenAI asks for 500 s of silence"):
            await endpoint.call(request(), "b", "b")
    assert len(provider.asked) == 1
