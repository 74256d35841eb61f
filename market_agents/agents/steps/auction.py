"""How an agent with a model sees, enters and looks back on a double auction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from random import Random
from typing import Any

from market_agents.agents.cognitive_steps import (
    ActionStep,
    CognitiveStep,
    PerceptionStep,
    ReflectionStep,
    chat_prompt,
    in_figures,
    in_times,
    render_memory,
    render_messages,
    with_article,
)
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import MOST_MONEY, AuctionAction, Perception, Reflection
from market_agents.agents.steps.group_chat import keep_reflection, render_perception
from market_agents.agents.steps.talk import expected_price
from market_agents.inference import Decision

_RULES = {
    "midpoint": "All traders decide at the same time. Then the highest bid meets the lowest ask, the next the next; "
    "where a bid is at least the ask, the two trade at the midpoint of their prices.",
    "lob": "Orders arrive one after another. An order that crosses the best opposite order trades at once at that "
    "order's price; otherwise it waits in the book.",
}
_LIFETIMES = {
    "round": "Orders that have not traded end with the round.",
    "run": "Orders that have not traded stay open in later rounds.",
}


_RENEWALS = {
    "endowment": "Each round starts afresh: everybody has the same cash, goods and units again as in the first.",
    "units": "Each round everybody has the same units to trade again; cash carries over from round to round.",
    "none": "Nothing is renewed between rounds: what you spent or traded is gone.",
}


@dataclass(frozen=True, slots=True)
class AuctionFrame:
    """What is the same for all agents and all rounds.

    Attributes:
        institution: how orders meet.
        order_lifetime: ``round`` or ``run``.
        rounds: rounds in which the market opens.
        sub_rounds: times that each trader may act in a round.
        renewal: what a round starts with: ``endowment``, ``units`` or ``none``.
        tick_size: as shown to agents.
        opening_spread: how far from its value or cost the stand-in opens, as a share.
    """

    good: str
    institution: str
    order_lifetime: str
    rounds: int
    sub_rounds: int
    renewal: str
    tick_size: str
    opening_spread: float


class _AuctionStep(CognitiveStep):
    """What the auction's steps share: the system prompt, and the market as the agent sees it."""

    def __init__(self, environment_name: str, frame: AuctionFrame) -> None:
        super().__init__(environment_name)
        self.frame = frame

    def observe(self, agent: MarketAgent) -> dict[str, Any]:
        """The market as the agent sees it now; the agent remembers the last price."""
        state = super().observe(agent)
        agent.memory.see_price(state["last_price"])
        return state

    def system(self, agent: MarketAgent) -> str:
        frame = self.frame
        return agent.prompts.render(
            "auction_system",
            agent_id=agent.id,
            role_with_article=with_article(agent.role),
            good=frame.good,
            rule=_RULES.get(frame.institution, f"The institution is {frame.institution}."),
            lifetime=_LIFETIMES[frame.order_lifetime],
            renewal=_RENEWALS[frame.renewal],
            turns=in_times(frame.sub_rounds),
            tick=frame.tick_size,
            persona=agent.persona,
        )

    def user(self, name: str, agent: MarketAgent, state: Mapping[str, Any], **values: object) -> str:
        said = render_messages(agent.memory.heard(state["round"]))
        return agent.prompts.render(
            name,
            memory=render_memory(agent.memory, self.environment_name),
            heard=f"What was said before the market opened\n{said}" if said else "",
            observation=_market(state, self.frame.rounds),
            **values,
        )

    def expectation(self, agent: MarketAgent, state: Mapping[str, Any]) -> float | None:
        """Where the stand-in expects the price."""
        heard = [
            message for message in agent.memory.heard(state["round"]) if message["sender_id"] != agent.id
        ]
        return expected_price(agent.memory.strategy(self.environment_name), heard, state["last_price"])


class AuctionPerceptionStep(_AuctionStep, PerceptionStep):
    """The agent looks at the market."""

    async def execute(self, agent: MarketAgent) -> Decision[Perception]:
        """Ask for a perception and keep it for the action."""
        agent.perceptions.pop(self.environment_name, None)
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("auction_perception", agent, state))
        rule = partial(_stand_in_perception, self.expectation(agent, state), len(_open_units(state)))
        decision = await agent.llm_orchestrator.decide(messages, Perception, rule)
        agent.perceptions[self.environment_name] = decision.value
        return decision


class AuctionActionStep(_AuctionStep, ActionStep):
    """The agent bids, asks, holds or cancels."""

    async def execute(self, agent: MarketAgent) -> Decision[AuctionAction]:
        """Ask for an action and take it to the market."""
        state = self.observe(agent)
        user = self.user(
            "auction_action",
            agent,
            state,
            perception=render_perception(agent.perceptions.get(self.environment_name)),
        )
        rule = partial(
            stand_in_action, dict(state), self.expectation(agent, state), self.frame.opening_spread
        )
        decision = await agent.llm_orchestrator.decide(
            chat_prompt(self.system(agent), user), AuctionAction, rule
        )
        agent.environments[self.environment_name].step(
            decision.value.model_dump(include={"action", "price", "quantity"})
        )
        return decision


class AuctionReflectionStep(_AuctionStep, ReflectionStep):
    """The agent looks back on the round's trading."""

    async def execute(self, agent: MarketAgent) -> Decision[Reflection]:
        """Ask for a reflection and remember it."""
        state = self.observe(agent)
        messages = chat_prompt(self.system(agent), self.user("auction_reflection", agent, state))
        rule = partial(_stand_in_reflection, dict(state), self.expectation(agent, state))
        decision = await agent.llm_orchestrator.decide(messages, Reflection, rule)
        keep_reflection(agent, self.environment_name, state["round"], decision.value)
        return decision


def _market(state: Mapping[str, Any], rounds: int) -> str:
    """The observation in words, one fact a line; its length does not depend on the number of traders."""
    buying = state["role"] == "buyer"
    units = "values" if buying else "costs"
    lines = [
        f"Round {state['round']} of {rounds}",
        f"Best open bid: {in_figures(state['best_bid'])}; best open ask: {in_figures(state['best_ask'])}",
        f"Last trade price: {in_figures(state['last_price'])}; prices this round: {_numbers(state['trade_prices'])}",
        f"Your {units} for the units you can still {'buy' if buying else 'sell'}: {_numbers(state[units])}",
        f"Your cash: {in_figures(state['cash'])} free, {in_figures(state['cash_locked'])} behind orders",
        f"Your {state['good']}: {state['goods']} free, {state['goods_locked']} behind orders",
    ]
    lines += [
        f"Your open order: {order['side']} {order['quantity'] - order['filled_quantity']} "
        f"at {in_figures(order['price'])}"
        for order in state["own_orders"]
    ]
    lines += [
        f"You traded {trade['quantity']} at {in_figures(trade['price'])} and earned {in_figures(trade['surplus'])}"
        for trade in state["own_trades"]
    ]
    verdict = state["last_verdict"]
    if verdict and verdict["reason"]:
        lines.append(f"Your last order was refused: {verdict['reason']}")
    return "\n".join(lines)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(map(in_figures, values)) or "none"


def _open_units(state: Mapping[str, Any]) -> list[float]:
    return list(state["values"] if state["role"] == "buyer" else state["costs"])


def stand_in_action(
    state: Mapping[str, Any], expected: float | None, opening_spread: float, rng: Random
) -> AuctionAction:
    """How the offline stand-in trades: near the price it expects, else near its own limit, never at a loss.

    It offers as many units as are worth trading at its price and are covered by its cash or goods.
    """
    units = _open_units(state)
    buying = state["role"] == "buyer"
    if not units:
        return AuctionAction(reasoning="I have nothing left to trade.", action="hold", price=0.0, quantity=0)
    limit, side = units[0], 1 if buying else -1
    aim = limit * (1 - side * rng.uniform(0.02, max(opening_spread, 0.02)))
    if expected is not None:
        aim = expected * (1 + side * rng.uniform(-0.02, 0.05))
    highest = state["max_price"] or math.inf
    wanted = min(aim, limit, highest) if buying else max(min(aim, highest), limit)
    price = min(max(round(wanted, 6), state["tick_size"]), MOST_MONEY)
    # Units trade in their order, so that what comes after the first loss is not offered.
    worthwhile = sum(1 for _ in takewhile(lambda unit: unit >= price if buying else unit <= price, units))
    affordable = (
        int((state["cash"] + state["cash_locked"]) // price)
        if buying
        else state["goods"] + state["goods_locked"]
    )
    quantity = min(worthwhile, affordable)
    if quantity < 1:
        return AuctionAction(reasoning="I cannot afford a unit.", action="hold", price=0.0, quantity=0)
    belief = (
        f"I expect a price near {expected:.2f}" if expected is not None else "I do not know the price yet"
    )
    return AuctionAction(
        reasoning=f"{belief}, and my limit is {in_figures(limit)}.",
        action="bid" if buying else "ask",
        price=price,
        quantity=quantity,
    )


def _stand_in_perception(expected: float | None, units: int, rng: Random) -> Perception:
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


def _stand_in_reflection(state: Mapping[str, Any], expected: float | None, rng: Random) -> Reflection:
    traded = sum(trade["quantity"] for trade in state["own_trades"])
    open_units = len(_open_units(state))
    price = state["last_price"] if state["last_price"] is not None else expected
    plan = f"Expect a price near {price:.2f}." if price is not None else "Offer a little more next time."
    return Reflection(
        reflection=f"I traded {traded} units and kept {open_units} open.",
        self_critique="I could have moved closer to the market."
        if open_units
        else "I could have held out for more.",
        self_reward=round(
            min(1.0, 0.3 + 0.7 * traded / max(traded + open_units, 1)) - rng.uniform(0, 0.05), 2
        ),
        strategy_update=plan,
    )
