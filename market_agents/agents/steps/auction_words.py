"""A double auction in words: what its rules are, and what an agent sees of it now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from market_agents.agents.cognitive_steps import in_figures, in_times
from market_agents.agents.schemas import AuctionAction, BookAction, LadderAction, LadderBookAction

_SEALED = "Orders are collected until the round ends, and nobody sees those of others. "
RULES: Mapping[str, str] = {
    "aurora": "Each step has two parts. First all quote: a bid must be above the best open bid, an ask below the best "
    "open ask, and only the best of each side stays open. Then the two who hold the best bid and the best ask may "
    "accept: the first of them to accept trades at the other's price, and both quotes end. Quotes that nobody accepts "
    "stay open.",
    "call": _SEALED
    + "Then the highest bids meet the lowest asks, and all who trade do so at one price, between the "
    "lowest bid and the highest ask that trade. Among equal prices the earlier order comes first.",
    "gs": "Orders arrive one after another. A bid must be above the best open bid, an ask below the best open ask. An "
    "order that crosses the best opposite order trades at once at that order's price; then all open orders end.",
    "lob": "Orders arrive one after another. An order that crosses the best opposite order trades at once at that "
    "order's price; otherwise it waits in the book.",
    "mcafee": _SEALED
    + "Then the highest bids meet the lowest asks. If the midpoint between the first bid and the "
    "first ask that find no partner suits all who do, they trade at it. Otherwise the last pair does not trade; for "
    "the others buyers pay the bid of that pair, sellers receive its ask, and the market keeps the difference.",
    "midpoint": "All traders decide at the same time. Then the highest bid meets the lowest ask, the next the next; "
    "where a bid is at least the ask, the two trade at the midpoint of their prices.",
}
"""What agents are told of each institution."""

_MUST_IMPROVE = " A bid must be above the best open bid, an ask below the best open ask."
_MARKET_ORDERS = (
    " An order may also be a market order, which names no price: it trades at once with the best open {partners} of "
    "the other side, as far as your cash or goods reach; what finds no partner is cancelled. Where nothing is open on "
    "the other side it is refused."
)
_SEVERAL = (
    " You may have up to {most} orders open at the same time, each with cash or goods of its own behind it. One more "
    "replaces the oldest, or the one whose order_id you name; an order also replaces the oldest ones for which you "
    "would have no unit left."
)
_TURNS = (
    "traders with units left are called one at a time, drawn by chance; you may be called several times or never, and "
    "see the market as it then is"
)
_LIFETIMES = {
    "round": "Orders that have not traded end with the round.",
    "run": "Orders that have not traded stay open in later rounds.",
}
_RENEWALS = {
    "endowment": "Each round starts afresh: everybody has the same cash, goods and units again as in the first.",
    "units": "Each round everybody has the same units to trade again; cash carries over from round to round.",
    "none": "Nothing is renewed between rounds: what you spent or traded is gone.",
}


_WORTH = {
    "steady": "",
    "redrawn": " What a unit is worth or costs is drawn anew for each round.",
    "shocked": " What a unit is worth or costs may change between rounds.",
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
        must_improve: whether a quote must beat the best of its side, by configuration or by the institution.
        market_orders: whether orders without a price are taken.
        quotes_per_trader: how many orders each may have open.
        one_of_several: whether other goods have markets too.
        worth: whether values and costs stay from round to round, are drawn anew, or may be shocked.
        acting: ``simultaneous`` or ``activation``.
    """

    good: str
    institution: str
    order_lifetime: str
    rounds: int
    sub_rounds: int
    renewal: str
    tick_size: str
    opening_spread: float
    must_improve: bool = False
    market_orders: bool = False
    quotes_per_trader: int = 1
    one_of_several: bool = False
    worth: Literal["steady", "redrawn", "shocked"] = "steady"
    acting: str = "simultaneous"

    def in_words(self) -> dict[str, str]:
        """What the system prompt says of the market, by the names in its template."""
        rule = RULES.get(self.institution, f"The institution is {self.institution}.")
        told = self.institution in ("aurora", "gs")
        rule += _MUST_IMPROVE if self.must_improve and not told else ""
        if self.market_orders:
            rule += _MARKET_ORDERS.format(partners="order" if self.institution == "gs" else "orders")
        if self.quotes_per_trader > 1:
            rule += _SEVERAL.format(most=self.quotes_per_trader)
        return {
            "good": self.good,
            "rule": rule,
            "lifetime": _LIFETIMES[self.order_lifetime],
            "renewal": _RENEWALS[self.renewal] + _WORTH[self.worth],
            "turns": _TURNS if self.acting == "activation" else f"you may act {in_times(self.sub_rounds)}",
            "tick": self.tick_size,
        }


def action_schema(frame: AuctionFrame) -> type[AuctionAction]:
    """What a model is asked for in this market: no more fields than it has choices."""
    if frame.quotes_per_trader > 1:
        return LadderBookAction if frame.market_orders else LadderAction
    return BookAction if frame.market_orders else AuctionAction


def market_in_words(state: Mapping[str, Any], rounds: int) -> str:
    """The observation, one fact a line; its length does not depend on the number of traders."""
    buying = state["role"] == "buyer"
    units = "values" if buying else "costs"
    lines = [
        f"Round {state['round']} of {rounds}",
        *_public(state),
        f"Your {units} for the units you can still {'buy' if buying else 'sell'}: {_numbers(state[units])}",
        f"Your cash: {in_figures(state['cash'])} free, {in_figures(state['cash_locked'])} behind orders",
        f"Your {state['good']}: {state['goods']} free, {state['goods_locked']} behind orders",
    ]
    lines += [
        f"Your open order{_number(state, order)}: {order['side']} "
        f"{order['quantity'] - order['filled_quantity']} at {in_figures(order['price'])}"
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


def _number(state: Mapping[str, Any], order: Mapping[str, Any]) -> str:
    """The id by which an order is named, where a trader may have several."""
    return f" {order['order_id']}" if "quotes_per_trader" in state else ""


def _public(state: Mapping[str, Any]) -> Iterator[str]:
    """What is told of the market; nothing of what is not."""
    if "best_bid" in state:
        yield f"Best open bid: {in_figures(state['best_bid'])}; best open ask: {in_figures(state['best_ask'])}"
    for name, side in (("Open bids", "bids"), ("Open asks", "asks")):
        if side in state:
            levels = (f"{level['quantity']} at {in_figures(level['price'])}" for level in state[side])
            yield f"{name}, best first: {', '.join(levels) or 'none'}"
    if "last_price" in state:
        prices = f"; prices this round: {_numbers(state['trade_prices'])}" if "trade_prices" in state else ""
        yield f"Last trade price: {in_figures(state['last_price'])}{prices}"


def open_units(state: Mapping[str, Any]) -> list[float]:
    """Values or costs of the units that the agent may still trade, in currency."""
    return list(state["values"] if state["role"] == "buyer" else state["costs"])


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(map(in_figures, values)) or "none"
