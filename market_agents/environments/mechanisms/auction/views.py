"""What of a market's state is shown as JSON: money in currency, keys in a fixed order, lengths bounded."""

from __future__ import annotations

from collections.abc import Iterable

from market_agents.economics.accounts import Accounts
from market_agents.economics.equilibrium import Equilibrium
from market_agents.economics.orders import Order, Side, Trade
from market_agents.economics.ticks import TickScale
from market_agents.environments.environment import Observation
from market_agents.environments.mechanisms.auction.institutions import Institution
from market_agents.environments.mechanisms.auction.trader import Trader


def currency(ticks: float | None, scale: TickScale) -> float | None:
    """Ticks as currency; what is missing stays missing."""
    return None if ticks is None else scale.to_currency(ticks)


def own_view(trader: Trader, accounts: Accounts, good: str, scale: TickScale) -> Observation:
    """What only the trader itself may see: its orders, schedule, holdings, trades and last verdict."""
    agent_id, money = trader.agent_id, scale.to_currency
    holding = accounts.holding(agent_id)
    return {
        "own_orders": [order_view(order, scale) for order in trader.orders],
        "values" if trader.side is Side.BID else "costs": [money(unit) for unit in trader.open_units],
        "cash": money(holding.cash - holding.locked_cash),
        "cash_locked": money(holding.locked_cash),
        "goods": holding.goods[good] - holding.locked_goods[good],
        "goods_locked": holding.locked_goods[good],
        "own_trades": [
            {"price": money(price), "quantity": quantity, "surplus": money(surplus)}
            for price, quantity, surplus in trader.recent_trades
        ],
        "last_verdict": None if trader.verdict is None else dict(trader.verdict),
    }


def turn_view(institution: Institution, agent_id: str) -> Observation:
    """Where quoting and dealing take turns: which turn this is, and whether the trader may accept a quote."""
    if not institution.deals:
        return {}
    dealers = institution.dealers
    return {"turn": "quote" if dealers is None else "deal", "may_accept": agent_id in (dealers or ())}


def order_view(order: Order, scale: TickScale) -> Observation:
    """An open order as its owner sees it."""
    return {
        "order_id": order.order_id,
        "side": order.side.value,
        "price": scale.to_currency(order.price),
        "quantity": order.quantity,
        "filled_quantity": order.filled,
        "round": order.round,
    }


def depth_view(institution: Institution, side: Side, scale: TickScale) -> list[Observation]:
    """The best price levels of one side of the book."""
    return [
        {"price": scale.to_currency(level.price), "quantity": level.quantity}
        for level in institution.depth(side)
    ]


def trades_view(trades: Iterable[Trade], scale: TickScale) -> list[Observation]:
    """Trades with both parties and their gains, for the experimenter."""
    return [
        {
            "trade_id": trade.trade_id,
            "buyer_id": trade.buyer_id,
            "seller_id": trade.seller_id,
            "price": scale.to_currency(trade.price),
            "quantity": trade.quantity,
            "buyer_surplus": scale.to_currency(trade.buyer_surplus),
            "seller_surplus": scale.to_currency(trade.seller_surplus),
        }
        for trade in trades
    ]


def equilibrium_view(equilibrium: Equilibrium, scale: TickScale) -> Observation:
    """The competitive equilibrium, for the experimenter."""
    return {
        "quantity_min": equilibrium.quantity_min,
        "quantity_max": equilibrium.quantity_max,
        "price_low": currency(equilibrium.price_low, scale),
        "price_high": currency(equilibrium.price_high, scale),
        "price": currency(equilibrium.price, scale),
        "surplus": scale.to_currency(equilibrium.surplus),
    }
