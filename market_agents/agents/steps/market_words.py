"""How an agent remembers what it did in a market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from market_agents.agents.cognitive_steps import in_figures


def order_in_words(action: Mapping[str, Any], reason: object) -> str:
    """An order, and why it was refused where it was; empty for doing nothing."""
    kind = str(action.get("action", ""))
    if kind in {"", "hold"}:
        return ""
    said = "you withdrew your order" if kind == "cancel" else f"you chose to {kind}"
    if kind in {"bid", "ask"}:
        price = action.get("price")
        shown = in_figures(price) if isinstance(price, int | float) else "no price"
        if action.get("order") == "market":
            shown = "the best open prices"
        said = f"you {kind if kind == 'bid' else 'asked for'} {action.get('quantity', 1)} at {shown}"
    return f"{said}, which was refused: {reason}" if reason else said


def move_in_words(action: Mapping[str, Any], reason: object) -> str:
    """What an agent negotiated, and why it was refused where it was."""
    kind, other = str(action.get("performative", ""))[:40], str(action.get("recipient_id", ""))[:40]
    said = {
        "accept": f"you accepted the proposal of {other}",
        "reject": f"you rejected the proposal of {other}",
        "cancel": f"you withdrew your proposal to {other}",
    }.get(kind, f"you chose to {kind}")
    if kind == "propose":
        price = action.get("price")
        shown = in_figures(price) if isinstance(price, int | float) else "no price"
        said = f"you proposed {action.get('quantity', 1)} at {shown} to {other}"
    return f"{said}, which was refused: {reason}" if reason else said


def trades_in_words(trades: Sequence[Mapping[str, Any]], *, buying: bool, earned: float, left: int) -> str:
    """A round's trades in one sentence.

    Args:
        trades: the agent's own, each with quantity and price in currency.
        buying: whether the agent buys.
        earned: its surplus of the round, in currency.
        left: its units still open.
    """
    units = sum(trade["quantity"] for trade in trades)
    if not units:
        return f"you traded nothing; {left} still open"
    mean = sum(trade["quantity"] * trade["price"] for trade in trades) / units
    verb = "bought" if buying else "sold"
    bargain = f"{units} at {in_figures(round(mean, 2))} on average"
    return f"you {verb} {bargain} and earned {in_figures(earned)}; {left} still open"
