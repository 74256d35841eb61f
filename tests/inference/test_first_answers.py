"""Before an endpoint has answered: what is the user's mistake is told soon, and costs next to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest

from market_agents.errors import ProviderAway, UserError
from market_agents.inference import Status
from market_agents.inference.asks import Completion, Request
from market_agents.inference.endpoints import MOST_GARBLED_REPLIES, REFUSALS_BEFORE_GIVING_UP, Endpoint
from market_agents.inference.limits import Limits
from market_agents.inference.retry import AttemptFailed, Verdict
from tests.inference.asking import SOON, ask, ask_all
from tests.inference.doors import (
    KEY,
    KEY_NAME,
    MODEL,
    QUICK,
    ScriptedProvider,
    Tries,
    request,
    served_door,
    turns,
)
from tests.rig.fake_model_client import FakeModel
from tests.rig.ports import LOOPBACK, free_port


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("max_in_flight", [8, 64])
async def test_a_wrong_key_costs_two_requests_at_most(
    fake_model: FakeModel, code: int, max_in_flight: int
) -> None:
    fake_model.set_faults([{"kind": "status", "code": code}])
    door = served_door(fake_model.base_url, max_in_flight=max_in_flight)
    ended = await ask_all(door, [f"agent {n}" for n in range(50)])
    assert len(fake_model.ledger()) <= 2
    for one in ended:
        assert isinstance(one, UserError)
        assert KEY_NAME in str(one)
        assert MODEL in str(one)
        assert KEY not in str(one)
        assert "\n" not in str(one)


async def test_a_wrong_key_is_told_soon_however_slowly_we_may_ask() -> None:
    async def play(_: Request) -> Completion:
        await turns()
        raise AttemptFailed(Verdict.KEY_REFUSED, "refused")

    provider = ScriptedProvider(play)
    endpoint = Endpoint(
        provider, lambda: Limits(max_in_flight=50, requests_per_minute=1), total_timeout=300, backoff=QUICK
    )
    async with asyncio.timeout(SOON):
        ended = await asyncio.gather(
            *(endpoint.call(request(), str(n), str(n)) for n in range(50)), return_exceptions=True
        )
    assert all(isinstance(one, UserError) for one in ended)
    assert len(provider.asked) == 1


async def test_a_server_that_wants_a_key_and_gets_none_says_how_to_name_one(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 401}])
    with pytest.raises(UserError, match=r"wants a key .* api_key_env"):
        await ask(served_door(fake_model.base_url, api_key=None))


async def test_an_unknown_model_is_the_users_mistake(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 404}])
    ended = await ask_all(served_door(fake_model.base_url), [f"agent {n}" for n in range(20)])
    assert len(fake_model.ledger()) <= 2
    assert all(isinstance(one, UserError) and MODEL in str(one) for one in ended)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}),
        (402, {"message": "Insufficient Balance"}),
        (400, {"message": "Billing hard limit has been reached", "code": "billing_hard_limit_reached"}),
        (400, {"message": "Your credit balance is too low to access the API."}),
    ],
)
async def test_a_quota_used_up_is_the_users_mistake(
    fake_model: FakeModel, code: int, error: dict[str, str]
) -> None:
    fake_model.set_faults([{"kind": "status", "code": code, "body": {"error": error}}])
    with pytest.raises(UserError, match=f"quota behind {KEY_NAME}"):
        await ask(served_door(fake_model.base_url))
    assert len(fake_model.ledger()) == 1


async def test_a_port_where_nobody_listens_is_told_soon() -> None:
    address = f"http://{LOOPBACK}:{free_port()}/v1"
    ended = await ask_all(served_door(address, total_timeout=300), [f"agent {n}" for n in range(20)])
    for one in ended:
        assert isinstance(one, UserError)
        assert address in str(one)
        assert "nothing was spent" in str(one)


async def test_only_one_request_probes(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 100}])
    await ask_all(served_door(fake_model.base_url), [f"agent {n}" for n in range(10)])
    first, *others = fake_model.ledger()
    assert len(others) == 9
    # From its arrival, for the server may note the end a while after the client has seen it.
    assert all(entry["time"] >= first["time"] + 0.099 for entry in others)


async def test_a_request_that_never_works_does_not_condemn_the_endpoint(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 400, "match": "too hot"}])
    door = served_door(fake_model.base_url)
    bad = await ask(door, "too hot")
    assert (bad.status, bad.attempts) == (Status.FAILED, 1)
    assert "HTTP 400" in bad.reason
    assert (await ask(door, "fine")).status is Status.ANSWERED
    assert [(await ask(door, "too hot")).status for _ in range(5)] == [Status.FAILED] * 5


async def test_a_model_that_refuses_everything_is_the_users_mistake(fake_model: FakeModel) -> None:
    body = {"error": {"message": "Unsupported value: 'temperature'"}}
    fake_model.set_faults([{"kind": "status", "code": 400, "body": body}])
    ended = await ask_all(served_door(fake_model.base_url), [f"agent {n}" for n in range(20)])
    assert len(fake_model.ledger()) == REFUSALS_BEFORE_GIVING_UP
    told = [str(one) for one in ended if isinstance(one, UserError)]
    assert len(told) == 20 - (REFUSALS_BEFORE_GIVING_UP - 1)
    assert all("'temperature'" in one and MODEL in one for one in told)


async def test_a_prompt_that_a_filter_stops_says_nothing_of_the_key(fake_model: FakeModel) -> None:
    body = {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}
    fake_model.set_faults([{"kind": "status", "code": 403, "body": body, "match": "too hot"}])
    door = served_door(fake_model.base_url)
    assert (await ask(door, "too hot")).status is Status.FAILED
    assert (await ask(door, "fine")).status is Status.ANSWERED


@contextlib.asynccontextmanager
async def a_server_that(says: bytes, reads_first: bool) -> AsyncIterator[tuple[str, list[int]]]:
    """A listener that is no HTTP server: it says its bytes and hangs up. Yields its address and who called."""
    calls: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        if reads_first:
            await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1", calls


async def test_a_port_that_speaks_no_http_is_the_users_mistake() -> None:
    async with a_server_that(b"SSH-2.0-OpenSSH_9.2\r\n", reads_first=False) as (address, calls):
        (error,) = await ask_all(served_door(address), ["x"])
    assert isinstance(error, UserError)
    assert "check base_url" in str(error)
    assert len(calls) <= MOST_GARBLED_REPLIES


async def test_a_connection_that_is_broken_off_was_a_connection() -> None:
    async with a_server_that(b"", reads_first=True) as (address, calls):
        (error,) = await ask_all(served_door(address, backoff=Tries(3)), ["x"])
    assert isinstance(error, ProviderAway), "somebody read the request: it may have been paid for"
    assert "broke the connection off" in str(error)
    assert len(calls) == 3


async def test_a_refused_connection_says_so_and_what_to_do() -> None:
    (error,) = await ask_all(served_door(f"http://{LOOPBACK}:{free_port()}/v1"), ["x"])
    assert isinstance(error, UserError)
    assert re.search(r"no connection to .*(refused|[Cc]onnect call failed)", str(error))
    assert "check base_url, and that the server runs" in str(error)
