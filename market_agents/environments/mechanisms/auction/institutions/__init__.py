"""The trading rules to choose from, one small pure class each behind the contract `Institution`."""

from collections.abc import Mapping
from types import MappingProxyType

from market_agents.environments.mechanisms.auction.institutions.aurora import Aurora
from market_agents.environments.mechanisms.auction.institutions.book import BookSide, Level
from market_agents.environments.mechanisms.auction.institutions.call import CallMarket
from market_agents.environments.mechanisms.auction.institutions.contract import Fill, Institution, Means
from market_agents.environments.mechanisms.auction.institutions.gs import ClearingBook
from market_agents.environments.mechanisms.auction.institutions.lob import LimitOrderBook
from market_agents.environments.mechanisms.auction.institutions.mcafee import TradeReduction
from market_agents.environments.mechanisms.auction.institutions.midpoint import MidpointClearing

INSTITUTIONS: Mapping[str, type[Institution]] = MappingProxyType(
    {
        rule.name: rule
        for rule in (Aurora, CallMarket, ClearingBook, LimitOrderBook, MidpointClearing, TradeReduction)
    }
)
"""Institutions by the name under which a configuration asks for them."""

__all__ = [
    "INSTITUTIONS",
    "Aurora",
    "BookSide",
    "CallMarket",
    "ClearingBook",
    "Fill",
    "Institution",
    "Level",
    "LimitOrderBook",
    "Means",
    "MidpointClearing",
    "TradeReduction",
]
