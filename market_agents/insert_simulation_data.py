"""The only writer of what happened: turns what agents and mechanisms did into rows, one transaction per step."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import singledispatchmethod
from typing import Any

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.prompts import PromptSet, text_hash
from market_agents.agents.protocols import ACLMessage, DeliveryStatus, Moment, Receipt
from market_agents.agents.schemas import Perception, Reflection
from market_agents.economics.accounts import Accounts
from market_agents.economics.ticks import TickScale
from market_agents.environments import Event
from market_agents.environments.mechanisms.auction import (
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    RoundMeasures,
    RoundResult,
    TradeMade,
)
from market_agents.environments.mechanisms.auction.house import HouseOrder
from market_agents.environments.mechanisms.group_chat import (
    AttendanceChanged,
    CohortFormed,
    DiscussionEnded,
    MessagePosted,
    TopicSet,
)
from market_agents.memory import Recollection
from market_agents.personas import Persona
from market_agents.plain_text import clean, storable
from market_agents.storage import Lease, encode_step, record_event, write_encoded

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """The place in a run that rows belong to."""

    environment: str
    round: int
    sub_round: int = 0

    def columns(self) -> Row:
        """The place as columns."""
        return {"environment": self.environment, "round": self.round, "sub_round": self.sub_round}


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A member's turn in one sub-round of a discussion.

    Attributes:
        place: in the order of speaking, from 1; None where all speak at once, or where it did not speak.
        urgency: how much it asked to speak, 0 to 10; None where nobody was asked.
        outcome: ``spoke``, ``withheld``, ``refused`` or ``passed``.
        reason: one line behind the outcome.
    """

    agent_id: str
    cohort_id: str
    place: int | None
    urgency: int | None
    outcome: str
    reason: str | None
    request_key: str | None


class SimulationDataInserter:
    """Collects the rows of a step and writes them together.

    Everything is derived from what was decided, so a resumed run collects the same rows again, and a step that is
    there already is left alone.

    Args:
        lease: the right to write this run.
        tick_size: the worth of one tick, for money in currency.
        keeps_notes: whether events of the run itself are kept; a replay keeps none.
    """

    def __init__(self, lease: Lease, *, tick_size: Decimal, keeps_notes: bool = True) -> None:
        self._lease = lease
        self._keeps_notes = keeps_notes
        self._scale = TickScale(tick_size)
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._updates: dict[str, list[Row]] = defaultdict(list)
        self._open_orders: dict[tuple[str, int], Row] = {}
        self._unwritten: set[tuple[str, int]] = set()
        self._changed: dict[tuple[str, int], Row] = {}
        self._order_seq: dict[tuple[str, int], int] = {}
        self._ledger_seq = 0
        self._acl_seq = 0
        self._unread: dict[int, Row] = {}
        self._unwritten_mail: set[int] = set()

    async def flush(self, step_key: str) -> None:
        """Write what was collected in one transaction under ``step_key``; the event loop goes on meanwhile.

        Raises:
            WriteConflict: the step is there with other content.
        """
        rows, self._rows = self._rows, defaultdict(list)
        updates, self._updates = self._updates, defaultdict(list)
        self._unwritten.clear()
        self._changed.clear()
        self._unwritten_mail.clear()
        await asyncio.to_thread(self._write, step_key, rows, updates)

    def _write(self, step_key: str, rows: dict[str, list[Row]], updates: dict[str, list[Row]]) -> None:
        step = encode_step(self._lease.run_id, rows, updates)
        # Of a large population the rows as given are the largest part of all memory.
        rows.clear()
        updates.clear()
        write_encoded(self._lease, step_key, step)

    def note(self, level: str, kind: str, message: str, data: Mapping[str, object] | None = None) -> None:
        """Keep an event of the run itself; no digest covers it and no replay repeats it."""
        if self._keeps_notes:
            record_event(self._lease, level=level, kind=kind, message=clean(message), data=data)

    # -- the population -----------------------------------------------------------------------------------------

    def population(self, agents: Iterable[MarketAgent]) -> None:
        """Who takes part."""
        for agent in agents:
            persona = agent.persona
            self._rows["agents"].append(
                {
                    "agent_id": agent.id,
                    "agent_index": agent.index,
                    "role": agent.role,
                    "name": persona.name if isinstance(persona, Persona) else agent.id,
                    "persona": persona.to_dict()
                    if isinstance(persona, Persona)
                    else {"text": clean(str(persona))},
                    "endowment": {
                        "cash": self._scale.to_currency(agent.endowment.cash),
                        "goods": _by_good(agent.endowment.goods),
                    },
                    "llm_config": agent.llm_config.name,
                    "strategy": agent.strategy_name,
                }
            )

    def prompts(self, prompts: PromptSet) -> None:
        """The templates that agents are asked with; a run that goes on is held to them."""
        self._rows["prompts"] += [
            {
                "name": name,
                "source": clean(prompts.source(name)),
                "sha256": text_hash(text),
                "content": clean(text),
            }
            for name, text in prompts.texts.items()
        ]

    def schedules(self, round_number: int, good: str, agents: Iterable[MarketAgent | HouseOrder]) -> None:
        """The units of a good that are open to agents at the start of a round, in trading order."""
        for agent in agents:
            side = "value" if agent.role == "buyer" else "cost"
            for unit, ticks in enumerate(agent.units_of(good), 1):
                worth = {"value": None, "cost": None} | {side: self._money(ticks)}
                self._rows["preference_schedules"].append(
                    {"round": round_number, "agent_id": agent.id, "good": good, "unit": unit, **worth}
                )

    def ledger(self, round_number: int, environment: str | None, accounts: Accounts) -> None:
        """Every movement since the last call; those of trades by trade, for cohorts trade side by side."""
        for movement in sorted(accounts.take_movements(), key=lambda movement: movement.trade_id or 0):
            self._ledger_seq += 1
            self._rows["ledger"].append(
                {
                    "seq": self._ledger_seq,
                    "environment": environment,
                    "round": round_number,
                    "agent_id": movement.agent_id,
                    "kind": movement.kind.value,
                    "good": movement.good,
                    "quantity": movement.quantity,
                    "cash": self._money(movement.cash),
                    "trade_id": movement.trade_id,
                }
            )

    def allocations(self, round_number: int, accounts: Accounts) -> None:
        """What everybody holds at the end of a round."""
        for agent_id in accounts.agents:
            holding = accounts.holding(agent_id)
            for good in accounts.goods:
                self._rows["allocations"].append(
                    {
                        "round": round_number,
                        "agent_id": agent_id,
                        "good": good,
                        "cash": self._money(holding.cash),
                        "goods": holding.goods[good],
                        "locked_cash": self._money(holding.locked_cash),
                        "locked_goods": holding.locked_goods[good],
                    }
                )

    # -- cognition ----------------------------------------------------------------------------------------------

    def perception(
        self, where: Where, agent_id: str, perception: Perception, request_key: str | None
    ) -> None:
        """How an agent saw its situation."""
        self._rows["perceptions"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                **perception.model_dump(),
                "request_key": request_key,
            }
        )

    def action(
        self,
        where: Where,
        agent_id: str,
        seq: int,
        *,
        action: str,
        content: object,
        verdict: str,
        reason: str | None,
        request_key: str | None,
    ) -> None:
        """One act, or the lack of one, with its verdict."""
        self._rows["actions"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                "seq": seq,
                "action": clean(action),
                "content": storable_or_note(content),
                "verdict": verdict,
                "reason": None if reason is None else clean(reason),
                "request_key": request_key,
            }
        )

    def observation(self, where: Where, agent_id: str, content: object, request_key: str | None) -> None:
        """What an agent was told at the end of a turn."""
        self._rows["observations"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                "content": storable_or_note(content),
                "request_key": request_key,
            }
        )

    def reflection(
        self,
        where: Where,
        agent_id: str,
        reflection: Reflection,
        reward: float | None,
        request_key: str | None,
    ) -> None:
        """How an agent looked back; ``reward`` is the environment's, normalised profit."""
        self._rows["reflections"].append(
            {
                **where.columns(),
                "agent_id": agent_id,
                **reflection.model_dump(exclude={"note"}),
                "environment_reward": reward,
                "request_key": request_key,
            }
        )

    def recollection(self, where: Where, agent_id: str, recollection: Recollection) -> None:
        """What a round brought back to an agent and what its prompts leave out; no row where there is neither."""
        if recollection.recalled or recollection.left_out or recollection.messages_left_out:
            self._rows["recollections"].append(
                {
                    "environment": where.environment,
                    "round": where.round,
                    "agent_id": agent_id,
                    "recalled": [[entry.round, entry.seq] for entry in recollection.recalled],
                    "left_out": recollection.left_out,
                    "messages_left_out": recollection.messages_left_out,
                }
            )

    def judgement(
        self, where: Where, subject: str, judgement: Row, scores: Mapping[str, float | None]
    ) -> None:
        """A judge's scores of a conversation or of an agent's thoughts, a row for each criterion."""
        for criterion, score in scores.items():
            self._rows["judgements"].append(
                {
                    "environment": where.environment,
                    "round": where.round,
                    "subject": subject,
                    "criterion": criterion,
                    "score": score,
                    **judgement,
                    "reason": clean(judgement["reason"]),
                }
            )

    def memories(self, round_number: int, agents: Iterable[MarketAgent]) -> None:
        """What agents decided to keep."""
        for agent in agents:
            for entry in agent.memory.take_new():
                self._rows["agent_memories"].append(
                    {
                        "round": round_number,
                        "agent_id": agent.id,
                        "seq": entry.seq,
                        "environment": entry.environment,
                        "kind": entry.kind.value,
                        "content": clean(entry.content),
                    }
                )

    def acl_messages(self, where: Where, messages: Iterable[ACLMessage]) -> None:
        """What agents and a mechanism told each other; it arrives as it is said."""
        for message in messages:
            now = Moment(where.environment, where.round, where.sub_round)
            self._acl_row(where, message, DeliveryStatus.DELIVERED, now)

    def mail(self, where: Where, receipts: Iterable[Receipt]) -> None:
        """Mail between agents, delivered or not."""
        for receipt in receipts:
            arrived = receipt.delivered if receipt.reason is None else None
            row = self._acl_row(where, receipt.message, receipt.status, arrived, receipt.reason)
            if receipt.reason is None:
                self._unread[receipt.number] = row
                self._unwritten_mail.add(receipt.number)

    def mail_read(self, receipts: Iterable[Receipt]) -> None:
        """Mail that was read: noted in its own row where the step still holds it, as an update otherwise."""
        for receipt in receipts:
            row, at = self._unread.pop(receipt.number), receipt.read
            read = {
                "status": DeliveryStatus.READ.value,
                "read_environment": at and at.environment,
                "read_round": at and at.round,
                "read_sub_round": at and at.sub_round,
            }
            if receipt.number in self._unwritten_mail:
                row.update(read)
            else:
                self._updates["acl_messages"].append({"message_id": row["message_id"], **read})

    def _acl_row(
        self,
        where: Where,
        message: ACLMessage,
        status: DeliveryStatus,
        arrived: Moment | None,
        reason: str | None = None,
    ) -> Row:
        self._acl_seq += 1
        row = {
            **where.columns(),
            "message_id": f"acl_{self._acl_seq:08d}",
            **message.model_dump(exclude={"performative"}),
            "performative": message.performative.value,
            "status": status.value,
            "reason": reason,
            "delivered_round": arrived and arrived.round,
            "delivered_sub_round": arrived and arrived.sub_round,
            "read_environment": None,
            "read_round": None,
            "read_sub_round": None,
            "timestamp": None,
        }
        self._rows["acl_messages"].append(row)
        return row

    # -- mechanisms ---------------------------------------------------------------------------------------------

    def events(self, where: Where, events: Iterable[Event], request_keys: Mapping[str, str | None]) -> None:
        """What a mechanism decided in a turn; ``request_keys`` names, by agent, the ask behind its acts."""
        for event in events:
            self._event(event, where, request_keys)

    @singledispatchmethod
    def _event(self, event: Event, where: Where, request_keys: Mapping[str, str | None]) -> None:
        raise TypeError(f"no table takes a {type(event).__name__} ({where}, {len(request_keys)} acts)")

    @_event.register
    def _(
        self, event: OrderPlaced | MarketOrderPlaced, where: Where, request_keys: Mapping[str, str | None]
    ) -> None:
        row = self._new_order(event, where, request_keys) | {"status": "open", "reject_reason": None}
        self._rows["orders"].append(row)
        self._open_orders[where.environment, event.order_id] = row
        self._unwritten.add((where.environment, event.order_id))
        self._order_event(where, event.order_id, "open", quantity=event.quantity, price=event.price)

    @_event.register
    def _(self, event: OrderRejected, where: Where, request_keys: Mapping[str, str | None]) -> None:
        reason = clean(event.reason)
        row = self._new_order(event, where, request_keys) | {"status": "rejected", "reject_reason": reason}
        self._rows["orders"].append(row)
        self._order_event(
            where, event.order_id, "rejected", quantity=event.quantity, price=event.price, reason=reason
        )

    @_event.register
    def _(self, event: OrderFilled, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        status = event.status.value
        self._change_order(where, event.order_id, status, event.filled_quantity, final=status == "filled")
        self._order_event(
            where,
            event.order_id,
            status,
            quantity=event.quantity,
            filled=event.filled_quantity,
            trade_id=event.trade_id,
        )

    @_event.register
    def _(self, event: OrderCancelled, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        self._change_order(where, event.order_id, event.status.value, event.filled_quantity, final=True)
        self._order_event(
            where, event.order_id, event.status.value, quantity=event.quantity, filled=event.filled_quantity
        )

    @_event.register
    def _(self, event: TradeMade, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        self._rows["trades"].append(
            {
                **where.columns(),
                "trade_id": event.trade_id,
                "bid_order_id": event.bid_order_id,
                "ask_order_id": event.ask_order_id,
                "buyer_id": event.buyer_id,
                "seller_id": event.seller_id,
                "good": event.good,
                "price": self._money(event.price),
                "quantity": event.quantity,
                "buyer_value": self._money(sum(event.buyer_values)),
                "seller_cost": self._money(sum(event.seller_costs)),
                "buyer_surplus": self._money(event.buyer_surplus),
                "seller_surplus": self._money(event.seller_surplus),
                "fee": self._money(event.fee * event.quantity),
            }
        )

    @_event.register
    def _(self, event: CohortFormed, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        self._rows["cohorts"] += [
            {
                "environment": where.environment,
                "round": event.round,
                "cohort_id": event.cohort_id,
                "agent_id": agent_id,
            }
            for agent_id in event.members
        ]

    @_event.register
    def _(self, event: TopicSet, where: Where, request_keys: Mapping[str, str | None]) -> None:
        self._rows["topics"].append(
            {
                "environment": where.environment,
                "round": event.round,
                "cohort_id": event.cohort_id,
                "topic": event.topic,
                "scrambled": event.scrambled,
                "proposer_id": event.proposer_id,
                "request_key": request_keys.get(event.proposer_id) if event.proposer_id else None,
            }
        )

    @_event.register
    def _(self, event: MessagePosted, where: Where, request_keys: Mapping[str, str | None]) -> None:
        self._rows["messages"].append(
            {
                **where.columns(),
                "message_id": event.message_id,
                "cohort_id": event.cohort_id,
                "sender_id": event.sender_id,
                "recipient_id": event.recipient_id,
                "content": event.content,
                "metadata": dict(event.metadata),
                "timestamp": event.timestamp,
                "delivered": event.delivered,
                "scrambled": event.scrambled,
                "verdict": "delivered" if event.withheld is None else "withheld",
                "reason": None if event.withheld is None else clean(event.withheld),
                "request_key": request_keys.get(event.sender_id),
            }
        )

    @_event.register
    def _(self, event: AttendanceChanged, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        self._rows["attendance"].append({"environment": where.environment, **asdict(event)})

    @_event.register
    def _(self, event: DiscussionEnded, where: Where, request_keys: Mapping[str, str | None]) -> None:  # noqa: ARG002
        self._rows["discussions"].append({"environment": where.environment, **asdict(event)})

    def chat_turn(self, where: Where, turn: ChatTurn) -> None:
        """One member's turn in a discussion, and what came of it."""
        self._rows["turns"].append({**where.columns(), **asdict(turn)})

    def auction_round(self, where: Where, good: str, result: RoundResult, measures: RoundMeasures) -> None:
        """A round's outcome of a market, and how it went on."""
        equilibrium = result.equilibrium
        self._rows["auction_rounds"].append(
            {
                "environment": where.environment,
                "round": where.round,
                "good": good,
                "trades": len(result.trades),
                "volume": result.volume,
                "mean_price": self._average(result.mean_price),
                "equilibrium_price_low": self._average(equilibrium.price_low),
                "equilibrium_price_high": self._average(equilibrium.price_high),
                "equilibrium_quantity": equilibrium.quantity_max,
                "equilibrium_quantity_min": equilibrium.quantity_min,
                "realized_surplus": self._money(result.realized_surplus),
                "maximum_surplus": self._average(result.maximum_surplus),
                "efficiency": result.efficiency,
                "smith_alpha": result.smith_alpha,
                "profit_dispersion": (
                    None
                    if result.profit_dispersion is None
                    else self._scale.to_currency(result.profit_dispersion)
                ),
                **self._course(measures),
            }
        )

    def _course(self, measures: RoundMeasures) -> Row:
        losses = measures.losses
        return {
            "intramarginal_loss_buyers": losses and losses.intramarginal_buyers,
            "intramarginal_loss_sellers": losses and losses.intramarginal_sellers,
            "extramarginal_loss_buyers": losses and losses.extramarginal_buyers,
            "extramarginal_loss_sellers": losses and losses.extramarginal_sellers,
            "price_autocorrelation": measures.price_autocorrelation,
            "profit_gini": measures.profit_gini,
            "rank_correlation_buyers": measures.rank_correlation_buyers,
            "rank_correlation_sellers": measures.rank_correlation_sellers,
            "late_trade_share": measures.late_trade_share,
            "mean_spread": self._average(measures.mean_spread),
            "mean_bid_depth": measures.mean_bid_depth,
            "mean_ask_depth": measures.mean_ask_depth,
        }

    # -- helpers ------------------------------------------------------------------------------------------------

    def _new_order(
        self,
        event: OrderPlaced | MarketOrderPlaced | OrderRejected,
        where: Where,
        request_keys: Mapping[str, str | None],
    ) -> Row:
        return {
            **where.columns(),
            "order_id": event.order_id,
            "agent_id": event.agent_id,
            "good": event.good,
            "side": event.side.value if event.side else None,
            "price": None if event.price is None else self._money(event.price),
            "quantity": event.quantity,
            "filled_quantity": 0,
            "request_key": request_keys.get(event.agent_id),
        }

    def _change_order(self, where: Where, order_id: int, status: str, filled: int, *, final: bool) -> None:
        """Carry an order's state forward: in its own row where the step still holds it, as an update otherwise."""
        key = (where.environment, order_id)
        row = self._open_orders[key]
        row["status"], row["filled_quantity"] = status, filled
        if key not in self._unwritten:
            state = {"status": status, "filled_quantity": filled}
            # An order that changes twice in a step is one row to be updated, with its last state.
            if key in self._changed:
                self._changed[key].update(state)
            else:
                self._changed[key] = {"environment": where.environment, "order_id": order_id, **state}
                self._updates["orders"].append(self._changed[key])
        if final:
            del self._open_orders[key]

    def _order_event(
        self,
        where: Where,
        order_id: int,
        status: str,
        *,
        quantity: int | None,
        price: int | None = None,
        filled: int = 0,
        trade_id: int | None = None,
        reason: str | None = None,
    ) -> None:
        key = (where.environment, order_id)
        self._order_seq[key] = self._order_seq.get(key, 0) + 1
        self._rows["order_events"].append(
            {
                **where.columns(),
                "order_id": order_id,
                "seq": self._order_seq[key],
                "status": status,
                "price": None if price is None else self._money(price),
                "quantity": quantity,
                "filled_quantity": filled,
                "trade_id": trade_id,
                "reason": reason,
            }
        )

    def _money(self, ticks: int) -> Decimal:
        return self._scale.to_decimal(ticks)

    def _average(self, ticks: float | None) -> Decimal | None:
        """Currency from a number of ticks that need not be whole, to six decimals; None where there is none."""
        if ticks is None or abs(ticks) == float("inf"):
            return None
        return Decimal(repr(self._scale.to_currency(ticks))).quantize(Decimal("0.000001"))


def _by_good(goods: Mapping[str, int]) -> object:
    """Units by good; of the only good, their bare number."""
    return dict(goods) if len(goods) != 1 else next(iter(goods.values()))


def storable_or_note(content: object) -> Any:  # noqa: ANN401  (JSON has no narrower type)
    """The content as JSON, or a note where it is too large or too deep to keep."""
    try:
        return storable(content, items=10_000)
    except ValueError as error:
        return {"note": f"not kept: {error}"}
