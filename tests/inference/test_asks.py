from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, Field

from market_agents.inference import Outcome, Request, Status, Usage
from market_agents.inference.asks import usage_row
from tests.inference.doors import Order, order_request, request

_ROOT = Path(__file__).parents[2]


class Quote(BaseModel):
    price: float


class Bounded(BaseModel):
    price: float = Field(ge=0, le=10)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "another-model"},
        {"messages": [{"role": "user", "content": "Bid or ask!"}]},
        {"messages": [{"role": "system", "content": "Bid or ask?"}]},
        {"messages": [{"role": "user", "content": "Bid or ask?"}] * 2},
        {"messages": []},
        {"schema": Order},
        {"schema": Quote},
        {"temperature": 0.0},
        {"temperature": 0.7},
        {"max_tokens": 64},
        {"tool_mode": True},
    ],
)
def test_the_hash_depends_on_everything_that_is_asked(changes: dict[str, Any]) -> None:
    assert request(**changes).hash != request().hash


def test_all_these_differences_give_different_hashes() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"schema": Order},
        {"schema": Quote},
        {"temperature": 1.0},
        {"max_tokens": 1},
        {"tool_mode": True},
    ]
    assert len({request(**change).hash for change in changes}) == len(changes)


def test_the_hash_depends_on_nothing_else() -> None:
    def rule(rng: Random) -> Order:
        return Order(side="hold", price=0, quantity=0)

    assert order_request(stand_in=rule).hash == order_request().hash
    assert request(messages=({"content": "Bid or ask?", "role": "user"},)).hash == request().hash
    assert request(temperature=1).hash == request(temperature=1.0).hash


def test_bounds_stay_off_the_wire_and_so_out_of_the_hash() -> None:
    assert request(schema=Quote).hash == request(schema=Bounded).hash


def test_the_order_of_messages_counts() -> None:
    first, second = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
    assert request(messages=[first, second]).hash != request(messages=[second, first]).hash


def test_texts_do_not_flow_into_each_other() -> None:
    one = request(messages=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
    other = request(messages=[{"role": "user", "content": 'a"},{"role":"user","content":"b'}])
    assert one.hash != other.hash


def test_the_hash_is_sha256_in_hex() -> None:
    assert len(request().hash) == 64
    assert int(request().hash, 16) > 0


_PROGRAM = """
from tests.inference.doors import order_request
print(order_request(temperature=0.5, max_tokens=100).hash)
"""


def test_the_hash_is_the_same_in_every_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}  # that of this process is drawn
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == order_request(temperature=0.5, max_tokens=100).hash


def test_what_no_wire_can_carry_is_replaced_in_prompts() -> None:
    made = request("price \ud800 and \x00 here", model="m\x00")
    assert made.messages == ({"role": "user", "content": "price \ufffd and \ufffd here"},)
    assert made.model == "m\ufffd"
    assert len(made.hash) == 64


def test_a_request_keeps_its_messages_when_the_asker_goes_on_writing() -> None:
    messages = [{"role": "user", "content": "first"}]
    made = request(messages=messages)
    before = made.hash
    messages[0]["content"] = "second"
    messages.append({"role": "user", "content": "third"})
    assert made.messages == ({"role": "user", "content": "first"},)
    assert made.hash == before


def test_tokens_are_estimated_at_four_characters() -> None:
    two = [{"role": "user", "content": "x" * 30}, {"role": "user", "content": "y" * 10}]
    assert request(messages=two).estimated_tokens == 10
    assert request(messages=[{"role": "assistant"}]).estimated_tokens == 0


def test_statuses_are_the_words_of_the_records() -> None:
    assert [status.value for status in Status] == [
        "answered",
        "invalid",
        "refused",
        "truncated",
        "timed_out",
        "failed",
        "capped",
    ]


def test_usage_is_three_columns() -> None:
    assert usage_row(Usage(3, 2, 1)) == {"prompt_tokens": 3, "completion_tokens": 2, "cached_tokens": 1}


def test_an_outcome_cannot_be_changed_afterwards() -> None:
    outcome = Outcome(request_key="k", status=Status.ANSWERED)
    with pytest.raises(AttributeError):
        outcome.content = "other"  # type: ignore[misc]
    assert isinstance(request(), Request)
