"""Seats the agents of a simulation on a trading floor: their strategies trade and learn as in the laboratory."""

from __future__ import annotations

from collections.abc import Sequence

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.strategies import QuotingStrategy, make_crowd
from market_agents.environments.mechanisms.auction import DoubleAuction
from market_agents.laboratory.floor import Floor, Seat
from market_agents.rng import RandomStreams, derive_seed


def seat_agents(
    market: DoubleAuction,
    agents: Sequence[MarketAgent],
    streams: RandomStreams,
    opening_spread: float | None = None,
    *,
    house: bool = False,
) -> Floor:
    """A floor on which every agent acts through whoever runs the round, which records it.

    Agents that share the name of a strategy make one crowd for this market, so that what they hear of one good
    teaches them nothing of another. A strategy without a name is used as it is.

    Args:
        market: where all have joined.
        agents: all traders, in the order of the run.
        streams: the market's own.
        opening_spread: ``max_relative_spread``, for the strategies that know it.
        house: whether the house trades too.
    """
    crowds: dict[str, list[MarketAgent]] = {}
    for agent in agents:
        if agent.strategy_name is not None and isinstance(agent.strategy, QuotingStrategy):
            crowds.setdefault(agent.strategy_name, []).append(agent)
    strategies: dict[str, QuotingStrategy] = {}
    for name, crowd in crowds.items():
        seeds = [derive_seed(streams.seed, "member", agent.id) for agent in crowd]
        seed = derive_seed(streams.seed, "crowd", name)
        made = make_crowd(name, seeds, seed, opening_spread, market.scale)
        strategies.update(zip((agent.id for agent in crowd), made, strict=True))
    seats = []
    for place, agent in enumerate(agents):
        own = agent.strategy if isinstance(agent.strategy, QuotingStrategy) else None
        strategy = strategies.get(agent.id, own)
        seed = derive_seed(streams.seed, "strategy", agent.id)
        seats.append(Seat(agent.id, place, market.view(agent.id), strategy, seed, outside=True))
    return Floor(market, seats, house=house)
