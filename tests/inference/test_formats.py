"""How structured answers are asked for: the best format that the server knows, found once and remembered."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Generic, TypeVar

import pytest
from pydantic import BaseModel

from market_agents.inference import Status
from market_agents.inference.structured import schema_in_words, wire_schema
from tests.inference.doors import CONFIG, Order, order_request, request, served_door
from tests.inference.served import serving
from tests.rig.fake_model_client import FakeModel

T = TypeVar("T")
NO_SCHEMA = ("no_schema_400", "no_schema_422", "no_schema_500")


def formats(fake: FakeModel) -> list[str]:
    """The response format of each request that the server saw."""
    bodies = [entry["body"] for entry in fake.ledger(bodies=True)]
    return [
        "tools" if "tools" in body else body.get("response_format", {"type": "none"})["type"]
        for body in bodies
    ]


async def test_the_schema_goes_over_the_wire_once_and_strictly(fake_model: FakeModel) -> None:
    outcome = await served_door(fake_model.base_url).ask(order_request(), CONFIG)
    assert isinstance(outcome.parsed, Order)
    (entry,) = fake_model.ledger(bodies=True)
    assert entry["body"]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "Order", "schema": wire_schema(Order), "strict": True},
    }
    assert entry["body"]["messages"] == [{"role": "user", "content": "Bid or ask?"}]


async def test_sampling_is_sent_only_where_it_is_set(fake_model: FakeModel) -> None:
    door = served_door(fake_model.base_url)
    await door.ask(request(), CONFIG)
    await door.ask(request(temperature=0.0, max_tokens=7), CONFIG)
    plain, set_ = [entry["body"] for entry in fake_model.ledger(bodies=True)]
    assert plain.keys() == {"model", "messages"}
    assert (set_["temperature"], set_["max_tokens"]) == (0.0, 7)


REFUSED_LIMIT = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "code": "unsupported_parameter",
    }
}


async def test_a_model_that_wants_the_newer_limit_gets_it_and_others_do_not(fake_model: FakeModel) -> None:
    fake_model.set_faults(
        [{"kind": "status", "code": 400, "body": json.dumps(REFUSED_LIMIT), "match": "newer", "first": 1}]
    )
    door = served_door(fake_model.base_url)
    first = await door.ask(request(model="newer-model", max_tokens=7), CONFIG)
    await door.ask(request(model="newer-model", max_tokens=8), CONFIG)
    await door.ask(request(max_tokens=9), CONFIG)
    assert (first.status, first.attempts) == (Status.ANSWERED, 2)
    limits = [
        {name: value for name, value in entry["body"].items() if name.startswith("max_")}
        for entry in fake_model.ledger(bodies=True)
    ]
    assert limits == [
        {"max_tokens": 7},
        {"max_completion_tokens": 7},
        {"max_completion_tokens": 8},
        {"max_tokens": 9},
    ]
    keys = [entry["idempotency_key"] for entry in fake_model.ledger()]
    assert len(set(keys)) == len(keys), "another body under the same key would be refused"


@pytest.mark.parametrize("kind", NO_SCHEMA)
async def test_a_server_without_schemas_is_asked_for_an_object(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}])
    door = served_door(fake_model.base_url)
    outcome = await door.ask(order_request(), CONFIG)
    assert isinstance(outcome.parsed, Order)
    assert outcome.attempts == 2
    assert formats(fake_model) == ["json_schema", "json_object"]
    said = fake_model.ledger(bodies=True)[1]["body"]["messages"]
    assert said == [
        {"role": "user", "content": "Bid or ask?"},
        {"role": "user", "content": schema_in_words(Order)},
    ]


@pytest.mark.parametrize("kind", NO_SCHEMA)
async def test_a_server_without_formats_is_asked_in_words(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}, {"kind": "no_json_object_400"}])
    outcome = await served_door(fake_model.base_url).ask(order_request(), CONFIG)
    assert isinstance(outcome.parsed, Order)
    assert outcome.attempts == 3
    assert formats(fake_model) == ["json_schema", "json_object", "none"]


@pytest.mark.parametrize("kind", NO_SCHEMA)
async def test_what_the_server_refused_is_not_tried_again(fake_model: FakeModel, kind: str) -> None:
    fake_model.set_faults([{"kind": kind}, {"kind": "no_json_object_400"}])
    door = served_door(fake_model.base_url)
    await door.ask(order_request(), CONFIG)
    later = await asyncio.gather(*(door.ask(order_request(f"agent {n}"), CONFIG) for n in range(5)))
    assert [one.attempts for one in later] == [1] * 5
    assert formats(fake_model)[3:] == ["none"] * 5


async def test_asks_side_by_side_find_the_same_format(fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "no_schema_400"}, {"kind": "no_json_object_400"}])
    door = served_door(fake_model.base_url)
    await door.ask(request("the first answer is a plain one"), CONFIG)
    outcomes = await asyncio.gather(*(door.ask(order_request(f"agent {n}"), CONFIG) for n in range(8)))
    assert all(one.status is Status.ANSWERED for one in outcomes)
    assert all(1 <= one.attempts <= 3 for one in outcomes)
    assert sum(one.attempts for one in outcomes) == len(fake_model.ledger()) - 1


async def test_a_late_refusal_takes_nothing_back_that_is_known(fake_model: FakeModel) -> None:
    fake_model.set_faults(
        [
            {"kind": "delay", "ms": 300, "match": "slow"},
            {"kind": "no_schema_400"},
            {"kind": "no_json_object_400"},
        ]
    )
    door = served_door(fake_model.base_url)
    await door.ask(request("the first answer is a plain one"), CONFIG)
    slow, quick = await asyncio.gather(
        door.ask(order_request("slow"), CONFIG), door.ask(order_request("quick"), CONFIG)
    )
    assert (quick.attempts, slow.attempts) == (3, 2)


async def test_formats_have_idempotency_keys_of_their_own(fake_model: FakeModel) -> None:
    fake_model.set_faults(
        [{"kind": "no_schema_400"}, {"kind": "status", "code": 502, "first": 2}, {"kind": "delay", "ms": 1}]
    )
    await served_door(fake_model.base_url).ask(order_request(), CONFIG)
    keys = [entry["idempotency_key"] for entry in fake_model.ledger()]
    assert len(keys) == 4
    assert keys[0] != keys[1] == keys[2] == keys[3]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "internal error"}},
        {"error": {"message": "relation of schema public does not exist; connection pool exhausted"}},
        "<html><body>Internal Server Error; powered by toolserver</body></html>",
    ],
)
async def test_an_outage_is_no_refusal_of_a_format(fake_model: FakeModel, body: Any) -> None:
    fake_model.set_faults([{"kind": "status", "code": 500, "first": 2, "body": body}])
    outcome = await served_door(fake_model.base_url).ask(order_request(), CONFIG)
    assert outcome.status is Status.ANSWERED
    assert outcome.attempts == 3
    assert formats(fake_model) == ["json_schema"] * 3


async def test_a_400_about_something_else_is_no_refusal_of_a_format(fake_model: FakeModel) -> None:
    body = {"error": {"message": "max_tokens is too large"}}
    fake_model.set_faults([{"kind": "status", "code": 400, "body": body}])
    door = served_door(fake_model.base_url)
    outcome = await door.ask(order_request(), CONFIG)
    assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)
    assert "max_tokens is too large" in outcome.reason


async def test_a_plain_request_never_falls_back(fake_model: FakeModel) -> None:
    body = {"error": {"message": "response_format is unknown"}}
    fake_model.set_faults([{"kind": "status", "code": 400, "body": body, "first": 1}])
    door = served_door(fake_model.base_url)
    assert (await door.ask(request(), CONFIG)).status is Status.FAILED
    await door.ask(order_request(), CONFIG)
    assert formats(fake_model) == ["none", "json_schema"]


async def test_a_server_that_refuses_even_words_gives_one_outcome() -> None:
    body = {"error": {"message": "this schema of yours is not welcome"}}
    async with serving(body, status=400) as base_url:
        outcome = await served_door(base_url).ask(order_request(), CONFIG)
    assert (outcome.status, outcome.attempts) == (Status.FAILED, 3)


async def test_tool_mode_asks_for_a_call(fake_model: FakeModel) -> None:
    outcome = await served_door(fake_model.base_url).ask(order_request(tool_mode=True), CONFIG)
    assert isinstance(outcome.parsed, Order)
    (entry,) = fake_model.ledger(bodies=True)
    body = entry["body"]
    assert "response_format" not in body
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "Order", "parameters": wire_schema(Order), "strict": True},
        }
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "Order"}}


async def test_a_server_without_tools_is_asked_for_an_object(fake_model: FakeModel) -> None:
    body = {"error": {"message": "fake-model does not support tools"}}
    fake_model.set_faults([{"kind": "status", "code": 400, "body": body, "match": '"tools"'}])
    outcome = await served_door(fake_model.base_url).ask(order_request(tool_mode=True), CONFIG)
    assert isinstance(outcome.parsed, Order)
    assert formats(fake_model) == ["tools", "json_object"]


async def test_tool_mode_without_a_schema_is_a_plain_request(fake_model: FakeModel) -> None:
    await served_door(fake_model.base_url).ask(request(tool_mode=True), CONFIG)
    assert formats(fake_model) == ["none"]


class Pair(BaseModel, Generic[T]):
    first: T


async def test_the_schemas_name_is_one_that_servers_accept(fake_model: FakeModel) -> None:
    for tool_mode in (False, True):
        door = served_door(fake_model.base_url)
        outcome = await door.ask(request(schema=Pair[int], tool_mode=tool_mode), CONFIG)
        assert isinstance(outcome.parsed, Pair)
    by_format, by_tool = [entry["body"] for entry in fake_model.ledger(bodies=True)]
    assert by_format["response_format"]["json_schema"]["name"] == "Pair_int_"
    assert by_tool["tools"][0]["function"]["name"] == "Pair_int_"
