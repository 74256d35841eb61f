"""Whether a quote may enter the market; a refusal says what the trader has and where the limit is."""

from __future__ import annotations

from market_agents.economics.orders import Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction.institutions import Means
from market_agents.environments.mechanisms.auction.trader import Trader

_BID = Side.BID  # bound once, as in `orders`
_SHOWN_ORDERS = 20


def refusal(trader: Trader, price: int, quantity: int, max_price: int | None, scale: TickScale) -> str | None:
    """Why a trader may not quote so on its own side, whatever it has, in one line that it can act on; None if it may.

    Args:
        trader: who wants to quote.
        price: ticks for one unit.
        quantity: units.
        max_price: the highest price admitted, in ticks; None for no limit.
        scale: the market's ticks, for amounts in the text.
    """
    if price < 1 or quantity < 1:
        return "price and quantity must be above 0"
    if max_price is not None and price > max_price:
        return f"the highest price admitted is {scale.to_decimal(max_price)}"
    left = len(trader.units) - trader.traded
    return _too_many(trader.side, quantity, left) if quantity > left else None


def uncovered(means: Means, price: int, quantity: int, good: str, scale: TickScale) -> str | None:
    """What a trader lacks for a quote, in one line that it can act on; None if nothing.

    Args:
        means: what it has, what backs the orders included that the quote replaces.
        price: ticks for one unit.
        quantity: units.
        good: what is traded here.
        scale: the market's ticks, for amounts in the text.
    """
    if means.buying:
        cash = means.cash
        return None if price * quantity <= cash else _uncovered_bid(price, quantity, cash, scale)
    if quantity <= means.goods:
        return None
    return f"an ask of {quantity} needs {quantity} {good}; you have {means.goods} available"


def unknown_order(trader: Trader, order_id: int) -> str:
    """Why an order that is not among the trader's open ones cannot be replaced."""
    instead = open_ids(trader) if trader.orders else "you have none at all"
    return f"you have no open order {order_id}; {instead}"


def open_ids(trader: Trader) -> str:
    """The ids of the trader's open orders, in words."""
    ids = ", ".join(str(order.order_id) for order in trader.orders[:_SHOWN_ORDERS])
    more = ", …" if len(trader.orders) > _SHOWN_ORDERS else ""
    return f"your open order{' is' if len(trader.orders) == 1 else 's are'} {ids}{more}"


def market_refusal(
    trader: Trader, side: Side, quantity: int, best: int | None, means: Means, good: str, scale: TickScale
) -> str | None:
    """Why a market order is refused, in one line that its trader can act on; None if it trades one unit or more.

    Args:
        trader: who wants to trade.
        side: on which side.
        quantity: units.
        best: the best opposite order, in ticks; None where there is none.
        means: what the trader can spend.
        good: what is traded here.
        scale: the market's ticks, for amounts in the text.
    """
    if side is not trader.side:
        return wrong_side(trader, side)
    if not 1 <= quantity <= trader.units_left:
        return _too_many(side, quantity, trader.units_left)
    if best is None:
        return (
            f"there is no open {'ask' if side is _BID else 'bid'} to trade with; place an order with a price"
        )
    if means.units_at(best):
        return None
    if side is _BID:
        return f"you have {scale.to_decimal(means.cash)} in cash available, less than the best ask"
    return f"you have {means.goods} {good} available"


def unimproved(side: Side, price: int, best: int | None, scale: TickScale) -> str | None:
    """Why a quote that must beat the best of its own side is refused; None if it does beat it.

    Args:
        side: the quote's.
        price: the quote's, in ticks.
        best: the best open quote of that side; None where there is none.
        scale: the market's ticks, for amounts in the text.
    """
    if best is None:
        return None
    if side is _BID:
        return None if price > best else f"a bid must be above the best one, {scale.to_decimal(best)}"
    return None if price < best else f"an ask must be below the best one, {scale.to_decimal(best)}"


def wrong_side(trader: Trader, side: Side) -> str:
    """Why a trader may not trade on that side."""
    return f"you are a {trader.role}: you may {trader.side.value}, not {side.value}"


def _too_many(side: Side, quantity: int, left: int) -> str:
    verb = "buy" if side is _BID else "sell"
    return f"you want to {verb} {quantity} but have {left} left to {verb} in this round"


def _uncovered_bid(price: int, quantity: int, cash: int, scale: TickScale) -> str:
    return (
        f"a bid of {quantity} at {scale.to_decimal(price)} needs {scale.to_decimal(price * quantity)} "
        f"in cash; you have {scale.to_decimal(cash)} available: lower the price or the quantity"
    )
