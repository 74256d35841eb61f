from __future__ import annotations

import asyncio
from typing import Any

import pytest

from market_agents.inference import Scope, asking, current_scope
from tests.inference.doors import CONFIG, ScriptedProvider, request, scripted_door


def scope(**changes: Any) -> Scope:
    told = {"round": 3, "position": 1, "environment": "auction", "sub_round": 2}
    return Scope(**{**told, "agent_id": "agent_7", "step": "action", **changes})


def test_keys_are_the_path_and_an_ordinal() -> None:
    here = scope()
    assert here.path == "r3/1.auction/s2/agent_7/action"
    assert [here.next_key() for _ in range(3)] == [
        "r3/1.auction/s2/agent_7/action/1",
        "r3/1.auction/s2/agent_7/action/2",
        "r3/1.auction/s2/agent_7/action/3",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"round": 4},
        {"position": 0},
        {"environment": "group_chat"},
        {"sub_round": 0},
        {"agent_id": "agent_8"},
        {"step": "perception"},
    ],
)
def test_every_part_of_the_place_is_in_the_key(changes: dict[str, Any]) -> None:
    assert scope(**changes).next_key() != scope().next_key()


def test_the_round_is_the_journals_page() -> None:
    assert scope(round=12).next_key().partition("/")[0] == "r12"


def test_a_named_ask_takes_no_ordinal_and_meets_none() -> None:
    here = scope()
    keys = [here.next_key("1"), here.next_key(), here.next_key("forecast"), here.next_key()]
    assert len(set(keys)) == 4
    assert keys[1].endswith("/1")
    assert keys[3].endswith("/2")
    assert scope().next_key("forecast") == keys[2]


def test_the_last_key_is_kept() -> None:
    here = scope()
    assert here.last_key is None
    for name in (None, "forecast", None):
        assert here.next_key(name) == here.last_key


def test_equality_is_that_of_places() -> None:
    here, there = scope(), scope()
    here.next_key()
    assert here == there
    assert "_ordinals" not in repr(here)


def test_there_is_no_scope_outside() -> None:
    assert current_scope() is None
    with asking(scope()) as here:
        assert current_scope() is here
        with asking(scope(step="reflection")) as inner:
            assert current_scope() is inner
        assert current_scope() is here
    assert current_scope() is None


def test_the_scope_is_left_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), asking(scope()):
        raise ZeroDivisionError
    assert current_scope() is None


async def test_tasks_inside_a_step_share_its_ordinals() -> None:
    async def ask() -> str:
        here = current_scope()
        assert here is not None
        return here.next_key()

    with asking(scope()) as here:
        keys = await asyncio.gather(ask(), ask(), asyncio.create_task(ask()))
    assert sorted(key.rpartition("/")[2] for key in keys) == ["1", "2", "3"]
    assert here.last_key in keys


async def test_steps_side_by_side_do_not_see_each_other() -> None:
    door = scripted_door(ScriptedProvider())

    async def step(agent_id: str) -> list[str]:
        with asking(scope(agent_id=agent_id)):
            first = await door.ask(request(agent_id), CONFIG)
            second = await asyncio.create_task(door.ask(request(agent_id), CONFIG))
        return [first.request_key, second.request_key]

    found = await asyncio.gather(step("agent_1"), step("agent_2"))
    for agent_id, keys in zip(("agent_1", "agent_2"), found, strict=True):
        assert keys == [f"r3/1.auction/s2/{agent_id}/action/{n}" for n in (1, 2)]


async def test_asks_gathered_in_one_step_are_keyed_in_the_order_written() -> None:
    door = scripted_door(ScriptedProvider())
    with asking(scope()):
        outcomes = await asyncio.gather(*(door.ask(request(f"q{n}"), CONFIG) for n in range(5)))
    assert [outcome.request_key.rpartition("/")[2] for outcome in outcomes] == ["1", "2", "3", "4", "5"]


async def test_named_asks_are_found_again_in_any_order() -> None:
    provider = ScriptedProvider()
    door = scripted_door(provider)
    names = ["low", "high", "mean"]
    with asking(scope()):
        first = await asyncio.gather(*(door.ask(request(name), CONFIG, name) for name in names))
    with asking(scope()):
        again = await asyncio.gather(*(door.ask(request(name), CONFIG, name) for name in reversed(names)))
    assert [one.request_key for one in again] == [one.request_key for one in reversed(first)]
    assert all(one.replayed for one in again)
    assert len(provider.asked) == 3
