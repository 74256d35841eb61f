"""The double auction as an environment that agents join."""

from __future__ import annotations

from market_agents.environments.environment import Environment
from market_agents.environments.mechanisms.auction.actions import AuctionAction
from market_agents.environments.mechanisms.auction.mechanism import DoubleAuction


class AuctionEnvironment(Environment[AuctionAction]):
    """A double auction with a name and participants."""

    mechanism: DoubleAuction

    def __init__(self, name: str = "auction", *, mechanism: DoubleAuction) -> None:
        super().__init__(name, mechanism)
