"""A mechanism that goes on under other rules keeps what has happened, and takes every rule from its new arguments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from market_agents.economics.accounts import Accounts
from market_agents.environments import Mechanism
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.environments.mechanisms.elicitation import Elicitation
from market_agents.environments.mechanisms.group_chat import GroupChat
from market_agents.errors import UserError
from tests.environments.basket import Basket

ACCOUNTS = Accounts(["corn", "wool"])


def auction(**changes: Any) -> DoubleAuction:
    return DoubleAuction(**{"good": "corn", "accounts": ACCOUNTS, **changes})


CASES: list[tuple[Callable[..., Mechanism[Any]], dict[str, Any]]] = [
    *(
        (auction, {name: value})
        for name, value in {
            "good": "wool",
            "institution": "lob",
            "tick_size": Decimal("0.5"),
            "order_lifetime": "run",
            "max_price": 7,
            "must_improve": True,
            "market_orders": True,
            "quotes_per_trader": 2,
            "keep_events": False,
        }.items()
    ),
    *(
        (GroupChat, {name: value})
        for name, value in {
            "initial_topic": "weather",
            "max_rounds": 9,
            "sub_rounds": 3,
            "group_size": 2,
            "cohorts": "role",
            "reshuffle": False,
            "topic": "proposed",
        }.items()
    ),
    (Elicitation, {"tasks": ("giving",)}),
    (Elicitation, {"stakes": 3.0}),
]


def comparable(value: object) -> object:
    return value if isinstance(value, bool | int | str | tuple | frozenset | type(None)) else type(value)


@pytest.mark.parametrize(("make", "rule"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_argument_is_a_rule_that_can_change(make: Callable[..., Any], rule: dict[str, Any]) -> None:
    changed = make(**rule)
    expected = {name: comparable(value) for name, value in vars(changed).items()}
    changed.continue_from(make())
    assert {name: comparable(value) for name, value in vars(changed).items()} == expected


def test_a_mechanism_that_names_no_rules_cannot_change_them() -> None:
    with pytest.raises(UserError, match="names no settings"):
        Basket().continue_from(Basket())


@pytest.mark.parametrize("institution", ["midpoint", "lob"])
def test_open_orders_outlive_the_change_under_the_same_institution_alone(institution: str) -> None:
    accounts = Accounts(["corn"])
    accounts.open("b", 1000, {"corn": 0})
    before = DoubleAuction(good="corn", accounts=accounts, institution="lob", order_lifetime="run")
    before.join("b", "buyer")
    before.open_units("b", [50, 40])
    before.begin_round(1, Random(1))
    before.apply("b", before.check("b", {"action": "bid", "price": 0.3, "quantity": 1}))
    assert accounts.holding("b").locked_cash == 30
    after = DoubleAuction(good="corn", accounts=accounts, institution=institution, order_lifetime="run")
    after.continue_from(before)
    assert after.has_open_order("b") is (institution == "lob")
    assert accounts.holding("b").locked_cash == (30 if institution == "lob" else 0)
    told = after.apply("b", after.check("b", {"action": "bid", "price": 0.2, "quantity": 1}))
    assert (told["status"], told["order_id"]) == ("accepted", 2)
