"""Institutions whose outcome theory predicts: the bilateral double auction and McAfee's trade reduction."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from market_agents.agents.strategies import LinearDoubleAuction
from market_agents.economics.ladders import OwnQuote
from market_agents.economics.orders import Order, Side
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.laboratory import simulate_market
from market_agents.rng import RandomStreams

TOP = 10**6
"""The unit interval in ticks."""


class Gains(NamedTuple):
    """Gains from trade over a number of draws.

    Attributes:
        realised: Σ(value − cost) over trades.
        possible: the maximum.
        trades: how many there were.
        draws: of how many.
    """

    realised: int
    possible: int
    trades: int
    draws: int


@dataclass(slots=True)
class _Alone:
    """What a trader sees that sees nothing but its own limit."""

    buying: bool
    limit: int = 0
    units_left: int = 1
    best_bid: int | None = None
    best_ask: int | None = None
    last_price: int | None = None
    max_price: int | None = TOP
    progress: float = 0.0
    own_quotes: tuple[OwnQuote, ...] = ()


@dataclass(frozen=True, slots=True)
class BilateralTrade:
    """One buyer and one seller with limits U[0, 1] and linear equilibrium strategies, in a call market with k = ½."""

    draws: int = 10_000

    def play(self, seed: int) -> Gains:
        """Draw and trade."""
        rng = RandomStreams(seed).stream("bilateral")
        strategy, market = LinearDoubleAuction(), INSTITUTIONS["call"]()
        buyer, seller = _Alone(buying=True), _Alone(buying=False)
        realised = possible = trades = 0
        for number in range(self.draws):
            buyer.limit, seller.limit = _limit(rng), _limit(rng)
            possible += max(buyer.limit - seller.limit, 0)
            bid, ask = strategy.quote(buyer, rng), strategy.quote(seller, rng)
            if bid is not None:
                market.submit(Order(2 * number + 1, "buyer", Side.BID, bid, 1))
            if ask is not None:
                market.submit(Order(2 * number + 2, "seller", Side.ASK, ask, 1))
            if market.clear():
                realised += buyer.limit - seller.limit
                trades += 1
            market.expire()
        return Gains(realised, possible, trades, self.draws)


@dataclass(frozen=True, slots=True)
class TruthfulCall:
    """``size`` buyers and as many sellers with limits U[0, 1] who tell the truth to McAfee's auction."""

    size: int
    draws: int = 100

    def play(self, seed: int) -> Gains:
        """Draw and trade."""
        rng = RandomStreams(seed).stream("limits")
        realised = possible = trades = 0
        for number in range(self.draws):
            values = [(_limit(rng),) for _ in range(self.size)]
            costs = [(_limit(rng),) for _ in range(self.size)]
            (period,) = simulate_market(
                values,
                costs,
                trader="truthful",
                institution="mcafee",
                periods=1,
                seed=number,
                max_price=TOP,
            )
            realised += period.surplus
            possible += int(period.equilibrium.surplus)
            trades += period.quantity
        return Gains(realised, possible, trades, self.draws)


def _limit(rng: Random) -> int:
    """U[0, 1] in ticks."""
    return 1 + int(rng.random() * TOP)
