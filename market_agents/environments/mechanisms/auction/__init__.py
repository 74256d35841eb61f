"""The double auction: one good, buyers who bid, sellers who ask, and institutions that match them."""

from market_agents.environments.mechanisms.auction.actions import (
    AuctionAction,
    Cancel,
    Hold,
    MarketOrder,
    Quote,
    Unreadable,
)
from market_agents.environments.mechanisms.auction.environment import AuctionEnvironment
from market_agents.environments.mechanisms.auction.events import (
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRejected,
    TradeMade,
)
from market_agents.environments.mechanisms.auction.institutions import INSTITUTIONS, Fill, Institution
from market_agents.environments.mechanisms.auction.measures import RoundMeasures
from market_agents.environments.mechanisms.auction.mechanism import DoubleAuction
from market_agents.environments.mechanisms.auction.results import RoundResult

__all__ = [
    "INSTITUTIONS",
    "AuctionAction",
    "AuctionEnvironment",
    "Cancel",
    "DoubleAuction",
    "Fill",
    "Hold",
    "Institution",
    "MarketOrder",
    "MarketOrderPlaced",
    "OrderCancelled",
    "OrderFilled",
    "OrderPlaced",
    "OrderRejected",
    "Quote",
    "RoundMeasures",
    "RoundResult",
    "TradeMade",
    "Unreadable",
]
