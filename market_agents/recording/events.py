"""What mechanisms decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import singledispatchmethod

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
from market_agents.environments.mechanisms.group_chat import (
    AttendanceChanged,
    CohortFormed,
    DiscussionEnded,
    MessagePosted,
    TopicSet,
)
from market_agents.plain_text import clean
from market_agents.recording.orders import OrderRows
from market_agents.recording.step import Row, Where


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


class EventRows(OrderRows):
    """What mechanisms of every kind decided, and the outcome of their rounds."""

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
        self._open_orders[where.environment, event.order_id] = self._keep(row)
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
