"""Orders and all that becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from market_agents.environments.mechanisms.auction import MarketOrderPlaced, OrderPlaced, OrderRejected
from market_agents.recording.step import Kept, Row, StepRows, Where


class OrderRows(StepRows):
    """Orders, each with its state and its history."""

    def __init__(self, tick_size: Decimal) -> None:
        super().__init__(tick_size)
        self._open_orders: dict[tuple[str, int], Kept] = {}
        self._order_seq: dict[tuple[str, int], int] = {}

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
        kept = self._open_orders.pop(key) if final else self._open_orders[key]
        state = {"status": status, "filled_quantity": filled}
        self._change("orders", ("environment", "order_id"), kept, state)

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
