"""The stand-in bargains by rule: near the price it expects, with one step's memory, and never at a loss."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.agents.steps.negotiation import _stand_in_move

PRICES = st.floats(1, 200, allow_nan=False).map(lambda price: round(price, 2))


def situation(
    side: str,
    units: list[float],
    offers: list[tuple[str, float, int]] = [],  # noqa: B006  (never changed)
    own: list[tuple[str, float]] = [],  # noqa: B006  (never changed)
) -> dict[str, Any]:
    return {
        "side": side,
        "values" if side == "bid" else "costs": units,
        "counterparts": ["bob", "cid"],
        "proposals_to_you": [
            {"from": who, "price": price, "quantity": quantity} for who, price, quantity in offers
        ],
        "your_proposals": [{"to": who, "price": price, "quantity": 1} for who, price in own],
    }


@pytest.mark.parametrize("is_last", [True, False])
@given(
    buying=st.booleans(),
    drawn=st.lists(PRICES, min_size=1, max_size=4),
    offers=st.lists(st.tuples(st.sampled_from(["bob", "cid"]), PRICES, st.integers(1, 3)), max_size=3),
    expected=st.none() | PRICES,
    seed=st.integers(0, 99),
)
def test_it_never_agrees_to_a_loss(
    is_last: bool,
    buying: bool,
    drawn: list[float],
    offers: list[tuple[str, float, int]],
    expected: float | None,
    seed: int,
) -> None:
    units = sorted(drawn, reverse=buying)
    own = situation("bid" if buying else "ask", units, offers)
    move = _stand_in_move(own, expected, is_last, Random(seed))
    if move.performative == "propose":
        assert not is_last
        assert move.quantity == 1
        assert move.price <= units[0] + 0.005 if buying else move.price >= units[0] - 0.005
    if move.performative == "accept":
        gains = [
            (sum(units[:quantity]) - price * quantity) * (1 if buying else -1)
            for who, price, quantity in offers
            if who == move.counterpart and quantity <= len(units)
        ]
        assert max(gains) > 0


def test_it_takes_the_best_offer_when_time_is_short() -> None:
    own = situation("bid", [120, 110], [("bob", 118, 1), ("cid", 117, 1)])
    move = _stand_in_move(own, 90, True, Random(0))
    assert (move.performative, move.counterpart) == ("accept", "cid")


def test_it_meets_others_half_way_while_there_is_time() -> None:
    own = situation("bid", [120, 110], [("bob", 110, 1)])
    move = _stand_in_move(own, 90, False, Random(0))
    assert (move.performative, move.counterpart, move.price) == ("propose", "bob", 100)


@pytest.mark.parametrize(("offered", "promised"), [(85, 100), (119, 75)])
def test_an_open_proposal_that_could_bring_a_loss_is_withdrawn_first(offered: float, promised: float) -> None:
    own = situation("bid", [120, 80], [("bob", offered, 1)], own=[("cid", promised)])
    move = _stand_in_move(own, 90, False, Random(0))
    assert (move.performative, move.counterpart) == ("cancel", "cid")
    assert _stand_in_move(own, 90, True, Random(0)).performative == "pass"


@pytest.mark.parametrize("own", [situation("ask", []), {**situation("bid", [100]), "counterparts": []}])
def test_without_units_or_counterparts_it_passes(own: dict[str, Any]) -> None:
    assert _stand_in_move(own, 90, False, Random(0)).performative == "pass"
