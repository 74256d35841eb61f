"""Agents in an auction environment: handles, staged turns, and order of arrival by the seed alone."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from random import Random

import pytest

import market_agents.environments.mechanisms.auction as door
from market_agents.environments.environment import BoundEnvironment
from market_agents.environments.mechanisms.auction import AuctionEnvironment, TradeMade
from market_agents.errors import IllegalAction
from tests.auction.builders import market


@dataclass
class Person:
    id: str
    role: str
    environments: MutableMapping[str, BoundEnvironment] = field(default_factory=dict)


def a_market(institution: str) -> tuple[AuctionEnvironment, list[Person]]:
    made = market(
        buyers={f"buyer_{number}": [200, 150] for number in range(4)},
        sellers={f"seller_{number}": [20, 40] for number in range(4)},
        institution=institution,
    )
    environment = AuctionEnvironment(name="auction", mechanism=made.auction)
    people = [Person(f"{role}_{number}", role) for number in range(4) for role in ("buyer", "seller")]
    environment.join(people)
    return environment, people


def quote(person: Person, price: float) -> dict[str, object]:
    return {"action": "bid" if person.role == "buyer" else "ask", "price": price}


def test_outside_a_turn_a_step_applies_at_once() -> None:
    environment, people = a_market("lob")
    told = people[0].environments["auction"].step(quote(people[0], 100))
    assert told["status"] == "accepted"
    assert environment.get_global_state()["bids"] == [{"price": 100, "quantity": 1}]


def test_within_a_turn_steps_are_staged_and_applied_together() -> None:
    environment, people = a_market("midpoint")
    environment.open_turn()
    for number, person in enumerate(people):
        told = person.environments["auction"].step(quote(person, 100 + number))
        assert (told["status"], told["own_orders"], told["best_bid"]) == ("staged", [], None)
    acts = environment.close_turn(Random(1))
    assert [act.told["status"] for own in acts.values() for act in own] == ["accepted"] * 8
    # Bids 106, 104, 102 meet asks 101, 103, 105 from the best down; 100 and 107 stay.
    trades = [event for event in environment.mechanism.take_events() if isinstance(event, TradeMade)]
    assert [(trade.buyer_id, trade.seller_id, trade.price) for trade in trades] == [
        ("buyer_3", "seller_0", 104),
        ("buyer_2", "seller_1", 104),
    ]


@pytest.mark.parametrize("institution", ["lob", "midpoint"])
def test_the_seed_and_not_the_order_of_arrival_decides(institution: str) -> None:
    outcomes = []
    for arriving in (1, -1):
        environment, people = a_market(institution)
        environment.open_turn()
        for person in people[::arriving]:
            person.environments["auction"].step(quote(person, 100))
        environment.close_turn(Random(7))
        outcomes.append(environment.mechanism.take_events())
    assert outcomes[0] == outcomes[1]


def test_different_seeds_let_different_traders_come_first() -> None:
    first = set()
    for seed in range(12):
        environment, people = a_market("lob")
        environment.open_turn()
        for person in people:
            person.environments["auction"].step(quote(person, 100))
        environment.close_turn(Random(seed))
        first.add(environment.mechanism.round_result().trades[0].buyer_id)
    assert len(first) > 1


def test_nonsense_in_a_turn_becomes_a_rejection_when_it_closes() -> None:
    environment, people = a_market("midpoint")
    environment.open_turn()
    people[0].environments["auction"].step({"action": "bid", "price": float("nan")})
    (act,) = environment.close_turn(Random(1))["buyer_0"]
    assert act.told["status"] == "rejected"
    assert act.told["reason"].startswith('"price" must be a number')


def test_nobody_looks_through_anothers_eyes() -> None:
    _, people = a_market("lob")
    with pytest.raises(IllegalAction, match="through the eyes"):
        people[0].environments["auction"].get_global_state(agent_id="seller_1")
    assert people[0].environments["auction"].get_global_state()["values"] == [200, 150]


def test_everything_behind_the_door_exists_and_nothing_else_is_promised() -> None:
    assert sorted(door.__all__) == [
        "AuctionAction",
        "AuctionEnvironment",
        "Cancel",
        "DoubleAuction",
        "Fill",
        "Hold",
        "INSTITUTIONS",
        "Institution",
        "MarketOrder",
        "MarketOrderPlaced",
        "OrderCancelled",
        "OrderFilled",
        "OrderPlaced",
        "OrderRejected",
        "Quote",
        "RoundMeasures",
        "RoundResult",
        "TradeMade",
        "Unreadable",
    ]
    assert all(hasattr(door, name) for name in door.__all__)
