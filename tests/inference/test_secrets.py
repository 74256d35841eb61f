"""A canary for a key: whatever a server sends back and however it fails, the key is found nowhere."""

from __future__ import annotations

import hashlib
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from market_agents.errors import MarketAgentsError
from market_agents.inference import MemoryJournal, Outcome
from tests.inference.doors import CONFIG, KEY, Tries, order_request, request, served_door
from tests.inference.served import reply, serving
from tests.rig.fake_model_client import FakeModel

ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}.", "code": KEY, "type": f"Bearer {KEY}"}}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def shown(error: BaseException) -> str:
    """Everything that a careless handler could print of an error."""
    parts = traceback.format_exception(error)
    for one in _chain(error):
        parts += [str(one), repr(one), repr(one.args), repr(vars(one))]
    return "".join(parts)


async def everything(base_url: str, asked: Any, patience: float = 300.0) -> str:
    """All that is kept or raised by one ask, of one attempt unless another form of it is tried, as one text."""
    journal = MemoryJournal()
    door = served_door(base_url, journal, timeout=patience, backoff=Tries(1))
    found: list[str] = []
    try:
        outcome: Outcome | None = await door.ask(asked, CONFIG)
    except MarketAgentsError as error:
        outcome = None
        found.append(shown(error))
    found.append(repr(outcome))
    found.append(repr(journal.rows))
    return "".join(found)


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 529])
async def test_an_error_that_quotes_the_key(
    code: int, structured: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(ECHO, status=code, headers={"x-request-id": KEY}) as base_url:
        found = await everything(base_url, order_request() if structured else request())
    assert KEY not in found
    assert str(code) in found


async def test_an_error_that_quotes_the_key_where_texts_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for padding in range(175, 205):
        async with serving("x" * padding + KEY, status=400) as base_url:
            found = await everything(base_url, request())
        assert KEY[:8] not in found


@pytest.mark.parametrize(
    "kind", ["hang", "reset_before", "reset_mid_body", "lost_reply", "no_schema_400", "refusal", "truncate"]
)
async def test_a_fault_of_any_kind(
    fake_model: FakeModel, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake_model.set_faults([{"kind": kind}])
    found = await everything(fake_model.base_url, order_request(), patience=0.3 if kind == "hang" else 300.0)
    assert KEY not in found
    assert KEY not in caplog.text


async def test_the_log_of_a_call_at_debug_does_not_show_it(
    fake_model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await served_door(fake_model.base_url).ask(request(), CONFIG)
    assert "openai" in {record.name.partition(".")[0] for record in caplog.records}
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        reply({"role": "assistant", "content": f"Your key is {KEY}."}),
        reply({"role": "assistant", "content": None, "refusal": f"Not with {KEY}."}),
        reply({"role": "assistant", "content": "Fine."}, model=f"model-{KEY}"),
        reply({"role": "assistant", "content": f'{{"side": "{KEY}", "{KEY}": 1}}'}),
    ],
)
async def test_an_answer_that_quotes_the_key(body: dict[str, Any]) -> None:
    async with serving(body) as base_url:
        for asked in (request(), order_request()):
            assert KEY not in await everything(base_url, asked)


async def test_a_placeholder_for_a_key_is_a_word_like_any_other() -> None:
    async with serving(reply({"role": "assistant", "content": "none of us, said the ollama"})) as base_url:
        for placeholder in ("none", "ollama", None):
            outcome = await served_door(base_url, api_key=placeholder).ask(request(), CONFIG)
            assert outcome.content == "none of us, said the ollama"


async def test_only_the_key_of_the_endpoint_is_sent(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-endpoints-key")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-the-key-of-an-administrator")
    await served_door(fake_model.base_url).ask(order_request(), CONFIG)
    await served_door(fake_model.base_url, api_key=None).ask(order_request(), CONFIG)
    headers = [entry["authorization"] for entry in fake_model.ledger()]
    assert headers == [hashlib.sha256(f"Bearer {key}".encode()).hexdigest()[:12] for key in (KEY, "none")]


@pytest.mark.parametrize("escape", ["\\u002d", "\\u002D", "\\\\u002d"])
async def test_X01_a_key_whose_characters_are_escaped_is_a_key(escape: str) -> None:
    told = json.dumps(reply({"role": "assistant", "content": "It is KEY, and - no more."}))
    async with serving(told.replace("KEY", KEY.replace("-", escape))) as url:
        outcome = await served_door(url).ask(request(), CONFIG)
    assert outcome.content == "It is …, and - no more."
