"""What a trader can do, and how it is read from what a mind says: nothing that is said can raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from market_agents.economics.orders import Side
from market_agents.economics.ticks import MAX_TICKS, TickScale

MAX_QUANTITY = 10**9
"""The largest quantity that can be read; orders are bounded by holdings and open units anyway."""

_SIDES = {side.value: side for side in Side}
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Quote:
    """A new limit order; ``price`` in ticks for one unit, ``order_id`` that of the open order that it replaces."""

    side: Side
    price: int
    quantity: int = 1
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """Trade at once with the best opposite orders, whatever their prices; what cannot trade is cancelled.

    It replaces an open order as a `Quote` does.
    """

    side: Side
    quantity: int = 1
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw an open order; without an id, the trader's only one."""

    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """Take the best opposite quote, where the institution lets its holders of quotes deal."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An order that makes no sense in any state of the market, with what could be read of it."""

    reason: str
    side: Side | None = None
    price: int | None = None
    quantity: int | None = None


AuctionAction: TypeAlias = Quote | MarketOrder | Hold | Cancel | Accept | Unreadable


def read_action(
    action: Mapping[str, object], scale: TickScale, *, may_name_order: bool = False
) -> AuctionAction:
    """Read ``{"action": "bid"|"ask"|"hold"|"cancel"|"accept", "price": …, "quantity": …, "order_id": …}``.

    A bid or an ask with ``"order": "market"`` is a market order, whose price is ignored; without the key, or with
    ``"limit"``, it is a quote. That is a word of its own and not a missing price, so that nobody trades at any price
    by leaving something out. A price between two ticks is moved in the trader's favour: a bid down, an ask up. Other
    keys are ignored.

    Args:
        action: as a mind gave it; values may be of any type.
        scale: the market's ticks.
        may_name_order: whether a bid or an ask may name, in ``order_id``, the open order that it replaces, 0 being
            none; where each trader has one quote at most, a new one replaces that, and names nothing.

    Returns:
        The action; `Unreadable` with a reason wherever something is missing or makes no sense.
    """
    kind = action.get("action")
    if isinstance(kind, str):
        if kind in _SIDES:
            order = _read_order(_SIDES[kind], action, scale)
            return _naming(order, action.get("order_id")) if may_name_order else order
        if kind == "hold":
            return Hold()
        if kind == "cancel":
            order_id = action.get("order_id")
            return Cancel() if may_name_order and order_id == 0 else _read_cancel(order_id)
        if kind == "accept":
            return Accept()
    return Unreadable(f'"action" must be "bid", "ask", "hold" or "cancel", not {shown(kind)}')


def _naming(order: Quote | MarketOrder | Unreadable, order_id: object) -> AuctionAction:
    """The same order in the place of the one of that id."""
    if isinstance(order, Unreadable) or order_id is None or order_id == 0:
        return order
    named = _read_cancel(order_id)
    if isinstance(named, Cancel):
        return replace(order, order_id=named.order_id)
    price = order.price if isinstance(order, Quote) else None
    return Unreadable(named.reason, order.side, price, order.quantity)


def _read_cancel(order_id: object) -> Cancel | Unreadable:
    if order_id is None:
        return Cancel()
    if isinstance(order_id, int) and not isinstance(order_id, bool):
        return Cancel(order_id)
    return Unreadable(f'"order_id" must be the number of your order, not {shown(order_id)}')


def _read_order(
    side: Side, action: Mapping[str, object], scale: TickScale
) -> Quote | MarketOrder | Unreadable:
    kind = action.get("order")
    if kind is None or kind == "limit":
        return _read_quote(side, action, scale)
    quantity, reason = _read_quantity(action.get("quantity"))
    if kind != "market":
        reason = f'"order" must be "limit" or "market", not {shown(kind)}'
    elif quantity is not None:
        return MarketOrder(side, quantity)
    return Unreadable(reason, side, None, quantity)


def _read_quote(side: Side, action: Mapping[str, object], scale: TickScale) -> Quote | Unreadable:
    price, price_reason = _read_price(side, action.get("price"), scale)
    quantity, quantity_reason = _read_quantity(action.get("quantity"))
    if price is None or quantity is None:
        return Unreadable(price_reason or quantity_reason, side, price, quantity)
    return Quote(side, price, quantity)


def _read_price(side: Side, price: object, scale: TickScale) -> tuple[int | None, str]:
    """Ticks, or what is wrong with them."""
    if isinstance(price, bool) or not isinstance(price, int | float | Decimal):
        return None, f'"price" must be a number, not {shown(price)}'
    try:
        ticks = scale.floor(price) if side is Side.BID else scale.ceil(price)
    except ValueError:
        ticks = 0
    if ticks < 1:
        return None, f'"price" must be a number from {scale.tick_size} to {scale.to_decimal(MAX_TICKS)}'
    return ticks, ""


def _read_quantity(quantity: object) -> tuple[int | None, str]:
    """Units, or what is wrong with them."""
    if quantity is None:
        return 1, ""
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        return None, f'"quantity" must be a whole number, not {shown(quantity)}'
    if not 1 <= quantity <= MAX_QUANTITY:
        return None, f'"quantity" must be a whole number from 1 to {MAX_QUANTITY}'
    return quantity, ""


def shown(value: object) -> str:
    """A value as it may stand in a reason: short, on one line, and never converted at length."""
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, str):
        return ascii(value[:_SHOWN])
    return f"a value of type {type(value).__name__}"
