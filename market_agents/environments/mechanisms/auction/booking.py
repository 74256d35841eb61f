"""What orders and trades do to the accounts of cash, goods and units, in every market alike."""

from __future__ import annotations

from market_agents.economics.accounts import Account, Accounts
from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.economics.surplus import buyer_surplus, seller_surplus
from market_agents.environments.mechanisms.auction.events import OrderFilled, TradeMade
from market_agents.environments.mechanisms.auction.institutions import Fill
from market_agents.environments.mechanisms.auction.trader import Traders

_BID = Side.BID  # bound once, as in `orders`


def reserve(order: Order, account: Account, good: str, units: int) -> None:
    """Lock what so many units of an order take: cash at its price, or goods.

    Raises:
        ValueError: the account does not cover them, which whoever admitted the order should have seen.
    """
    if order.side is _BID:
        covered = account.relock_cash(0, order.price * units)
    else:
        covered = account.relock_goods(good, 0, units)
    if not covered:
        raise ValueError(f"{order!r} was admitted without cover")


def release(order: Order, account: Account, good: str) -> None:
    """Free what backs the rest of an order."""
    if order.side is _BID:
        account.relock_cash(order.price * order.remaining, 0)
    else:
        account.relock_goods(good, order.remaining, 0)


def book_trade(
    fill: Fill,
    traders: Traders,
    accounts: Accounts,
    good: str,
    *,
    trade_id: int,
    round_number: int,
    acting: str | None,
) -> TradeMade:
    """Exchange cash, goods and units as a fill says, out of the reservations of its two orders.

    Args:
        fill: of two orders with reservations.
        traders: where the units are counted.
        accounts: where cash and goods are.
        good: what is traded.
        trade_id: the trade's.
        round_number: when.
        acting: who brought it about; None where the institution cleared for all at once.
    """
    bid, ask, price, quantity = fill.bid, fill.ask, fill.price, fill.quantity
    buyer, seller = traders[bid.agent_id], traders[ask.agent_id]
    values, costs = buyer.next_units(quantity), seller.next_units(quantity)
    trade = TradeMade(
        trade_id=trade_id,
        round=round_number,
        good=good,
        bid_order_id=bid.order_id,
        ask_order_id=ask.order_id,
        buyer_id=bid.agent_id,
        seller_id=ask.agent_id,
        price=price,
        quantity=quantity,
        buyer_values=values,
        seller_costs=costs,
        buyer_surplus=buyer_surplus(values, price),
        seller_surplus=seller_surplus(costs, price - fill.fee),
        agent_id=acting,
        fee=fill.fee,
    )
    accounts.settle(trade, bid_price=bid.price)
    buyer.record_trade(price, quantity, trade.buyer_surplus)
    seller.record_trade(price, quantity, trade.seller_surplus)
    return trade


def filled(order: Order, units: int, trade: TradeMade) -> OrderFilled:
    """The note that an order has traded, ``units`` of it so far."""
    return OrderFilled(
        round=trade.round,
        agent_id=order.agent_id,
        order_id=order.order_id,
        order_round=order.round,
        trade_id=trade.trade_id,
        quantity=trade.quantity,
        filled_quantity=units,
        status=OrderStatus.FILLED if units == order.quantity else OrderStatus.PARTIALLY_FILLED,
    )
