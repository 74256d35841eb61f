"""Who may join under which name, what a step returns, and what the records of a turn keep."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from market_agents.environments import Environment, Observation
from market_agents.errors import UserError
from tests.environments.basket import Basket, Person


class Notebook(Basket):
    """A mechanism that takes any action and tells it back."""

    def check(self, agent_id: str, action: Mapping[str, object]) -> int:
        return 1

    def apply(self, agent_id: str, action: int) -> Observation:
        self.stock -= action
        return {"status": "accepted", "stock": "as I said", "notes": [self.stock]}


def one_agent(mechanism: Basket | None = None) -> tuple[Environment[int], Person]:
    environment = Environment("notebook", mechanism or Notebook())
    person = Person("ann")
    environment.join([person])
    return environment, person


def deep_action() -> dict[str, Any]:
    return {"take": 1, "plan": {"steps": [{"price": 12}, [1, 2]]}, "pair": ([1], "a")}


def test_two_agents_of_one_name_cannot_act_for_each_other() -> None:
    environment, first = one_agent()
    second = Person("ann", "seller")
    with pytest.raises(
        UserError, match="notebook has another agent called 'ann'; give each an id of its own"
    ):
        environment.join([second])
    assert environment.members == ("ann",)
    assert second.environments == {}
    environment.join([first])
    assert first.environments["notebook"].step(deep_action())["status"] == "accepted"


def test_a_name_is_free_in_another_environment() -> None:
    for _ in range(2):
        environment, person = one_agent()
        assert environment.members == (person.id,)


def test_a_step_returns_what_was_told_and_what_is_seen() -> None:
    _, person = one_agent()
    returned = person.environments["notebook"].step(deep_action())
    assert returned == {"status": "accepted", "stock": "as I said", "notes": [99], "mine": 0}


@pytest.mark.parametrize("simultaneous", [True, False])
def test_the_record_holds_an_action_as_it_was_given(simultaneous: bool) -> None:
    environment, person = one_agent()
    environment.open_turn(simultaneous=simultaneous)
    action = deep_action()
    person.environments["notebook"].step(action)
    action["plan"]["steps"][0]["price"] = 99
    action["plan"]["steps"].append("more")
    action["later"] = True
    acts = environment.close_turn(Random(1))
    assert [act.action for act in acts["ann"]] == [deep_action()]


def test_the_record_holds_an_answer_as_it_was_told() -> None:
    environment, person = one_agent()
    environment.open_turn(simultaneous=False)
    returned = person.environments["notebook"].step(deep_action())
    returned["notes"].append("forged")
    returned["status"] = "forged"
    [act] = environment.close_turn(Random(1))["ann"]
    assert act.told == {"status": "accepted", "stock": "as I said", "notes": [99]}


def test_an_action_of_any_depth_is_recorded() -> None:
    environment, person = one_agent()
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"in": nested}
    environment.open_turn()
    person.environments["notebook"].step(nested)
    [act] = environment.close_turn(Random(1))["ann"]
    assert list(act.action) == ["in"]
    while (
        nested
    ):  # taken apart step by step, since a chain of that length overflows where it is freed at once
        nested = nested.pop("in")


def test_an_action_that_holds_itself_is_recorded() -> None:
    environment, person = one_agent()
    action: dict[str, Any] = {"take": 1}
    action["again"] = action
    environment.open_turn()
    person.environments["notebook"].step(action)
    assert environment.close_turn(Random(1))["ann"][0].action["take"] == 1
