from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.inference import Scope, Status, asking
from market_agents.inference.asks import Completion, Request, Usage
from market_agents.inference.endpoints import Effort, Endpoint
from market_agents.inference.limits import Limits, SharedLimits
from market_agents.inference.rates import MINUTE, Rate
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
from tests.rig.virtual_time import in_virtual_time

Sent = list[tuple[float, float]]
"""Moments, and how much was taken then."""


def most_in_a_minute(sent: Sent) -> float:
    """The largest amount in any minute."""
    moments = [moment for moment, _ in sent]
    sums = [0.0, *accumulate(amount for _, amount in sent)]
    return max(
        sums[bisect_left(moments, moment + MINUTE)] - sums[place] for place, moment in enumerate(moments)
    )


def rate_after(sent: Sent, start: float) -> float:
    """The amount per minute from a moment to the last one."""
    kept = [(moment, amount) for moment, amount in sent if moment >= start]
    return sum(amount for _, amount in kept[:-1]) / (kept[-1][0] - kept[0][0]) * MINUTE


# -- in flight --------------------------------------------------------------------------------------------------------


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
    # Each is under way for as long as the server waits at least; when it notes the end is its own affair.
    starts = [entry["time"] for entry in fake_model.ledger()]
    assert max(sum(start <= moment < start + 0.04 for start in starts) for moment in starts) <= 4


async def test_a_talkative_agent_starves_nobody() -> None:
    """One agent asks forty times at once before three others ask once each: they are served by turns."""

    async def play(_: Request) -> Completion:
        await turns(3)
        return completion()

    provider = ScriptedProvider(play)
    door = scripted_door(provider, max_in_flight=1)

    async def ask(agent: str, number: int) -> None:
        with asking(Scope(1, 0, "auction", 1, agent, "action")):
            await door.ask(request(f"{agent} {number}"), CONFIG, key=str(number))

    loud = [asyncio.create_task(ask("loud", number)) for number in range(40)]
    await asyncio.sleep(0)
    await asyncio.gather(*loud, *(ask(agent, 1) for agent in ("b", "c", "d")))
    order = [asked.messages[0]["content"].split()[0] for asked in provider.asked]
    assert {"b", "c", "d"} <= set(order[:6])
    numbers = [
        int(asked.messages[0]["content"].split()[1]) for asked in provider.asked if "loud" in str(asked)
    ]
    assert numbers == list(range(40))


async def test_a_slot_survives_whoever_gives_up_waiting_for_it() -> None:
    limits = Limits(max_in_flight=1)

    async def hold() -> None:
        async with limits.slot("a"):
            await turns()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await holding
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(600):
        await hold()


def test_each_event_loop_has_limits_of_its_own() -> None:
    door = scripted_door(ScriptedProvider(), max_in_flight=1)

    async def two() -> list[Status]:
        outcomes = await asyncio.gather(*(door.ask(request(), CONFIG) for _ in range(2)))
        return [outcome.status for outcome in outcomes]

    for _ in range(2):
        assert asyncio.run(two()) == [Status.ANSWERED] * 2


def test_those_who_share_limits_share_them_within_a_loop() -> None:
    shared = SharedLimits(partial(Limits, max_in_flight=1))

    async def twice() -> tuple[Limits, Limits]:
        return shared(), shared()

    first, second = asyncio.run(twice())
    third, _ = asyncio.run(twice())
    assert first is second is not third


# -- per minute -------------------------------------------------------------------------------------------------------


async def busy(limits: Limits, asks: int, *, latency: float, used: Sequence[int], estimate: int) -> Sent:
    """Ask as often as the limits allow, and say when how many tokens went out."""
    loop, sent = asyncio.get_running_loop(), []
    rng = Random(1)

    async def one(number: int) -> None:
        async with limits.slot(f"agent_{number % 20}"):
            admission = await limits.admit(estimate)
            tokens = used[number % len(used)]
            sent.append((loop.time(), float(tokens)))
            await asyncio.sleep(latency * rng.uniform(0.5, 1.5))
            limits.answered(admission, tokens)

    await asyncio.gather(*(one(number) for number in range(asks)))
    return sent


@pytest.mark.parametrize("per_minute", [30, 500, 3000])
def test_a_steady_run_uses_the_requests_of_every_minute_and_not_one_more(per_minute: int) -> None:
    limits = partial(Limits, max_in_flight=200, requests_per_minute=per_minute)

    async def run() -> Sent:
        sent = await busy(limits(), 4 * per_minute, latency=2.0, used=[100], estimate=100)
        return [(moment, 1.0) for moment, _ in sent]

    sent = in_virtual_time(run())
    assert most_in_a_minute(sent) <= per_minute
    assert rate_after(sent, 0.0) >= 0.95 * per_minute


@pytest.mark.parametrize(("estimate", "used"), [(1500, [200, 900, 400]), (500, [500]), (300, [100, 290])])
def test_a_steady_run_uses_the_tokens_of_every_minute_whatever_was_estimated(
    estimate: int, used: list[int]
) -> None:
    per_minute = 90_000

    async def run() -> Sent:
        limits = Limits(max_in_flight=64, tokens_per_minute=per_minute)
        return await busy(limits, 1500, latency=2.0, used=used, estimate=estimate)

    sent = in_virtual_time(run())
    assert most_in_a_minute(sent) <= per_minute
    assert rate_after(sent, MINUTE) >= 0.95 * per_minute


@settings(max_examples=60)
@given(
    per_minute=st.integers(1, 400),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=80),
    amounts=st.lists(st.integers(1, 50), min_size=1, max_size=5),
)
def test_no_minute_has_more_than_its_rate(per_minute: int, gaps: list[float], amounts: list[int]) -> None:
    """Whenever somebody comes: the amount of any minute stays within the limit, and nobody waits for ever."""
    rate, now, sent = Rate(per_minute), 0.0, []
    for number, gap in enumerate(gaps):
        now += gap
        amount = min(amounts[number % len(amounts)], per_minute)
        waited = False
        while (wait := rate.wait(amount, now)) > 0:
            assert wait <= 2 * MINUTE
            now, waited = now + wait, True
        rate.take(amount, now, waited=waited)
        sent.append((now, float(amount)))
    assert most_in_a_minute(sent) <= per_minute


def test_requests_are_spaced_over_the_minute() -> None:
    async def run() -> Sent:
        limits = Limits(max_in_flight=10, requests_per_minute=1200)
        return await busy(limits, 60, latency=0.1, used=[1], estimate=1)

    moments = [moment for moment, _ in in_virtual_time(run())]
    assert moments[0] == 0
    steps = [later - earlier for earlier, later in pairwise(moments)]
    assert min(steps) >= 0.05


def test_every_attempt_counts_against_the_minute() -> None:
    async def run() -> tuple[int, float]:
        steps = in_turn(*(AttemptFailed(Verdict.RETRY, "again") for _ in range(3)), completion())
        limits = partial(Limits, max_in_flight=1, requests_per_minute=6)
        endpoint = Endpoint(ScriptedProvider(steps), limits, total_timeout=20, backoff=QUICK)
        effort = await endpoint.call(request(), "a", "a")
        return effort.attempts, asyncio.get_running_loop().time()

    attempts, took = in_virtual_time(run())
    assert attempts == 4
    assert took >= 30


def test_waiting_for_our_own_limit_is_no_timeout() -> None:
    async def run() -> list[Completion | None]:
        provider = ScriptedProvider(in_turn(AttemptFailed(Verdict.RETRY, "again"), completion()))
        limits = partial(Limits, max_in_flight=9, requests_per_minute=2)
        endpoint = Endpoint(provider, limits, total_timeout=1.0, backoff=QUICK)
        efforts = await asyncio.gather(*(endpoint.call(request(), str(n), str(n)) for n in range(5)))
        return [effort.completion for effort in efforts]

    assert in_virtual_time(run()) == [completion()] * 5


def test_a_request_larger_than_a_minutes_tokens_goes_out_alone() -> None:
    async def run() -> Sent:
        limits = Limits(max_in_flight=5, tokens_per_minute=100)
        return await busy(limits, 3, latency=1.0, used=[1_000_000], estimate=1_000_000)

    moments = [moment for moment, _ in in_virtual_time(run())]
    assert moments[0] == 0
    assert moments[1] >= MINUTE


async def test_without_limits_nobody_waits() -> None:
    limits = Limits(max_in_flight=1)
    async with asyncio.timeout(600):
        for _ in range(1000):
            limits.answered(await limits.admit(1_000_000), 5)
    assert limits.silence_left() == 0


# -- when the endpoint asks for silence -------------------------------------------------------------------------------


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


class Throttled:
    """A provider that answers within a second, and refuses what passes its own requests per minute."""

    def __init__(self, per_minute: int, retry_after: float) -> None:
        self.per_minute = per_minute
        self.retry_after = retry_after
        self.moments: list[float] = []
        self.refused: list[float] = []

    def is_away(self, now: float) -> bool:
        return False

    async def __call__(self, asked: Request) -> Completion:
        now = asyncio.get_running_loop().time()
        self.moments.append(now)
        await asyncio.sleep(0.5)
        recent = [moment for moment in self.moments if moment > now - MINUTE and moment not in self.refused]
        if self.is_away(now) or len(recent) > self.per_minute:
            self.refused.append(now)
            raise AttemptFailed(Verdict.PAUSE, "HTTP 429", retry_after=self.retry_after)
        return completion()


class AwayForAWhile(Throttled):
    def is_away(self, now: float) -> bool:
        return 2.0 <= now < 22.0


async def ask_often(throttled: Throttled) -> list[Effort]:
    limits = partial(Limits, max_in_flight=60)
    endpoint = Endpoint(ScriptedProvider(throttled), limits, total_timeout=3600, backoff=QUICK)
    return await asyncio.gather(*(endpoint.call(request(), str(n), str(n)) for n in range(400)))


@pytest.mark.parametrize(
    ("throttled", "most"), [(AwayForAWhile(10_000, 20.0), 1.2), (Throttled(100, 20.0), 1.5)]
)
def test_after_a_refusal_nobody_knocks_early_and_few_knock_in_vain(throttled: Throttled, most: float) -> None:
    """Sixty at once, against an endpoint that is away for a while, and against a limit that nobody told us."""
    efforts = in_virtual_time(ask_often(throttled))
    assert all(effort.completion is not None for effort in efforts)
    assert throttled.refused != []
    assert len(throttled.moments) <= most * 400
    first = min(throttled.refused)
    early = [moment for moment in throttled.moments if first + 0.5 < moment < first + 20.5]
    assert early == []


def test_a_refused_endpoint_is_asked_by_one_then_by_more() -> None:
    async def run() -> list[int]:
        limits = Limits(max_in_flight=64)
        together = [await limits.admit(1) for _ in range(64)]
        for admission in together:
            limits.refused(admission)
        seen = [limits.allowed]
        for _ in range(200):
            limits.answered(await limits.admit(1), 1)
            seen.append(limits.allowed)
        return seen

    seen = in_virtual_time(run())
    assert seen[0] == 1
    assert seen[31] == 32
    assert 32 < seen[200] < 64
    assert seen == sorted(seen)


async def test_an_attempt_that_is_broken_off_frees_its_place() -> None:
    async def play(asked: Request) -> Completion:
        if "stuck" in asked.messages[0]["content"]:
            await asyncio.Event().wait()
        return completion()

    door = scripted_door(ScriptedProvider(play), max_in_flight=1)
    await door.ask(request("first"), CONFIG)
    stuck = asyncio.create_task(door.ask(request("stuck"), CONFIG))
    await turns()
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)
    async with asyncio.timeout(600):
        assert (await door.ask(request("after"), CONFIG)).status is Status.ANSWERED


def test_usage_of_an_answer_is_what_counts() -> None:
    """An ask that was estimated at a whole minute's tokens and used few leaves the rest to others."""

    async def run() -> float:
        provider = ScriptedProvider(in_turn(completion(usage=Usage(10, 5))))
        limits = partial(Limits, max_in_flight=1, tokens_per_minute=1000)
        endpoint = Endpoint(provider, limits, total_timeout=600, backoff=QUICK)
        for number in range(30):
            await endpoint.call(request(max_tokens=900), str(number), str(number))
        return asyncio.get_running_loop().time()

    assert in_virtual_time(run()) < 2 * MINUTE
