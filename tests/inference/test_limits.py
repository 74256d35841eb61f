from __future__ import annotations

import asyncio

import pytest

from market_agents.inference import Status
from market_agents.inference.asks import Completion, Request
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.limits import Limits
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.doors import (
    CONFIG,
    QUICK,
    ScriptedProvider,
    completion,
    in_turn,
    request,
    scripted_door,
    served_door,
    turns,
)
from tests.rig.fake_model_client import FakeModel


@pytest.mark.parametrize("most", [1, 3, 8])
async def test_in_flight_never_exceeds_the_limit(most: int) -> None:
    async def play(_: Request) -> Completion:
        await turns()
        return completion()

    provider = ScriptedProvider(play)
    door = scripted_door(provider, max_in_flight=most)
    await asyncio.gather(*(door.ask(request(f"agent {n}"), CONFIG) for n in range(30)))
    assert provider.most_in_flight == most
    assert len(provider.asked) == 30


async def test_the_server_sees_no_more_in_flight_than_the_limit(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 40}])
    door = served_door(fake_model.base_url, max_in_flight=4)
    async with door:
        await asyncio.gather(*(door.ask(request(f"agent {n}"), CONFIG) for n in range(21)))
    # The server notes an end a moment after the client has seen it.
    spans = [(entry["time"], entry["ended"] - 0.02) for entry in fake_model.ledger()]
    most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert 2 <= most <= 4


async def test_requests_are_spaced_over_the_minute() -> None:
    limits = Limits(max_in_flight=10, requests_per_minute=1200)
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    async def admitted() -> None:
        await limits.admit(1)
        moments.append(loop.time())

    began = loop.time()
    await asyncio.gather(*(admitted() for _ in range(6)))
    assert moments[0] - began < 0.05
    # Twenty a second: the sixth comes a quarter of a second after the first, less one tick of the clock.
    assert moments[-1] - moments[0] >= 5 * 0.05 - 0.02


async def test_every_attempt_counts_against_the_minute() -> None:
    steps = in_turn(*(AttemptFailed(Verdict.RETRY, "again") for _ in range(3)), completion())
    provider = ScriptedProvider(steps)
    endpoint = Endpoint(
        provider,
        lambda: Limits(max_in_flight=1, requests_per_minute=600),
        total_timeout=20,
        backoff=QUICK,
    )
    loop = asyncio.get_running_loop()
    began = loop.time()
    effort = await endpoint.call(request(), "a", "a")
    assert effort.attempts == 4
    assert loop.time() - began >= 3 * 0.1 - 0.02


async def test_waiting_for_our_own_limit_is_no_timeout() -> None:
    provider = ScriptedProvider(in_turn(AttemptFailed(Verdict.RETRY, "again"), completion()))
    endpoint = Endpoint(
        provider,
        lambda: Limits(max_in_flight=9, requests_per_minute=300),
        total_timeout=0.15,
        backoff=QUICK,
    )
    efforts = await asyncio.gather(*(endpoint.call(request(), str(n), str(n)) for n in range(3)))
    assert [effort.completion for effort in efforts] == [completion()] * 3


async def test_tokens_are_counted_before_they_are_sent() -> None:
    limits = Limits(max_in_flight=10, tokens_per_minute=60_000)
    loop = asyncio.get_running_loop()
    await limits.admit(60_000)
    began = loop.time()
    await limits.admit(100)
    assert loop.time() - began >= 0.1 - 0.02


async def test_a_request_larger_than_a_minutes_tokens_goes_out_alone() -> None:
    limits = Limits(max_in_flight=1, tokens_per_minute=100)
    async with asyncio.timeout(5):
        await limits.admit(1_000_000)


async def test_without_limits_nobody_waits() -> None:
    limits = Limits(max_in_flight=1)
    async with asyncio.timeout(5):
        for _ in range(1000):
            await limits.admit(1_000_000)
    assert limits.silence_left() == 0


async def test_a_pause_ends_and_only_grows() -> None:
    limits = Limits(max_in_flight=1)
    limits.pause(100)
    limits.pause(1)
    assert 99 < limits.silence_left() <= 100
    limits.pause(200)
    assert 199 < limits.silence_left() <= 200
    short = Limits(max_in_flight=1)
    short.pause(0)
    assert short.silence_left() == 0


async def test_the_pause_of_one_endpoint_leaves_others_alone() -> None:
    quiet, other = Limits(max_in_flight=1), Limits(max_in_flight=1)
    quiet.pause(100)
    assert other.silence_left() == 0


def test_each_event_loop_has_limits_of_its_own() -> None:
    door = scripted_door(ScriptedProvider(), max_in_flight=1)

    async def two() -> list[Status]:
        outcomes = await asyncio.gather(*(door.ask(request(), CONFIG) for _ in range(2)))
        return [outcome.status for outcome in outcomes]

    for _ in range(2):
        assert asyncio.run(two()) == [Status.ANSWERED] * 2
