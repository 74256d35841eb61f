"""The trading rules to choose from, one small pure class each behind the contract `Institution`."""

from collections.abc import Mapping
from types import MappingProxyType

from market_agents.environments.mechanisms.auction.institutions.book import BookSide, Level
from market_agents.environments.mechanisms.auction.institutions.contract import Fill, Institution
from market_agents.environments.mechanisms.auction.institutions.lob import LimitOrderBook
from market_agents.environments.mechanisms.auction.institutions.midpoint import MidpointClearing

INSTITUTIONS: Mapping[str, type[Institution]] = MappingProxyType(
    {"lob": LimitOrderBook, "midpoint": MidpointClearing}
)
"""Institutions by the name under which a configuration asks for them."""

__all__ = ["INSTITUTIONS", "BookSide", "Fill", "Institution", "Level", "LimitOrderBook", "MidpointClearing"]
