from __future__ import annotations

import asyncio
import gc
from functools import partial
from random import Random

import pytest

from market_agents.errors import ProviderAway, UserError
from market_agents.inference import MemoryJournal, ModelDoor, Outcome, Status
from market_agents.inference.asks import Completion, Request
from market_agents.inference.endpoints import MOST_GARBLED_REPLIES, Endpoint
from market_agents.inference.limits import Limits
from market_agents.inference.providers.openai_chat import OpenAIChatProvider
from market_agents.inference.retry import AttemptFailed, Backoff, Verdict
from tests.inference.asking import SOON, ask, ask_all, texts_seen
from tests.inference.doors import (
    CONFIG,
    KEY,
    KEY_NAME,
    MODEL,
    ScriptedProvider,
    Tries,
    completion,
    in_turn,
    request,
    scripted_endpoint,
    served_door,
    served_provider,
    turns,
)
from tests.rig.fake_model_client import FakeModel
from tests.rig.ports import LOOPBACK
from tests.rig.virtual_time import VirtualLoop, in_virtual_time

# -- after first answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 402, 403, 404, 410])
async def test_later_the_same_stops_the_run_so_that_it_can_be_resumed(
    fake_model: FakeModel, code: int
) -> None:
    door = served_door(fake_model.base_url)
    await ask(door)
    fake_model.set_faults([{"kind": "status", "code": code}])
    with pytest.raises(ProviderAway) as caught:
        await ask(door)
    assert KEY not in str(caught.value)
    assert MODEL in str(caught.value)


async def test_a_server_that_goes_away_and_stays_away_stops_the_run() -> None:
    with FakeModel() as fake:
        door = served_door(fake.base_url, backoff=Tries(10))
        await ask(door)
        fake.kill_hard()
        ended = await ask_all(door, [f"agent {n}" for n in range(5)])
    assert all(isinstance(one, ProviderAway) for one in ended)


async def test_a_server_that_comes_back_in_time_is_no_loss() -> None:
    with FakeModel() as fake:
        door = served_door(fake.base_url, total_timeout=SOON)
        await ask(door)
        fake.kill_hard()
        waiting = asyncio.create_task(ask(door))
        await turns()
        await asyncio.to_thread(fake.start)
        assert (await waiting).status is Status.ANSWERED


# -- deadlines --------------------------------------------------------------------------------------------------------


async def test_a_model_that_answers_nobody_stops_the_run(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "hang"}])
    door = served_door(fake_model.base_url, timeout=0.3, backoff=Tries(3))
    ended = await ask_all(door, [f"agent {n}" for n in range(5)])
    assert all(isinstance(one, ProviderAway) for one in ended)
    assert f"no answer from {fake_model.base_url} within 0.3 s" in str(ended[0])
    assert len(fake_model.ledger()) == 3, "one probes, and nobody asks what it found out"


class Ordered(OpenAIChatProvider):
    """Sends in an order of its own: quick once stuck is under way, stuck once quick was answered, late after both.

    Nobody waits for stuck for long; for the others there is all the time they need.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url=base_url, api_key=None, key_name=KEY_NAME, timeout=300)
        self._hasty = served_provider(base_url, timeout=0.2)
        self.under_way, self.answered, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def attempt(self, request: Request, key: str, idempotency_key: str) -> Completion:
        text = request.messages[0]["content"]
        if text == "stuck":
            self.under_way.set()
            await self.answered.wait()
            return await self._hasty.attempt(request, key, idempotency_key)
        await {"quick": self.under_way, "late": self.ended}[text].wait()
        return await super().attempt(request, key, idempotency_key)

    async def close(self) -> None:
        await self._hasty.close()
        await super().close()


async def test_one_ask_that_hangs_while_others_are_answered_has_an_outcome(fake_model: FakeModel) -> None:
    journal, provider = MemoryJournal(), Ordered(fake_model.base_url)
    endpoint = Endpoint(provider, partial(Limits, max_in_flight=8), total_timeout=600, backoff=Tries(3))
    door = ModelDoor({CONFIG.name: endpoint}, journal, run_id="run")

    async def telling(text: str, event: asyncio.Event) -> Outcome:
        outcome = await ask(door, text)
        event.set()
        return outcome

    fake_model.set_faults([{"kind": "hang", "match": "stuck"}])
    provider.under_way.set()
    async with door:
        await ask(door, "quick")
        provider.under_way.clear()
        stuck, quick, late = await asyncio.gather(
            telling("stuck", provider.ended), telling("quick", provider.answered), ask(door, "late")
        )
    assert quick.status is late.status is Status.ANSWERED
    assert stuck.status is Status.TIMED_OUT
    assert "no answer" in stuck.reason
    assert stuck.attempts == sum(text == "stuck" for text, _ in texts_seen(fake_model)) == 3
    assert journal.rows[stuck.request_key]["status"] == "timed_out"


async def test_the_total_deadline_ends_an_attempt_too(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "hang"}])
    door = served_door(fake_model.base_url, timeout=3600, total_timeout=0.3)
    async with asyncio.timeout(SOON):
        with pytest.raises(ProviderAway, match=r"no answer from .* within 0\.3 s in all"):
            await ask(door)


async def test_nothing_is_sent_once_time_is_up() -> None:
    provider = ScriptedProvider()
    endpoint = scripted_endpoint(provider, total_timeout=0)
    with pytest.raises(ProviderAway, match="no answer from OpenAI within 0 s in all"):
        await endpoint.call(request(), "a", "a")
    assert not provider.asked


async def test_an_attempt_at_a_server_that_only_drips_is_given_up() -> None:
    connections = 0

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(drip, LOOPBACK, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        door = served_door(f"http://{LOOPBACK}:{port}/v1", timeout=0.2, backoff=Tries(3))
        async with asyncio.timeout(SOON):
            with pytest.raises(ProviderAway, match="no answer from"):
                await ask(door)
    assert connections == 3


async def test_a_stop_tells_what_went_wrong_before_time_ran_out(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 502, "first": 1}, {"kind": "hang"}])
    with pytest.raises(ProviderAway, match="in all; before that: HTTP 502 from"):
        await ask(served_door(fake_model.base_url, total_timeout=1.5))


async def test_a_passing_outage_is_weathered(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 502, "every": 2}])
    ended = await ask_all(served_door(fake_model.base_url), [f"agent {n}" for n in range(10)])
    outcomes = [one for one in ended if isinstance(one, Outcome)]
    assert len(outcomes) == 10
    assert sum(one.attempts for one in outcomes) == len(fake_model.ledger()) > 10


async def test_asks_that_wait_for_another_try_end_with_the_endpoint() -> None:
    async def play(asked: Request) -> Completion:
        await asyncio.sleep(0)
        text = asked.messages[0]["content"]
        if text == "refused":
            raise AttemptFailed(Verdict.KEY_REFUSED, "refused")
        if text == "retried":
            raise AttemptFailed(Verdict.RETRY, "HTTP 500")
        return completion()

    provider = ScriptedProvider(play)
    endpoint = scripted_endpoint(provider, total_timeout=3600)
    await endpoint.call(request("warm-up"), "a", "a")
    async with asyncio.timeout(SOON):
        ended = await asyncio.gather(
            endpoint.call(request("retried"), "b", "b"),
            endpoint.call(request("refused"), "c", "c"),
            return_exceptions=True,
        )
    assert all(isinstance(one, ProviderAway) for one in ended)
    assert len(provider.asked) == 3


async def test_an_endpoint_that_was_given_up_may_be_tried_again() -> None:
    provider = ScriptedProvider(in_turn(AttemptFailed(Verdict.KEY_REFUSED, "refused"), completion("Fine.")))
    endpoint = scripted_endpoint(provider)
    with pytest.raises(UserError):
        await endpoint.call(request(), "a", "a")
    effort = await endpoint.call(request(), "b", "b")
    assert effort.completion == completion("Fine.")
    assert endpoint.has_answered()


# -- event loops ------------------------------------------------------------------------------------------------------


def test_one_door_serves_several_event_loops(fake_model: FakeModel) -> None:
    door = served_door(fake_model.base_url)

    async def gathered() -> list[Outcome]:
        return await asyncio.gather(*(ask(door, f"agent {n}") for n in range(5)))

    for _ in range(3):
        assert all(one.status is Status.ANSWERED for one in asyncio.run(gathered()))
        gc.collect()
    assert len(fake_model.ledger()) == 15


def test_a_loop_that_was_broken_off_spoils_nothing(fake_model: FakeModel) -> None:
    door = served_door(fake_model.base_url)
    fake_model.set_faults([{"kind": "hang", "match": "stuck"}])

    async def broken_off() -> None:
        await ask(door, "fine")
        async with asyncio.timeout(0.2):
            await ask(door, "stuck")

    with pytest.raises(TimeoutError):
        asyncio.run(broken_off())
    assert asyncio.run(ask(door, "fine again")).status is Status.ANSWERED
    gc.collect()


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_waits_double_with_jitter_and_stay_within_bounds() -> None:
    backoff = Backoff(base=1.0, longest=10.0)
    for failures, ceiling in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (900, 10.0)):
        waits = [backoff.wait(failures, Random(seed)) for seed in range(50)]
        assert all(ceiling / 2 <= wait <= ceiling for wait in waits)
        assert len(set(waits)) > 40


async def test_replies_that_nobody_can_read_are_paid_for_only_so_often() -> None:
    garbled = AttemptFailed(Verdict.GARBLED, "a reply that is no JSON")
    provider = ScriptedProvider(in_turn(completion(), garbled))
    endpoint = scripted_endpoint(provider)
    async with endpoint:
        await endpoint.call(request(), "first", "first")
        effort = await endpoint.call(request(), "second", "second")
    assert effort.completion is None
    assert effort.attempts == MOST_GARBLED_REPLIES
    assert str(effort.failure) == "a reply that is no JSON"


async def test_an_ask_that_fails_alone_tells_nothing_of_the_others() -> None:
    provider = ScriptedProvider(in_turn(completion(), AttemptFailed(Verdict.RETRY, "HTTP 500")))
    endpoint = scripted_endpoint(provider, backoff=Tries(5))
    async with endpoint:
        await endpoint.call(request(), "first", "first")
        effort = await endpoint.call(request(), "alone", "alone")
    assert effort.completion is None
    assert str(effort.failure) == "HTTP 500"


@pytest.mark.parametrize(
    "failure",
    [
        AttemptFailed(Verdict.PAUSE, "HTTP 429", retry_after=60.0),
        AttemptFailed(Verdict.RETRY, "no connection", reached=False),
    ],
    ids=["asks for silence", "cannot be reached"],
)
async def test_an_endpoint_that_is_away_stops_even_a_lonely_ask(failure: AttemptFailed) -> None:
    endpoint = scripted_endpoint(
        ScriptedProvider(in_turn(completion(), failure)), total_timeout=30, backoff=Tries(5)
    )
    async with endpoint:
        await endpoint.call(request(), "first", "first")
        with pytest.raises(ProviderAway):
            await endpoint.call(request(), "alone", "alone")


# -- while the process does not run -----------------------------------------------------------------------------------


def test_L04_a_laptop_that_sleeps_costs_no_ask_its_outcome() -> None:
    async def play(_: Request) -> Completion:
        if len(provider.asked) == 1:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            await asyncio.sleep(3)
            loop.sleep_through(8 * 3600)
            await asyncio.sleep(1e9)  # the line is dead by now
        return completion()

    provider = ScriptedProvider(play)
    effort = in_virtual_time(scripted_endpoint(provider, total_timeout=300).call(request(), "k", "k"))
    assert effort.completion == completion()
    assert (effort.attempts, effort.latency_ms < 400_000) == (2, True)


def test_who_is_awake_gives_up_in_time() -> None:
    async def play(_: Request) -> Completion:
        await asyncio.sleep(1e9)
        return completion()

    async def asked() -> float:
        with pytest.raises(ProviderAway):
            await scripted_endpoint(ScriptedProvider(play), total_timeout=300).call(request(), "k", "k")
        return asyncio.get_running_loop().time()

    assert in_virtual_time(asked()) == pytest.approx(300)
