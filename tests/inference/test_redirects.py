"""A redirect is not followed: neither prompt nor key goes where the configuration does not say so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from market_agents.errors import ProviderAway, UserError
from market_agents.inference import MemoryJournal
from tests.inference.doors import CONFIG, KEY, Order, request, served_door
from tests.inference.test_batches import answers, ask_all, door, opened, paid
from tests.rig.fake_model_client import FakeModel
from tests.rig.ports import LOOPBACK


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[FakeModel]:
    with FakeModel() as model:
        yield model


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_N04_no_prompt_goes_where_a_redirect_leads(
    fake_model: FakeModel, elsewhere: FakeModel, code: int
) -> None:
    leads = f"http://user:secret-word@127.0.0.1:{elsewhere.port}/v1/chat/completions?key={KEY}"
    fake_model.set_faults([{"kind": "status", "code": code, "location": leads}])
    with pytest.raises(UserError) as stopped:
        await served_door(fake_model.base_url).ask(request(), CONFIG)
    told = str(stopped.value)
    assert told.startswith(
        f"{fake_model.base_url} redirects to http://127.0.0.1:{elsewhere.port} (HTTP {code})"
    )
    assert "set base_url" in told
    assert "secret-word" not in told
    assert KEY not in told
    assert elsewhere.ledger() == []
    assert len(fake_model.ledger()) == 1


async def test_N04_a_redirect_after_first_answers_stops_the_run_resumably(
    fake_model: FakeModel, elsewhere: FakeModel
) -> None:
    asked = served_door(fake_model.base_url)
    await asked.ask(request(), CONFIG)
    fake_model.set_faults([{"kind": "status", "code": 307, "location": elsewhere.base_url}])
    with pytest.raises(ProviderAway, match="base_url"):
        await asked.ask(request(), CONFIG)
    assert elsewhere.ledger() == []


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (None, "redirects to {here} (HTTP 307)"),
        ("/v2/chat/completions", "redirects to {here} (HTTP 307)"),
        ("//example.org/v1", "redirects to http://example.org (HTTP 307)"),
        (f"https://{KEY}.example.org/", "redirects to https://….example.org (HTTP 307)"),
        ("http://[::1", "redirects (HTTP 307)"),
        ("http://host:port/", "redirects (HTTP 307)"),
        ("mailto:someone", "redirects (HTTP 307)"),
        ("http://" + "a" * 5000, "aaa…"),
    ],
)
async def test_wherever_it_leads_is_told_in_one_clean_line(
    fake_model: FakeModel, location: str | None, told: str
) -> None:
    fake_model.set_faults([{"kind": "status", "code": 307, "location": location}])
    with pytest.raises(UserError) as stopped:
        await served_door(fake_model.base_url).ask(request(), CONFIG)
    line = str(stopped.value)
    assert told.format(here=f"http://127.0.0.1:{fake_model.port}") in line
    assert line.isprintable()
    assert len(line) < 500
    assert KEY not in line


async def test_the_upload_of_a_batch_follows_no_redirect(fake_model: FakeModel, elsewhere: FakeModel) -> None:
    there = f"{elsewhere.base_url}/files"
    fake_model.set_faults([{"kind": "batch_status", "on": "upload", "code": 307, "location": there}])
    async with opened(door(fake_model, MemoryJournal())) as asked:
        stops = await ask_all(asked, 3)
    assert all(isinstance(stop, UserError) and "redirects" in str(stop) for stop in stops)
    assert paid(fake_model) == 0


@asynccontextmanager
async def storage_of(model: FakeModel) -> AsyncIterator[tuple[str, list[str | None]]]:
    """Another server with the same files. Yields its address and the keys that it was shown."""
    keys: list[str | None] = []

    async def fetch(asked: web.Request) -> web.Response:
        keys.append(asked.headers.get("Authorization"))
        async with aiohttp.ClientSession() as session, session.get(f"{model.base_url}{asked.path}") as reply:
            return web.Response(body=await reply.read())

    application = web.Application()
    application.router.add_get("/files/{name}/content", fetch)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}", keys
    finally:
        await runner.cleanup()


async def test_the_answers_of_a_batch_may_be_kept_elsewhere_and_no_key_goes_there(
    fake_model: FakeModel,
) -> None:
    async with storage_of(fake_model) as (address, keys), opened(door(fake_model, MemoryJournal())) as asked:
        location = f"{address}/files/file_000002/content"
        fake_model.set_faults(
            [{"kind": "batch_status", "on": "fetch", "code": 302, "location": location, "first": 1}]
        )
        found = answers(await ask_all(asked, 3))
    assert all(isinstance(answer, Order) for answer in found)
    assert keys == [None]
