"""From prompt to profit: everything behind what one agent decided in one round, from storage alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market_agents.errors import UserError
from market_agents.plain_text import clean
from market_agents.storage import Database, counted, fetch, get_run

Row = Mapping[str, Any]
Place = tuple[str, int]
"""Environment and sub-round."""

THOUGHTS = ("perceptions", "reflections")
"""Tables of what an ask came to, beside ``actions``."""

_OF_AN_ASK = (
    "request_key", "agent_id", "environment", "sub_round", "step", "requested_model", "returned_model", "status",
    "reason", "messages", "response", "prompt_tokens", "completion_tokens", "attempts", "cost", "created_at",
)  # fmt: skip


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
    gains = _Gains()
    for side in ("buyer_id", "seller_id"):
        gains.add(fetch(database, "trades", run_id, {side: agent_id}))
    mine = {"round": round_number, "agent_id": agent_id}
    for found in _trails(database, run_id, [agent], mine, gains):
        return found
    raise UserError(f"nothing of {agent_id} is stored in round {round_number} of run {run_id}")


def trails(database: Database, run_id: str) -> Iterator[tuple[int, dict[str, Trail]]]:
    """The same of every agent of which something is stored, by its id: round by round, the newest first.

    Raises:
        RunRefused: no such run.
    """
    agents = list(fetch(database, "agents", run_id))
    gains = _Gains()
    rounds = {int(str(number)) for number, _ in counted(database, "actions", run_id, ("round",))}
    for number in sorted(rounds, reverse=True):
        # Orders trade in their round or later, and later rounds came before.
        gains.add(fetch(database, "trades", run_id, {"round": number}))
        yield (
            number,
            {found.agent_id: found for found in _trails(database, run_id, agents, {"round": number}, gains)},
        )


def _trails(
    database: Database, run_id: str, agents: Sequence[Row], only: Mapping[str, Any], gains: _Gains
) -> Iterator[Trail]:
    parsed = _parsed(database, run_id, only)
    turns: dict[str, dict[Place, Turn]] = {str(agent["agent_id"]): {} for agent in agents}
    for row in sorted(fetch(database, "llm_requests", run_id, only, _OF_AN_ASK, in_order=False), key=_when):
        if row["agent_id"] in turns:  # judges and moderators are nobody's agents
            _turn(turns, row).asks.append(_asked(row, parsed))
    for row in fetch(database, "actions", run_id, only):
        if row["agent_id"] in turns:
            act = Acted(str(row["action"]), row["content"], str(row["verdict"]), _text(row["reason"]))
            _turn(turns, row).acts.append(act)
    for row in fetch(database, "orders", run_id, only):
        if row["agent_id"] in turns:  # nor is the house
            _turn(turns, row).orders.append(_ordered(row, gains))
    worths = _worths(database, run_id, only)
    config: Mapping[str, Any] = get_run(database, run_id).config
    order = {name: place for place, name in enumerate(config.get("environment_order", ()))}

    def in_order(turn: Turn) -> tuple[int, int]:
        return order.get(turn.environment, len(order)), turn.sub_round

    for agent in agents:
        agent_id = str(agent["agent_id"])
        mine = turns[agent_id]
        if mine:
            yield Trail(
                run_id=run_id,
                agent_id=agent_id,
                name=str(agent["name"]),
                role=str(agent["role"]),
                mind=str(agent["strategy"] or agent["llm_config"]),
                round=only["round"],
                worths=worths.get(agent_id, {}),
                turns=tuple(sorted(mine.values(), key=in_order)),
                profit=gains.profits.get((agent_id, only["round"]), Decimal(0)),
            )


class _Gains:
    """What agents got by trades.

    Attributes:
        fills: each agent's side of its trades, by environment, agent and order; an order that outlives its round may
            trade later.
        profits: surplus by agent and round, in currency.
    """

    def __init__(self) -> None:
        self.fills: dict[tuple[str, str, int], list[Fill]] = {}
        self.profits: dict[tuple[str, int], Decimal] = {}

    def add(self, trades: Iterable[Row]) -> None:
        """Take in trades, each once."""
        for row in trades:
            self._add(row, "buyer", "seller", "bid", "value")
            self._add(row, "seller", "buyer", "ask", "cost")

    def _add(self, row: Row, role: str, other: str, side: str, worth: str) -> None:
        who, surplus = str(row[f"{role}_id"]), row[f"{role}_surplus"]
        fill = Fill(
            trade_id=int(row["trade_id"]),
            price=row["price"],
            quantity=int(row["quantity"]),
            counterpart=str(row[f"{other}_id"]),
            worth=row[f"{role}_{worth}"],
            surplus=surplus,
        )
        self.fills.setdefault((str(row["environment"]), who, int(row[f"{side}_order_id"])), []).append(fill)
        gained = who, int(row["round"])
        self.profits[gained] = self.profits.get(gained, Decimal(0)) + surplus


def _agent(database: Database, run_id: str, agent_id: str) -> Row:
    for row in fetch(database, "agents", run_id, {"agent_id": agent_id}):
        return row
    count = sum(1 for _ in fetch(database, "agents", run_id))
    known = f"agents are agent_1 to agent_{count}" if count else "the run has stored no agents"
    raise UserError(f"run {run_id} has no agent {agent_id[:80]!r}; {known}")


def _when(row: Row) -> tuple[Any, str]:
    return row["created_at"], str(row["request_key"])


def _turn(turns: Mapping[str, dict[Place, Turn]], row: Row) -> Turn:
    place = (str(row["environment"]), int(row["sub_round"]))
    return turns[str(row["agent_id"])].setdefault(place, Turn(*place))


def _parsed(database: Database, run_id: str, only: Row) -> dict[str, Mapping[str, Any]]:
    """What was read from an answer, by request key: of thoughts their fields, of acts what was decided."""
    found: dict[str, Mapping[str, Any]] = {}
    beside = {"run_id", "environment", "round", "sub_round", "agent_id", "request_key", "environment_reward"}
    for table in THOUGHTS:
        for row in fetch(database, table, run_id, only):
            if row["request_key"] is not None:
                kept = {name: value for name, value in row.items() if name not in beside}
                found[str(row["request_key"])] = kept
    for row in fetch(database, "actions", run_id, only):
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


def _ordered(row: Row, gains: _Gains) -> Ordered:
    fills = gains.fills.get((str(row["environment"]), str(row["agent_id"]), int(row["order_id"])), ())
    return Ordered(
        order_id=int(row["order_id"]),
        side=_text(row["side"]),
        price=row["price"],
        quantity=row["quantity"],
        filled_quantity=int(row["filled_quantity"]),
        status=str(row["status"]),
        reject_reason=_text(row["reject_reason"]),
        fills=tuple(fills),
    )


def _worths(database: Database, run_id: str, only: Row) -> dict[str, dict[str, tuple[Decimal, ...]]]:
    """Values or costs by agent and good."""
    found: dict[str, dict[str, tuple[Decimal, ...]]] = {}
    for row in fetch(database, "preference_schedules", run_id, only):
        worth: Any = row["value"] if row["value"] is not None else row["cost"]
        goods = found.setdefault(str(row["agent_id"]), {})
        goods[str(row["good"])] = (*goods.get(str(row["good"]), ()), worth)
    return found


def _text(value: object) -> str | None:
    return None if value is None else str(value)
