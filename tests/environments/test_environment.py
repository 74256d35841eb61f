"""The contract between agents and environments: identity, turns, order, and what is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.environments import Act
from market_agents.environments.environment import MAX_ACTIONS_PER_TURN
from market_agents.errors import IllegalAction
from tests.environments.basket import Person, around, people, rng, takers

NUMBER = 6


def test_joining_binds_each_agent_to_its_own_handle() -> None:
    guests = people(3)
    environment, _ = around(10, guests)
    guests[1].environments["basket"].step({"take": 2})
    assert [guest.environments["basket"].get_global_state()["mine"] for guest in guests] == [0, 2, 0]
    assert environment.members == ("agent_1", "agent_2", "agent_3")
    assert guests[0].environments["basket"].name == "basket"


def test_joining_twice_changes_nothing() -> None:
    guests = people(2)
    environment, basket = around(10, guests)
    guests[0].environments["basket"].step({"take": 3})
    environment.join(guests)
    assert environment.members == ("agent_1", "agent_2")
    assert guests[0].environments["basket"].get_global_state() == {"stock": 7, "mine": 3}
    assert basket.taken == {"agent_1": 3, "agent_2": 0}


def test_an_agent_sees_through_its_own_eyes_only() -> None:
    guests = people(2)
    around(10, guests)
    handle = guests[0].environments["basket"]
    assert handle.get_global_state(agent_id="agent_1") == handle.get_global_state()
    with pytest.raises(IllegalAction, match="agent_1 cannot look through the eyes of agent_2"):
        handle.get_global_state(agent_id="agent_2")


def test_the_experimenter_sees_everything_or_what_a_named_agent_sees() -> None:
    guests = people(2)
    environment, _ = around(10, guests)
    guests[1].environments["basket"].step({"take": 4})
    assert environment.get_global_state() == {"stock": 6, "taken": {"agent_1": 0, "agent_2": 4}}
    assert environment.get_global_state(agent_id="agent_2") == {"stock": 6, "mine": 4}
    with pytest.raises(IllegalAction, match="agent_9 has not joined basket"):
        environment.get_global_state(agent_id="agent_9")


def test_who_has_not_joined_cannot_act() -> None:
    environment, basket = around(10, people(2))
    with pytest.raises(IllegalAction, match="agent_3 has not joined basket"):
        environment.step("agent_3", {"take": 1})
    assert basket.stock == 10


@pytest.mark.parametrize("action", [None, "take 1", 1, ["take", 1], {("take", 1)}, b"take"])
def test_an_action_is_a_mapping(action: object) -> None:
    guests = people(1)
    _, basket = around(10, guests)
    with pytest.raises(IllegalAction, match=f"an action is a mapping, not {type(action).__name__}"):
        guests[0].environments["basket"].step(cast("dict[str, object]", action))
    assert basket.stock == 10


def test_outside_a_turn_an_act_applies_at_once_and_is_not_counted() -> None:
    guests = people(1)
    _, basket = around(100, guests)
    handle = guests[0].environments["basket"]
    for left in range(99, 69, -1):
        assert handle.step({"take": 1})["stock"] == left
    assert basket.stock == 70
    assert not handle.has_acted


def test_inside_a_simultaneous_turn_nobody_sees_what_others_do() -> None:
    guests = people(2)
    environment, _ = around(10, guests)
    environment.open_turn()
    told = guests[0].environments["basket"].step({"take": 3})
    assert told == {"status": "staged", "stock": 10, "mine": 0}
    assert guests[1].environments["basket"].get_global_state()["stock"] == 10
    assert [guest.environments["basket"].has_acted for guest in guests] == [True, False]
    acts = environment.close_turn(rng())
    assert acts == {"agent_1": [Act("agent_1", {"take": 3}, {"status": "accepted", "stock": 7, "mine": 3})]}
    assert not guests[0].environments["basket"].has_acted


def test_inside_a_sequential_turn_an_act_is_seen_at_once() -> None:
    guests = people(2)
    environment, basket = around(10, guests)
    environment.open_turn(simultaneous=False)
    assert guests[0].environments["basket"].step({"take": 3})["status"] == "accepted"
    assert guests[1].environments["basket"].get_global_state()["stock"] == 7
    assert guests[0].environments["basket"].has_acted
    acts = environment.close_turn(rng())
    assert [act.told["stock"] for act in acts["agent_1"]] == [7]
    assert basket.turns == 1


@given(st.permutations(range(NUMBER)), st.integers(0, 2**32))
def test_the_order_of_arrival_decides_nothing(arrival: list[int], seed: int) -> None:
    outcomes = []
    for order in (range(NUMBER), arrival):
        guests = people(NUMBER)
        environment, _ = around(4, guests)
        environment.open_turn()
        for index in order:
            guests[index].environments["basket"].step({"take": 1})
            guests[index].environments["basket"].step({"take": 2})
        acts = environment.close_turn(rng(seed))
        outcomes.append((takers(environment), list(acts), acts, environment.get_global_state()))
    assert outcomes[0] == outcomes[1]


@given(st.sets(st.integers(0, NUMBER), min_size=2), st.integers(0, 2**32))
def test_whether_others_act_or_are_there_at_all_does_not_change_who_of_two_comes_first(
    acting: set[int], seed: int
) -> None:
    def order_of(indexes: Iterable[int], number: int) -> list[str]:
        guests = people(number)
        environment, _ = around(100, guests)
        environment.open_turn()
        for index in indexes:
            guests[index].environments["basket"].step({"take": 1})
        environment.close_turn(rng(seed))
        return takers(environment)

    everybody = order_of(range(NUMBER + 1), NUMBER + 1)
    chosen = {f"agent_{index + 1}" for index in acting}
    assert order_of(sorted(acting), max(acting) + 1) == [taker for taker in everybody if taker in chosen]


def test_the_order_is_drawn_so_that_nobody_is_always_first() -> None:
    first = set()
    for seed in range(60):
        guests = people(3)
        environment, _ = around(3, guests)
        environment.open_turn()
        for guest in guests:
            guest.environments["basket"].step({"take": 1})
        environment.close_turn(rng(seed))
        first.add(takers(environment)[0])
    assert first == {"agent_1", "agent_2", "agent_3"}


@pytest.mark.parametrize("seed", range(5))
def test_an_act_that_is_refused_when_applied_is_recorded_and_the_others_go_on(seed: int) -> None:
    guests = people(4)
    environment, basket = around(3, guests)
    environment.open_turn()
    for guest in guests:
        guest.environments["basket"].step({"take": 1})
    acts = environment.close_turn(rng(seed))
    told = [act.told for done in acts.values() for act in done]
    assert sorted(act["status"] for act in told) == ["accepted", "accepted", "accepted", "rejected"]
    assert [act["reason"] for act in told if act["status"] == "rejected"] == ["only 0 left"]
    assert basket.stock == 0
    assert sorted(acts) == ["agent_1", "agent_2", "agent_3", "agent_4"]
    assert sorted(basket.taken.values()) == [0, 1, 1, 1]


def test_an_act_that_makes_no_sense_is_refused_before_it_is_staged() -> None:
    guests = people(2)
    environment, _ = around(10, guests)
    environment.open_turn()
    with pytest.raises(IllegalAction, match="take is a whole number"):
        guests[0].environments["basket"].step({"take": "all"})
    assert not guests[0].environments["basket"].has_acted
    guests[1].environments["basket"].step({"take": 1})
    assert list(environment.close_turn(rng())) == ["agent_2"]


@pytest.mark.parametrize("simultaneous", [True, False])
def test_an_agent_acts_so_often_in_a_turn_and_no_more(simultaneous: bool) -> None:
    guests = people(2)
    environment, basket = around(50, guests)
    environment.open_turn(simultaneous=simultaneous)
    handle = guests[0].environments["basket"]
    for _ in range(MAX_ACTIONS_PER_TURN):
        handle.step({"take": 1})
    with pytest.raises(IllegalAction, match=f"more than {MAX_ACTIONS_PER_TURN} acts in one turn"):
        handle.step({"take": 1})
    guests[1].environments["basket"].step({"take": 1})
    acts = environment.close_turn(rng())
    assert {agent_id: len(done) for agent_id, done in acts.items()} == {
        "agent_1": MAX_ACTIONS_PER_TURN,
        "agent_2": 1,
    }
    assert basket.stock == 50 - MAX_ACTIONS_PER_TURN - 1
    environment.open_turn(simultaneous=simultaneous)
    assert handle.step({"take": 1})["status"] in {"accepted", "staged"}


def test_an_agent_cannot_change_its_act_or_the_record_afterwards() -> None:
    guests = people(1)
    environment, basket = around(10, guests)
    action: dict[str, Any] = {"take": 1}
    environment.open_turn()
    guests[0].environments["basket"].step(action)
    action["take"] = 9
    [act] = environment.close_turn(rng())["agent_1"]
    assert (act.action, basket.stock) == ({"take": 1}, 9)
    environment.open_turn(simultaneous=False)
    told = guests[0].environments["basket"].step(action)
    told["status"], action["take"] = "rejected", 1
    [act] = environment.close_turn(rng())["agent_1"]
    assert (act.action, act.told["status"]) == ({"take": 9}, "accepted")


def test_a_turn_in_which_nobody_acts_ends_like_any_other() -> None:
    guests = people(2)
    environment, basket = around(10, guests)
    environment.open_turn()
    assert environment.close_turn(rng()) == {}
    assert (basket.turns, basket.stock) == (1, 10)
    guests[0].environments["basket"].step({"take": 1})
    assert basket.stock == 9, "after the turn acts apply at once again"


def test_each_event_is_handed_over_once_and_in_order() -> None:
    guests = people(2)
    environment, _ = around(10, guests)
    for index in (1, 0, 1):
        guests[index].environments["basket"].step({"take": 1})
    assert takers(environment) == ["agent_2", "agent_1", "agent_2"]
    assert takers(environment) == []


def test_an_agent_in_two_environments_acts_in_the_one_it_names() -> None:
    guest = Person("agent_1")
    _, here = around(10, [guest])
    other, there = around(20, [])
    other.name = "crate"
    other.join([guest])
    guest.environments["crate"].step({"take": 5})
    assert (here.stock, there.stock) == (10, 15)
    assert sorted(guest.environments) == ["basket", "crate"]
