"""How the offline stand-in for a model perceives a double auction, trades in it and looks back on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import takewhile
from random import Random
from typing import Any

from market_agents.agents.cognitive_steps import in_figures
from market_agents.agents.schemas import MOST_MONEY, AuctionAction, Deal, Perception, Reflection
from market_agents.agents.steps.auction_words import open_units

STEP_TOWARDS, STEP_BACK, MOST_YIELDED = 4, 1, 40
"""Percent of the price: how much further the stand-in gives way after a round in which it missed a gain, how much
less after another, and the most."""


def stand_in_action(
    state: Mapping[str, Any],
    expected: float | None,
    opening_spread: float,
    rng: Random,
    *,
    must_improve: bool = False,
    truthful: bool = False,
    yielding: float = 0.0,
) -> AuctionAction:
    """How the offline stand-in trades: near the price it expects, else near its own limit, never at a loss.

    It offers as many units as are worth trading at its price and are covered by its cash or goods.

    Args:
        state: the market as it sees it.
        expected: the price that it expects.
        opening_spread: how far from its limit it opens, as a share.
        rng: its stream.
        must_improve: whether only a quote that beats the best of its side is admitted.
        truthful: whether it names its limit, as is best under a strategy-proof rule.
        yielding: how far it gives way to the other side, as a share of the price.
    """
    units = open_units(state)
    buying = state["role"] == "buyer"
    if not units:
        return _hold("I have nothing left to trade.")
    limit, side = units[0], 1 if buying else -1
    aim = limit * (1 - side * rng.uniform(0.02, max(opening_spread, 0.02)))
    if expected is not None:
        aim = expected * (1 + side * rng.uniform(-0.02, 0.05))
    aim *= 1 + side * yielding
    if truthful:
        aim = limit
    highest = state["max_price"] or math.inf
    wanted = min(aim, limit, highest) if buying else max(min(aim, highest), limit)
    price = min(max(round(wanted, 6), state["tick_size"]), MOST_MONEY)
    best = state.get("best_bid" if buying else "best_ask")
    if must_improve and best is not None and (price - best) * side <= 0:
        price = round(best + side * state["tick_size"], 6)
        if (limit - price) * side < 0 or not 0 < price <= highest:
            return _hold("I cannot beat the best offer without a loss.")
    # Units trade in their order, so that what comes after the first loss is not offered.
    worthwhile = sum(1 for _ in takewhile(lambda unit: unit >= price if buying else unit <= price, units))
    quantity = min(worthwhile, _affordable(state, price))
    if quantity < 1:
        return _hold("I cannot afford a unit.")
    belief = (
        f"I expect a price near {expected:.2f}" if expected is not None else "I do not know the price yet"
    )
    return AuctionAction(
        reasoning=f"{belief}, and my limit is {in_figures(limit)}.",
        action="bid" if buying else "ask",
        price=price,
        quantity=quantity,
    )


def in_schema(
    schema: type[AuctionAction], rule: Callable[[Random], AuctionAction], state: Mapping[str, Any]
) -> Callable[[Random], AuctionAction]:
    """The same rule where more is asked for: the stand-in names its price, and replaces its oldest open order."""
    if schema is AuctionAction:
        return rule
    own = state.get("own_orders", ())
    choices = {"order": "limit", "order_id": own[0]["order_id"] if own else 0}

    def act(rng: Random) -> AuctionAction:
        chosen = rule(rng)
        more = choices if chosen.action != "hold" else {**choices, "order_id": 0}
        fields = {name: choice for name, choice in more.items() if name in schema.model_fields}
        return schema.model_validate({**chosen.model_dump(), **fields})

    return act


def _affordable(state: Mapping[str, Any], price: float) -> int:
    """Units that cash or goods cover, those behind the open order included; cash may back orders elsewhere too."""
    if state["role"] == "buyer":
        behind = sum(
            order["price"] * (order["quantity"] - order["filled_quantity"])
            for order in state.get("own_orders", ())
        )
        return int((state["cash"] + round(behind, 6)) // price)
    return int(state["goods"] + state["goods_locked"])


def _hold(reasoning: str) -> AuctionAction:
    return AuctionAction(reasoning=reasoning, action="hold", price=0.0, quantity=0)


def stand_in_deal(state: Mapping[str, Any], rng: Random) -> Deal:  # noqa: ARG001  (a rule's arguments)
    """How the stand-in deals: it takes the other's quote if it gains by it."""
    units = open_units(state)
    buying = state["role"] == "buyer"
    offered = state.get("best_ask" if buying else "best_bid")
    if units and offered is not None and (units[0] > offered if buying else units[0] < offered):
        return Deal(reasoning=f"{in_figures(offered)} is better than my limit.", action="accept")
    return Deal(reasoning="I would not gain by it.", action="hold")


def stand_in_perception(expected: float | None, units: int, rng: Random) -> Perception:
    """How the stand-in sees its situation."""
    belief = (
        f"I expect a price near {expected:.2f}."
        if expected is not None
        else "There is no price to go by yet."
    )
    return Perception(
        monologue=f"I have {units} units to trade. {belief}",
        key_observations=[f"{units} units open", belief],
        strategy="Trade near the price I expect, never at a loss.",
        confidence=round(rng.uniform(0.3, 0.5) + (0.4 if expected is not None else 0.0), 2),
    )


def stand_in_reflection(
    state: Mapping[str, Any], expected: float | None, rng: Random, *, yielding: float = 0.0
) -> Reflection:
    """How the stand-in looks back on a round, and learns: who was left with units gives way, who was not stays firm."""
    traded = sum(trade["quantity"] for trade in state["own_trades"])
    left = len(open_units(state))
    last_price = state.get("last_price")
    price = last_price if last_price is not None else expected
    plan = f"Expect a price near {price:.2f}." if price is not None else "Offer a little more next time."
    percent = round(yielding * 100)
    percent = (
        min(percent + STEP_TOWARDS, MOST_YIELDED) if _missed(state, price) else max(percent - STEP_BACK, 0)
    )
    plan += f" Give way by {percent} %." if percent else ""
    return Reflection(
        reflection=f"I traded {traded} units and kept {left} open.",
        self_critique="I could have moved closer to the market."
        if left
        else "I could have held out for more.",
        self_reward=round(min(1.0, 0.3 + 0.7 * traded / max(traded + left, 1)) - rng.uniform(0, 0.05), 2),
        strategy_update=plan,
    )


def _missed(state: Mapping[str, Any], price: float | None) -> bool:
    """Whether a unit is left that would have gained at the price; without one, whether any is left."""
    units = open_units(state)
    if not units or price is None:
        return bool(units)
    return units[0] > price if state["role"] == "buyer" else units[0] < price
