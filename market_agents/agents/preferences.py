"""What goods are worth to those who trade them, in one place for all markets and conversations of a run.

A trader's schedule gives a value or cost for each unit of a good. `Preferences` opens these units once a round,
before anybody trades, renews them and the holdings behind them, and notes which were traded; whatever lets agents
trade reads ``agent.units_of(good)`` and reports with `Preferences.use`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schedules import Schedules, Units
from market_agents.config import TradedGood
from market_agents.economics.accounts import Accounts
from market_agents.errors import UserError


class Preferences:
    """The units of every good that are open to every agent, round by round.

    Args:
        agents: as they were generated; ``units`` of each is kept up to date.
        accounts: where holdings are renewed.
        schedules: the run's goods, and where new draws and shocks come from.
    """

    def __init__(self, agents: Sequence[MarketAgent], accounts: Accounts, schedules: Schedules) -> None:
        self._agents = agents
        self._accounts = accounts
        self._sources = schedules
        self._by_id = {agent.id: agent for agent in agents}
        self._opened: dict[str, dict[str, Units]] = {}
        self._schedules = {
            good.name: {agent.id: agent.units_of(good.name) for agent in agents} for good in schedules.goods
        }
        """Values and costs of the round's units by good and agent, without shocks."""

    @property
    def goods(self) -> tuple[TradedGood, ...]:
        """The goods of the run, in the order of their markets."""
        return self._sources.goods

    def turn_to(self, schedules: Schedules) -> None:
        """Renew on other terms, or draw from other schedules, from the next round on.

        Raises:
            UserError: other goods are traded there.
        """
        if {good.name for good in schedules.goods} != set(self._schedules):
            raise UserError("a fork trades the goods of its parent: leave the environments that trade them")
        self._sources = schedules

    def begin_round(self, round_number: int) -> Iterator[TradedGood]:
        """Open a round, good by good: what is to be renewed is renewed, and the round's units are open.

        Yields:
            Each good that is traded in this round, when its units are open and its movements booked.
        """
        for good in self.goods:
            if good.last_round is None or round_number <= good.last_round:
                if round_number > 1:
                    self._renew(good, round_number)
                self._open(good, round_number)
                self._opened[good.name] = {agent.id: agent.units_of(good.name) for agent in self._agents}
                yield good

    def opened(self, agent_id: str, good: str) -> Units:
        """Values or costs of all units that the round opened to an agent, traded since or not."""
        return self._opened[good][agent_id]

    def used(self, agent_id: str, good: str) -> int:
        """How many of them the agent has traded, wherever it was."""
        return len(self.opened(agent_id, good)) - len(self._by_id[agent_id].units_of(good))

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

    def _open(self, good: TradedGood, round_number: int) -> None:
        """Open the round's units, shocks until this round included; nothing is worth less than 0."""
        shifts = {role: self._sources.shift(good, role, round_number) for role in ("buyer", "seller")}
        for agent in self._agents:
            units, shift = self._schedules[good.name][agent.id], shifts.get(agent.role, 0)
            agent.units[good.name] = tuple(max(unit + shift, 0) for unit in units) if shift else units

    def _renew(self, good: TradedGood, round_number: int) -> None:
        """Renew units and holdings, or leave of the units what was not traded."""
        schedules = self._schedules[good.name]
        if good.renewal == "none":
            for agent in self._agents:
                units = schedules[agent.id]
                schedules[agent.id] = units[len(units) - len(agent.units_of(good.name)) :]
            return
        if good.schedule.redraw:
            for agent in self._agents:
                schedules[agent.id] = self._sources.units(good, agent.index, round_number)
        for agent in self._agents:
            self._renew_holdings(good, agent)

    def _renew_holdings(self, good: TradedGood, agent: MarketAgent) -> None:
        """Buyers consume what they bought, sellers produce what they sold; with ``endowment`` cash returns too."""
        accounts = self._accounts
        holding, start = accounts.holding(agent.id), agent.endowment
        goods = start.goods.get(good.name, 0) - holding.goods[good.name]
        # All goods are renewed before anybody trades, so that cash, which is one balance, returns only once.
        cash = start.cash - holding.cash if good.renewal == "endowment" else 0
        if goods < 0 or cash < 0:
            accounts.consume(agent.id, good.name, max(-goods, 0), max(-cash, 0))
        if goods > 0 or cash > 0:
            accounts.renew(agent.id, good.name, max(goods, 0), max(cash, 0))
