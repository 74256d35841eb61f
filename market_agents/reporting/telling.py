"""An agent's round in words, from prompt to profit, for terminals and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from textwrap import wrap
from typing import Any

from market_agents.plain_text import amount, for_terminal, one_line
from market_agents.reporting.audit import Acted, Asked, Ordered, Trail, Turn

WIDTH = 80
MARGIN = 4


def told(found: Trail) -> Iterator[str]:
    """The lines, none wider than 80 characters; what follows a break hangs a little."""
    for line in told_whole(found):
        margin = len(line) - len(line.lstrip(" "))
        yield from wrap(line, WIDTH, subsequent_indent=" " * (margin + 2)) or [""]


def told_whole(found: Trail) -> Iterator[str]:
    """The lines, as long as they come."""
    yield f"run {found.run_id}, round {found.round}"
    yield f"{found.agent_id}: {one_line(found.name, 30)}, {found.role}, decides by {one_line(found.mind, 20)}"
    worth = "values" if found.role == "buyer" else "costs"
    for good, units in found.worths.items():
        yield from _lines(f"{worth} of {good}: {', '.join(map(amount, units))}", 0)
    shown: set[str] = set()
    for turn in found.turns:
        yield ""
        when = f"sub-round {turn.sub_round}" if turn.sub_round else "before the first sub-round"
        yield f"━━ {one_line(turn.environment, 40)}, {when} ━━"
        yield from _turn(turn, shown)
    yield ""
    yield f"profit of the round: {amount(found.profit)}"


def _turn(turn: Turn, shown: set[str]) -> Iterator[str]:
    """What a turn held; reflections look back on it, so they come after its acts and orders."""
    before = [ask for ask in turn.asks if ask.step != "reflection"]
    for ask in before:
        yield from _ask(ask, shown)
    for act in turn.acts:
        yield from _act(act)
    for order in turn.orders:
        yield from _order(order)
    for ask in turn.asks[len(before) :]:
        yield from _ask(ask, shown)


def _ask(ask: Asked, shown: set[str]) -> Iterator[str]:
    yield ""
    yield f"{ask.step}, asked of {one_line(ask.model, 50)}"
    for message in ask.messages:
        role, content = message.get("role", "?"), message.get("content", "")
        if role == "system" and content in shown:
            yield "  prompt (system): as above"
            continue
        shown.add(content)
        yield f"  prompt ({one_line(role, 20)}):"
        yield from _lines(content)
    yield "  raw answer:"
    yield from _lines(ask.response or "(nothing)")
    yield from _read(ask)
    price = "price unknown" if ask.cost is None else f"${ask.cost:.6f}"
    tries = "once" if ask.attempts == 1 else f"{ask.attempts} times"
    yield f"  tokens: {ask.prompt_tokens} in, {ask.completion_tokens} out; {price}; sent {tries}"


def _read(ask: Asked) -> Iterator[str]:
    if ask.status != "answered":
        yield from _lines(f"no usable answer ({ask.status}): {ask.reason or 'no reason is stored'}", 2)
        return
    if ask.parsed is None:
        return
    yield "  read from it:"
    for name, value in ask.parsed.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=plain)
        yield from _lines(f"{name}: {text}")


def _act(act: Acted) -> Iterator[str]:
    reason = f", because {act.reason}" if act.reason else ""
    yield ""
    yield from _lines(f"act: {act.action} → {act.verdict}{reason}", 0)


def _order(order: Ordered) -> Iterator[str]:
    terms = f"{order.side or 'order'} {order.quantity or ''} at {amount(order.price)}".replace("  ", " ")
    reason = f", because {order.reject_reason}" if order.reject_reason else ""
    filled = f", {order.filled_quantity} of {order.quantity} traded" if order.quantity else ""
    yield from _lines(f"order {order.order_id}: {terms} → {order.status}{filled}{reason}", 0)
    for fill in order.fills:
        worth = "worth" if order.side == "bid" else "cost"
        yield from _lines(
            f"trade {fill.trade_id}: {fill.quantity} at {amount(fill.price)} with {fill.counterpart}, "
            f"{worth} {amount(fill.worth)} → profit {amount(fill.surplus)}",
            2,
        )


def _lines(text: str, margin: int = MARGIN) -> Iterator[str]:
    """The text with a margin, its own line ends kept."""
    indent = " " * margin
    for line in for_terminal(text).expandtabs(4).splitlines():
        yield indent + line


def plain(value: object) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    """What JSON does not know as something that it does; for ``json.dumps``."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
