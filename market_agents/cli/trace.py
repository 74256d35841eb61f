"""``trace``: one agent's round, from prompt to profit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from textwrap import wrap
from typing import Any

from market_agents.cli.common import add_database_flag, guarded, open_configured_database, parser_for
from market_agents.cli.tables import amount
from market_agents.errors import UserError
from market_agents.logger_utils import say
from market_agents.plain_text import for_terminal, one_line
from market_agents.reporting import Asked, Trail, Turn, trail
from market_agents.reporting.audit import Acted, Ordered

WIDTH = 80
MARGIN = 4


def main(argv: Sequence[str]) -> int:
    """Follow an agent's decisions of one round."""
    parser = parser_for(
        "trace",
        "Follow every decision of one agent in one round: prompt, raw answer, what was read from it, verdict, "
        "order, fills and profit; also of a run that is not finished.",
    )
    parser.add_argument("run_id", metavar="RUN_ID", help="the run, as `runs` lists it")
    parser.add_argument("--agent", required=True, metavar="ID", help="for example agent_1")
    parser.add_argument("--round", required=True, type=int, metavar="N", help="counted from 1")
    parser.add_argument("--environment", metavar="NAME", help="only what happened there")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object on one line")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        database = open_configured_database(arguments.database)
        try:
            found = trail(database, arguments.run_id, arguments.agent, arguments.round)
        finally:
            database.close()
        chosen = replace(found, turns=_chosen(found, arguments.environment))
        if arguments.json:
            say(json.dumps(asdict(chosen), ensure_ascii=True, default=_plain))
        else:
            say("\n".join(_told(chosen)))
        return 0

    return guarded(work)


def _chosen(found: Trail, environment: str | None) -> tuple[Turn, ...]:
    turns = tuple(turn for turn in found.turns if environment in {None, turn.environment})
    if not turns:
        known = ", ".join(dict.fromkeys(turn.environment for turn in found.turns))
        raise UserError(f"nothing of {found.agent_id} is stored in {environment!r}; there is {known}")
    return turns


def _told(found: Trail) -> Iterator[str]:
    yield f"run {found.run_id}, round {found.round}"
    yield f"{found.agent_id}: {one_line(found.name, 30)}, {found.role}, decides by {one_line(found.mind, 20)}"
    worth = "values" if found.role == "buyer" else "costs"
    for good, units in found.worths.items():
        yield from _wrapped(f"{worth} of {good}: {', '.join(map(amount, units))}", 0)
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
        yield from _wrapped(content)
    yield "  raw answer:"
    yield from _wrapped(ask.response or "(nothing)")
    yield from _read(ask)
    price = "price unknown" if ask.cost is None else f"${ask.cost:.6f}"
    tries = "once" if ask.attempts == 1 else f"{ask.attempts} times"
    yield f"  tokens: {ask.prompt_tokens} in, {ask.completion_tokens} out; {price}; sent {tries}"


def _read(ask: Asked) -> Iterator[str]:
    if ask.status != "answered":
        yield from _wrapped(f"no usable answer ({ask.status}): {ask.reason or 'no reason is stored'}", 2)
        return
    if ask.parsed is None:
        return
    yield "  read from it:"
    for name, value in ask.parsed.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
        yield from _wrapped(f"{name}: {text}")


def _act(act: Acted) -> Iterator[str]:
    reason = f", because {act.reason}" if act.reason else ""
    yield ""
    yield from _wrapped(f"act: {act.action} → {act.verdict}{reason}", 0)


def _order(order: Ordered) -> Iterator[str]:
    terms = f"{order.side or 'order'} {order.quantity or ''} at {amount(order.price)}".replace("  ", " ")
    reason = f", because {order.reject_reason}" if order.reject_reason else ""
    filled = f", {order.filled_quantity} of {order.quantity} traded" if order.quantity else ""
    yield from _wrapped(f"order {order.order_id}: {terms} → {order.status}{filled}{reason}", 0)
    for fill in order.fills:
        worth = "worth" if order.side == "bid" else "cost"
        yield from _wrapped(
            f"trade {fill.trade_id}: {fill.quantity} at {amount(fill.price)} with {fill.counterpart}, "
            f"{worth} {amount(fill.worth)} → profit {amount(fill.surplus)}",
            2,
        )


def _wrapped(text: str, margin: int = MARGIN) -> Iterator[str]:
    """The text in lines that fit the terminal, its own line ends kept; what follows a break hangs a little."""
    indent = " " * margin
    for line in for_terminal(text).expandtabs(4).splitlines():
        yield from wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [""]


def _plain(value: object) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
