"""Whether a quote may enter the market; a refusal says what the trader has and where the limit is."""

from __future__ import annotations

from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import Side
from market_agents.economics.ticks import TickScale
from market_agents.environments.mechanisms.auction.actions import Quote
from market_agents.environments.mechanisms.auction.trader import Trader


def refusal(
    quote: Quote, trader: Trader, accounts: Accounts, good: str, scale: TickScale, max_price: int | None
) -> str | None:
    """Why a quote is refused, in one line that its trader can act on; None if it is not.

    What backs the trader's open order counts as available, because the quote would replace that order.

    Args:
        quote: what the trader wants.
        trader: who it is.
        accounts: what it holds.
        good: what is traded here.
        scale: the market's ticks, for amounts in the text.
        max_price: the highest price admitted, in ticks; None for no limit.
    """
    if quote.price < 1 or quote.quantity < 1:
        return "price and quantity must be above 0"
    if quote.side is not trader.side:
        return f"you are a {trader.role}: you may {trader.side.value}, not {quote.side.value}"
    if max_price is not None and quote.price > max_price:
        return f"the highest price admitted is {scale.to_decimal(max_price)}"
    left = trader.units_left
    if quote.quantity > left:
        verb = "buy" if quote.side is Side.BID else "sell"
        return f"you want to {verb} {quote.quantity} but have {left} left to {verb} in this round"
    if quote.side is Side.BID:
        return _uncovered_bid(quote, trader, accounts, scale)
    return _uncovered_ask(quote, trader, accounts, good)


def _uncovered_bid(quote: Quote, trader: Trader, accounts: Accounts, scale: TickScale) -> str | None:
    available = accounts.available_cash(trader.agent_id)
    if trader.order is not None:
        available += trader.order.price * trader.order.remaining
    needed = quote.price * quote.quantity
    if needed <= available:
        return None
    return (
        f"a bid of {quote.quantity} at {scale.to_decimal(quote.price)} needs {scale.to_decimal(needed)} "
        f"in cash; you have {scale.to_decimal(available)} available: lower the price or the quantity"
    )


def _uncovered_ask(quote: Quote, trader: Trader, accounts: Accounts, good: str) -> str | None:
    available = accounts.available_goods(trader.agent_id, good)
    if trader.order is not None:
        available += trader.order.remaining
    if quote.quantity <= available:
        return None
    return f"an ask of {quote.quantity} needs {quote.quantity} {good}; you have {available} available"
