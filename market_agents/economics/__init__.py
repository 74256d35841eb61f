"""Orders, accounts, private schedules, equilibrium and measures: the economics that every institution shares.

Money is a whole number of ticks and goods are whole units throughout; `TickScale` is the one place where
currency becomes ticks and back.
"""

from market_agents.economics.accounts import Accounts, Holding, Movement, MovementKind
from market_agents.economics.equilibrium import Equilibrium, competitive_equilibrium
from market_agents.economics.metrics import allocative_efficiency, profit_dispersion, smith_alpha
from market_agents.economics.orders import Order, OrderStatus, Side, Trade
from market_agents.economics.schedules import generate_schedule, spread_base
from market_agents.economics.surplus import buyer_surplus, equilibrium_profit, seller_surplus
from market_agents.economics.ticks import MAX_TICKS, TickScale

__all__ = [
    "MAX_TICKS",
    "Accounts",
    "Equilibrium",
    "Holding",
    "Movement",
    "MovementKind",
    "Order",
    "OrderStatus",
    "Side",
    "TickScale",
    "Trade",
    "allocative_efficiency",
    "buyer_surplus",
    "competitive_equilibrium",
    "equilibrium_profit",
    "generate_schedule",
    "profit_dispersion",
    "seller_surplus",
    "smith_alpha",
    "spread_base",
]
