"""Orders, accounts, private schedules, equilibrium and measures: the economics that every institution shares.

Money is a whole number of ticks and goods are whole units throughout; `TickScale` is the one place where
currency becomes ticks and back.
"""

from market_agents.economics.accounts import Accounts, Holding, Movement, MovementKind
from market_agents.economics.dynamics import (
    deviation_by_trade_number,
    late_share,
    price_autocorrelation,
    rank_correlation,
    slope,
)
from market_agents.economics.equilibrium import Equilibrium, competitive_equilibrium
from market_agents.economics.liquidity import bid_ask_spread, book_depth, relative_spread
from market_agents.economics.losses import LossAudit, audit_losses
from market_agents.economics.metrics import allocative_efficiency, gini, profit_dispersion, smith_alpha
from market_agents.economics.orders import Order, OrderStatus, Side, Trade
from market_agents.economics.reference_markets import MARKETS, Market
from market_agents.economics.schedules import generate_schedule, spread_base, step_schedule, uniform_schedule
from market_agents.economics.surplus import buyer_surplus, equilibrium_profit, seller_surplus
from market_agents.economics.ticks import MAX_TICKS, TickScale

__all__ = [
    "MARKETS",
    "MAX_TICKS",
    "Accounts",
    "Equilibrium",
    "Holding",
    "LossAudit",
    "Market",
    "Movement",
    "MovementKind",
    "Order",
    "OrderStatus",
    "Side",
    "TickScale",
    "Trade",
    "allocative_efficiency",
    "audit_losses",
    "bid_ask_spread",
    "book_depth",
    "buyer_surplus",
    "competitive_equilibrium",
    "deviation_by_trade_number",
    "equilibrium_profit",
    "generate_schedule",
    "gini",
    "late_share",
    "price_autocorrelation",
    "profit_dispersion",
    "rank_correlation",
    "relative_spread",
    "seller_surplus",
    "slope",
    "smith_alpha",
    "spread_base",
    "step_schedule",
    "uniform_schedule",
]
