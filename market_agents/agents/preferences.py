"""What goods are worth to those who trade them, in one place for all markets and conversations of a run.

A trader's schedule gives a value or cost for each unit of a good. `Preferences` opens these units once a round,
before anybody trades, renews them and the holdings behind them, and notes which were traded; whatever lets agents
trade reads ``agent.units_of(good)`` and reports with `Preferences.use`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market_agents.agents.market_agent import MarketAgent
from market_agents.config import TradedGood
from market_agents.economics.accounts import Accounts

Units = tuple[int, ...]


class Preferences:
    """The units of every good that are open to every agent, round by round.

    Args:
        agents: as they were generated; ``units`` of each is kept up to date.
        accounts: where holdings are renewed.
        goods: the run's goods and their terms.
    """

    def __init__(
        self, agents: Sequence[MarketAgent], accounts: Accounts, goods: Sequence[TradedGood]
    ) -> None:
        self.goods = tuple(goods)
        self._agents = agents
        self._accounts = accounts
        self._schedules = {
            good.name: {agent.id: agent.units_of(good.name) for agent in agents} for good in goods
        }
        self._by_id = {agent.id: agent for agent in agents}

    def begin_round(self, round_number: int) -> Iterator[TradedGood]:
        """Open a round, good by good: what is to be renewed is renewed, and the round's units are open.

        Yields:
            Each good that is traded in this round, when its units are open and its movements booked.
        """
        for good in self.goods:
            if good.last_round is None or round_number <= good.last_round:
                if round_number > 1:
                    self._renew(good)
                for agent in self._agents:
                    agent.units[good.name] = self._schedules[good.name][agent.id]
                yield good

    def use(self, agent_id: str, good: str, quantity: int) -> Units:
        """Note that an agent has traded its next units of a good.

        Returns:
            Their values or costs, in ticks, in the order of trading.

        Raises:
            ValueError: fewer are open.
        """
        agent = self._by_id[agent_id]
        units = agent.units_of(good)
        if not 0 <= quantity <= len(units):
            raise ValueError(f"{agent_id} has {len(units)} units of {good} open, cannot trade {quantity}")
        agent.units[good] = units[quantity:]
        return units[:quantity]

    def _renew(self, good: TradedGood) -> None:
        """Buyers consume what they bought, sellers produce what they sold; with ``endowment`` cash returns too."""
        if good.renewal == "none":
            self._schedules[good.name] = {agent.id: agent.units_of(good.name) for agent in self._agents}
            return
        accounts = self._accounts
        for agent in self._agents:
            holding, start = accounts.holding(agent.id), agent.endowment
            goods = start.goods.get(good.name, 0) - holding.goods[good.name]
            # All goods are renewed before anybody trades, so that cash, which is one balance, returns only once.
            cash = start.cash - holding.cash if good.renewal == "endowment" else 0
            if goods < 0 or cash < 0:
                accounts.consume(agent.id, good.name, max(-goods, 0), max(-cash, 0))
            if goods > 0 or cash > 0:
                accounts.renew(agent.id, good.name, max(goods, 0), max(cash, 0))
