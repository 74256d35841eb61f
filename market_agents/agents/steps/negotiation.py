"""How an agent with a model negotiates: it sees its own terms and proposals, and answers with one act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from market_agents.agents.cognitive_steps import (
    SHOWN_OF_A_MESSAGE,
    CognitiveStep,
    chat_prompt,
    in_figures,
    in_times,
    render_memory,
    render_messages,
    with_article,
)
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import NegotiationMove
from market_agents.agents.steps.talk import expected_price
from market_agents.inference import Decision
from market_agents.plain_text import one_line

SHOWN_PROPOSALS = 20
SHOWN_COUNTERPARTS = 30
SHOWN_MESSAGES = 10

PASS = NegotiationMove(
    reasoning="Nothing here would gain me anything.",
    performative="pass",
    counterpart="",
    price=0,
    quantity=0,
    text="",
)


@dataclass(frozen=True, slots=True)
class NegotiationFrame:
    """What is the same for all agents and all rounds.

    Attributes:
        good: what is traded.
        sub_rounds: turns that each agent has in a round.
        proposal_lifetime: turns for which a proposal stays open; None for the rest of the round.
        tick_size: the smallest step of a price, in currency.
        words: what is told of the words beside terms; empty where they reach the counterpart as they are.
    """

    good: str
    sub_rounds: int
    proposal_lifetime: int | None
    tick_size: str
    words: str = ""


class NegotiationStep(CognitiveStep):
    """The agent proposes, answers, withdraws or passes."""

    name = "negotiation"

    def __init__(self, environment_name: str, frame: NegotiationFrame) -> None:
        super().__init__(environment_name)
        self.frame = frame

    async def execute(self, agent: MarketAgent) -> Decision[NegotiationMove]:
        """Ask for an act and carry it out; a pass does nothing."""
        state = self.observe(agent)
        own = state["negotiation"]
        messages = chat_prompt(
            self._system(agent),
            agent.prompts.render(
                "negotiation_action",
                memory=render_memory(agent.memory, self.environment_name),
                observation=_situation(agent, state),
            ),
        )
        heard = [message for message in state["round_messages"] if message["sender_id"] != agent.id]
        expected = expected_price("", heard, agent.memory.last_price(self.frame.good))
        is_last = state["sub_round"] >= state["sub_rounds"]
        decision = await agent.llm_orchestrator.decide(
            messages, NegotiationMove, partial(_stand_in_move, own, expected, is_last)
        )
        move = decision.value
        if move.performative != "pass":
            agent.environments[self.environment_name].step(_action(move, own))
        return decision

    def _system(self, agent: MarketAgent) -> str:
        frame = self.frame
        lasts = (
            "A proposal stays open for the rest of the round."
            if frame.proposal_lifetime is None
            else f"A proposal stays open for {frame.proposal_lifetime} turns after its own."
        )
        return agent.prompts.render(
            "negotiation_system",
            agent_id=agent.id,
            role_with_article=with_article(agent.role),
            good=frame.good,
            times=in_times(frame.sub_rounds),
            lifetime=f"{lasts} {frame.words}".rstrip(),
            tick=frame.tick_size,
            persona=agent.persona,
        )


def _action(move: NegotiationMove, own: Mapping[str, Any]) -> dict[str, object]:
    """The act that carries out a move; an answer names the proposal that the prompt has shown."""
    action: dict[str, object] = {
        "performative": move.performative,
        "recipient_id": move.counterpart,
        "message": move.text,
    }
    if move.performative == "propose":
        action |= {"price": move.price, "quantity": move.quantity}
    if move.performative != "cancel":
        seen = [offer for offer in own["proposals_to_you"] if offer["from"] == move.counterpart]
        action |= {"in_reply_to": seen[0]["label"]} if seen else {}
    return action


def _situation(agent: MarketAgent, state: Mapping[str, Any]) -> str:
    own = state["negotiation"]
    buying = own["side"] == "bid"
    units = own["values" if buying else "costs"]
    shown = own["counterparts"][:SHOWN_COUNTERPARTS]
    more = ", …" if len(own["counterparts"]) > SHOWN_COUNTERPARTS else ""
    lines = [
        f"Round {state['current_round']} of {state['max_rounds']}, "
        f"turn {state['sub_round']} of {state['sub_rounds']}",
        f"Your private {'values' if buying else 'costs'} for the units you may still "
        f"{'buy' if buying else 'sell'}: {', '.join(map(in_figures, units)) or 'none left'}",
        f"You can use {in_figures(own['cash'])} in cash and {own['goods']} {own['good']}.",
    ]
    if agent.memory.last_price(own["good"]) is not None:
        lines.append(f"Last market price you remember: {in_figures(agent.memory.last_price(own['good']))}")
    lines.append(f"You may trade with: {', '.join(shown) + more if shown else 'nobody'}")
    lines += _offers("Proposals that you may answer", own["proposals_to_you"], "from")
    lines += _offers("Your own open proposals", own["your_proposals"], "to")
    for trade in own["your_trades"]:
        verb = "bought" if buying else "sold"
        lines.append(f"You {verb} {trade['quantity']} at {in_figures(trade['price'])} in this round.")
    verdict = own["last_verdict"]
    if verdict is not None and verdict["status"] == "rejected":
        lines.append(f"Your last act was refused: {one_line(str(verdict['reason']), SHOWN_OF_A_MESSAGE)}")
    said = render_messages(state["round_messages"][-SHOWN_MESSAGES:])
    if said:
        lines += ["What was said last in your group", said]
    return "\n".join(lines)


def _offers(title: str, offers: Sequence[Mapping[str, Any]], who: str) -> list[str]:
    if not offers:
        return []
    lines = [title]
    for offer in offers[:SHOWN_PROPOSALS]:
        words = f': "{one_line(str(offer["message"]), SHOWN_OF_A_MESSAGE)}"' if offer["message"] else ""
        lines.append(
            f"- {who} {offer[who]}: {offer['side']} {offer['quantity']} at {in_figures(offer['price'])}{words}"
        )
    if len(offers) > SHOWN_PROPOSALS:
        lines.append(f"- … {len(offers) - SHOWN_PROPOSALS} more")
    return lines


# -- the stand-in -------------------------------------------------------------------------------------------------


def _stand_in_move(
    own: Mapping[str, Any], expected: float | None, is_last: bool, rng: Random
) -> NegotiationMove:
    """Takes the best proposal that gains enough; else names a price near what it expects, never at a loss."""
    buying = own["side"] == "bid"
    units = own["values" if buying else "costs"]
    if not units or not own["counterparts"]:
        return PASS
    limit = units[0]
    fair = _within_limit(
        expected if expected is not None else limit * (0.9 if buying else 1.1), limit, buying
    )
    best = _best_offer(own["proposals_to_you"][:SHOWN_PROPOSALS], units, buying)
    in_the_way = None if best is None else _spoilt(best, own["your_proposals"], units, buying)
    if best is not None and in_the_way is not None:
        return PASS if is_last else _move("cancel", in_the_way, "I have a better offer.")
    if best is not None and (is_last or _is_as_good(best["price"], fair, buying)):
        return _move("accept", best["from"], f"{in_figures(best['price'])} suits me.")
    if is_last or own["your_proposals"]:
        return PASS
    if best is not None:
        middle = _within_limit((best["price"] + fair) / 2, limit, buying)
        return _move("propose", best["from"], "Let us meet half way.", round(middle, 2))
    price = fair * (1 + (-1 if buying else 1) * rng.uniform(0, 0.02))
    price = round(_within_limit(price, limit, buying), 2)
    return _move("propose", rng.choice(own["counterparts"]), "Shall we say this?", price)


def _within_limit(price: float, limit: float, buying: bool) -> float:
    return min(price, limit) if buying else max(price, limit)


def _is_as_good(price: float, fair: float, buying: bool) -> bool:
    return price <= fair * 1.02 if buying else price >= fair * 0.98


def _spoilt(
    best: Mapping[str, Any], promised: Sequence[Mapping[str, Any]], units: Sequence[float], buying: bool
) -> str | None:
    """Whose answer to an open proposal could turn this trade or that one into a loss.

    Both may come to pass in one turn, in either order, and the later one uses up a unit that gains less.
    """
    others = [proposal for proposal in promised if proposal["to"] != best["from"]]
    needed = best["quantity"] + sum(proposal["quantity"] for proposal in others)
    if needed > len(units):
        return None  # whichever is carried out first leaves too few units for the other
    last = units[needed - 1]
    for proposal in others:
        for price in (proposal["price"], best["price"]):
            if (price > last) if buying else (price < last):
                return str(proposal["to"])
    return None


def _best_offer(
    offers: Sequence[Mapping[str, Any]], units: Sequence[float], buying: bool
) -> Mapping[str, Any] | None:
    """The offer with the largest gain above nothing; None where every one would lose."""

    def gain(offer: Mapping[str, Any]) -> float:
        worth, price = sum(units[: offer["quantity"]]), offer["price"] * offer["quantity"]
        return float(worth - price if buying else price - worth)

    possible = [offer for offer in offers if offer["quantity"] <= len(units) and gain(offer) > 0]
    return max(possible, key=gain, default=None)


def _move(
    performative: Any,  # noqa: ANN401  (one of the schema's literals)
    counterpart: str,
    text: str,
    price: float = 0,
) -> NegotiationMove:
    return NegotiationMove(
        reasoning=text,
        performative=performative,
        counterpart=counterpart,
        price=price,
        quantity=1 if performative == "propose" else 0,
        text=text,
    )
