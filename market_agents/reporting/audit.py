"""From prompt to profit: everything behind what one agent decided in one round, from storage alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market_agents.errors import UserError
from market_agents.plain_text import clean
from market_agents.storage import Database, fetch, get_run

Row = Mapping[str, Any]
Place = tuple[str, int]
"""Environment and sub-round."""

THOUGHTS = ("perceptions", "reflections")
"""Tables of what an ask came to, beside ``actions``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a mind, and how it ended.

    Attributes:
        messages: the prompt, role and content of each message.
        response: the raw answer.
        parsed: what was read from it; None where nothing could be, or where the step keeps nothing.
        attempts: HTTP requests behind it.
        cost: US dollars; None where the price is unknown.
    """

    request_key: str
    step: str
    model: str
    status: str
    reason: str | None
    messages: tuple[Mapping[str, str], ...]
    response: str
    parsed: Mapping[str, Any] | None
    prompt_tokens: int
    completion_tokens: int
    attempts: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Acted:
    """One act and the verdict on it."""

    action: str
    content: Any
    verdict: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Fill:
    """The agent's side of one trade; ``surplus`` is its profit, in currency."""

    trade_id: int
    price: Decimal
    quantity: int
    counterpart: str
    worth: Decimal
    surplus: Decimal


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order, its last state and its trades, whenever they came.

    Attributes:
        price: in currency per unit; None for what had none.
    """

    order_id: int
    side: str | None
    price: Decimal | None
    quantity: int | None
    filled_quantity: int
    status: str
    reject_reason: str | None
    fills: tuple[Fill, ...]


@dataclass
class Turn:
    """What an agent thought, did and got in one sub-round of one environment."""

    environment: str
    sub_round: int
    asks: list[Asked] = field(default_factory=list)
    acts: list[Acted] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)


@dataclass(frozen=True)
class Trail:
    """An agent's round.

    Attributes:
        turns: in the order of environments and sub-rounds.
        worths: by good, the values or costs of the units open at the start of the round, in currency.
        profit: surplus of the round's trades, in currency.
    """

    run_id: str
    agent_id: str
    name: str
    role: str
    mind: str
    round: int
    worths: Mapping[str, tuple[Decimal, ...]]
    turns: tuple[Turn, ...]
    profit: Decimal


def trail(database: Database, run_id: str, agent_id: str, round_number: int) -> Trail:
    """Everything behind an agent's decisions in a round, as far as the run has come.

    Raises:
        RunRefused: no such run.
        UserError: no such agent, or nothing is stored of it in that round.
    """
    config: Mapping[str, Any] = get_run(database, run_id).config
    last = config["max_rounds"]
    if not 1 <= round_number <= last:
        raise UserError(f"run {run_id} has no round {round_number}; its rounds are 1 to {last}")
    agent = _agent(database, run_id, clean(agent_id))
    mine = {"round": round_number, "agent_id": agent_id}
    parsed = _parsed(database, run_id, mine)
    turns: dict[Place, Turn] = {}
    asked = sorted(fetch(database, "llm_requests", run_id, mine), key=_when)
    for row in asked:
        _turn(turns, row).asks.append(_asked(row, parsed))
    for row in fetch(database, "actions", run_id, mine):
        act = Acted(str(row["action"]), row["content"], str(row["verdict"]), _text(row["reason"]))
        _turn(turns, row).acts.append(act)
    fills = _fills(database, run_id, agent_id)
    for row in fetch(database, "orders", run_id, mine):
        _turn(turns, row).orders.append(_ordered(row, fills))
    if not turns:
        raise UserError(f"nothing of {agent_id} is stored in round {round_number} of run {run_id}")
    order = {name: place for place, name in enumerate(config.get("environment_order", ()))}
    places = sorted(turns, key=lambda place: (order.get(place[0], len(order)), place[1]))
    return Trail(
        run_id=run_id,
        agent_id=agent_id,
        name=str(agent["name"]),
        role=str(agent["role"]),
        mind=str(agent["strategy"] or agent["llm_config"]),
        round=round_number,
        worths=_worths(database, run_id, mine),
        turns=tuple(turns[place] for place in places),
        profit=_profit(database, run_id, agent_id, round_number),
    )


def _agent(database: Database, run_id: str, agent_id: str) -> Row:
    for row in fetch(database, "agents", run_id, {"agent_id": agent_id}):
        return row
    count = sum(1 for _ in fetch(database, "agents", run_id))
    known = f"agents are agent_1 to agent_{count}" if count else "the run has stored no agents"
    raise UserError(f"run {run_id} has no agent {agent_id[:80]!r}; {known}")


def _when(row: Row) -> tuple[Any, str]:
    return row["created_at"], str(row["request_key"])


def _turn(turns: dict[Place, Turn], row: Row) -> Turn:
    place = (str(row["environment"]), int(row["sub_round"]))
    return turns.setdefault(place, Turn(*place))


def _parsed(database: Database, run_id: str, mine: Row) -> dict[str, Mapping[str, Any]]:
    """What was read from an answer, by request key: of thoughts their fields, of acts what was decided."""
    found: dict[str, Mapping[str, Any]] = {}
    beside = {"run_id", "environment", "round", "sub_round", "agent_id", "request_key", "environment_reward"}
    for table in THOUGHTS:
        for row in fetch(database, table, run_id, mine):
            if row["request_key"] is not None:
                kept = {name: value for name, value in row.items() if name not in beside}
                found[str(row["request_key"])] = kept
    for row in fetch(database, "actions", run_id, mine):
        if row["request_key"] is not None and isinstance(row["content"], Mapping):
            found[str(row["request_key"])] = row["content"]
    return found


def _asked(row: Row, parsed: Mapping[str, Mapping[str, Any]]) -> Asked:
    key = str(row["request_key"])
    return Asked(
        request_key=key,
        step=str(row["step"]),
        model=str(row["returned_model"] or row["requested_model"]),
        status=str(row["status"]),
        reason=_text(row["reason"]),
        messages=tuple(row["messages"]),
        response=str(row["response"]),
        parsed=parsed.get(key) if row["status"] == "answered" else None,
        prompt_tokens=int(row["prompt_tokens"]),
        completion_tokens=int(row["completion_tokens"]),
        attempts=int(row["attempts"]),
        cost=row["cost"],
    )


def _ordered(row: Row, fills: Mapping[tuple[str, int], list[Fill]]) -> Ordered:
    return Ordered(
        order_id=int(row["order_id"]),
        side=_text(row["side"]),
        price=row["price"],
        quantity=row["quantity"],
        filled_quantity=int(row["filled_quantity"]),
        status=str(row["status"]),
        reject_reason=_text(row["reject_reason"]),
        fills=tuple(fills.get((str(row["environment"]), int(row["order_id"])), ())),
    )


def _trades(
    database: Database, run_id: str, agent_id: str, only: Mapping[str, object] | None = None
) -> Iterator[tuple[Row, bool]]:
    """The agent's trades, and whether it bought."""
    for side in ("buyer_id", "seller_id"):
        for row in fetch(database, "trades", run_id, {side: agent_id, **(only or {})}):
            yield row, side == "buyer_id"


def _fills(database: Database, run_id: str, agent_id: str) -> dict[tuple[str, int], list[Fill]]:
    """The agent's trades by environment and order; an order that outlives its round may trade later."""
    found: dict[tuple[str, int], list[Fill]] = {}
    for row, bought in _trades(database, run_id, agent_id):
        fill = Fill(
            trade_id=int(row["trade_id"]),
            price=row["price"],
            quantity=int(row["quantity"]),
            counterpart=str(row["seller_id" if bought else "buyer_id"]),
            worth=row["buyer_value" if bought else "seller_cost"],
            surplus=row["buyer_surplus" if bought else "seller_surplus"],
        )
        order_id = int(row["bid_order_id" if bought else "ask_order_id"])
        found.setdefault((str(row["environment"]), order_id), []).append(fill)
    return found


def _profit(database: Database, run_id: str, agent_id: str, round_number: int) -> Decimal:
    total = Decimal(0)
    for row, bought in _trades(database, run_id, agent_id, {"round": round_number}):
        total += row["buyer_surplus" if bought else "seller_surplus"]
    return total


def _worths(database: Database, run_id: str, mine: Row) -> dict[str, tuple[Decimal, ...]]:
    found: dict[str, list[Decimal]] = {}
    for row in fetch(database, "preference_schedules", run_id, mine):
        worth: Any = row["value"] if row["value"] is not None else row["cost"]
        found.setdefault(str(row["good"]), []).append(worth)
    return {good: tuple(units) for good, units in found.items()}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
