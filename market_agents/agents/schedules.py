"""Every agent's endowment, and its values or costs, as the configuration lists them or chance draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from market_agents.agents.market_agent import Endowment
from market_agents.agents.schedule_checks import schedule_mistakes
from market_agents.config import SimulationConfig, TradedGood, traded_goods
from market_agents.economics.reference_markets import MARKETS, in_currency
from market_agents.economics.schedules import (
    generate_schedule,
    spread_base,
    step_schedule,
    uniform_schedule,
)
from market_agents.economics.ticks import TickScale
from market_agents.errors import ConfigError, Mistake
from market_agents.rng import RandomStreams
from market_agents.yaml_source import shown_path

T = TypeVar("T")
Units = tuple[int, ...]


class Schedules:
    """The schedules of a run.

    What chance decides comes from a stream of the agent's own, so that the first n agents have the same values and
    costs in a larger population. New draws of a later round come from a stream of that round.

    Args:
        config: the whole configuration.
        streams: the run's streams of agents.

    Raises:
        ConfigError: the schedules do not fit the population, the tick size or each other.
    """

    def __init__(self, config: SimulationConfig, streams: RandomStreams) -> None:
        mistakes = [Mistake(shown_path(path), message) for path, message in schedule_mistakes(config)]
        if mistakes:
            raise ConfigError(mistakes)
        self.goods = traded_goods(config)
        self._agents = config.agent_config
        self._scale = TickScale(config.tick)
        self._streams = streams

    def endowment(self, index: int) -> Endowment:
        """Cash and goods that an agent starts with."""
        agents, role = self._agents, self._agents.role_of(index)
        cash = agents.buyer_initial_cash if role == "buyer" else agents.seller_initial_cash
        return Endowment(self._scale.floor(cash), {good.name: good.endowment(role) for good in self.goods})

    def at_start(self, index: int) -> dict[str, Units]:
        """An agent's values or costs in the first round, by good."""
        return {good.name: self.units(good, index) for good in self.goods}

    def units(self, good: TradedGood, index: int, round_number: int = 1) -> Units:
        """An agent's values or costs of a good, in ticks, in trading order, before any shock.

        A seller's schedule ends where its goods do: it cannot sell what it lacks.

        Args:
            good: one of the run's goods.
            index: the agent's place in the population, from 1.
            round_number: other than 1 for what is drawn anew.
        """
        units = _KINDS[good.schedule.kind](self, good, index, round_number)
        return units if self._agents.role_of(index) == "buyer" else units[: good.seller_goods]

    def shift(self, good: TradedGood, role: str, round_number: int) -> int:
        """What all shocks until a round, this one included, have added to a role's values or costs, in ticks."""
        side = "value" if role == "buyer" else "cost"
        felt = [shock for shock in good.schedule.shocks if shock.round <= round_number]
        return sum(self._signed(getattr(shock, side)) for shock in felt)

    def _signed(self, amount: float) -> int:
        ticks = self._scale.exact(abs(amount))
        return ticks if amount > 0 else -ticks

    def _own(self, good: TradedGood, index: int, round_number: int) -> RandomStreams:
        own = self._streams.below(index)
        if good.name != self._agents.good_name:
            own = own.below("good", good.name)
        return own if round_number == 1 else own.below("round", round_number)

    def _base(self, good: TradedGood, index: int, round_number: int) -> Units:
        schedule, role = good.schedule, self._agents.role_of(index)
        own = self._own(good, index, round_number)
        typical = schedule.buyer_base_value if role == "buyer" else schedule.seller_base_value
        base = spread_base(
            own.stream("base"), self._scale.floor(_set(typical)), _set(schedule.base_value_spread)
        )
        return generate_schedule(
            own.stream("schedule"),
            base=base,
            num_units=_set(schedule.num_units),
            noise_factor=_set(schedule.noise_factor),
            direction=role,
        )

    def _lists(self, good: TradedGood, index: int, _: int) -> Units:
        schedule = good.schedule
        if schedule.agents is not None:
            return self._exact(schedule.agents.get(f"agent_{index}", ()))
        lists = schedule.buyers if self._agents.role_of(index) == "buyer" else schedule.sellers
        return self._exact(_set(lists)[self._agents.rank_of(index)])

    def _steps(self, good: TradedGood, index: int, _: int) -> Units:
        schedule, role = good.schedule, self._agents.role_of(index)
        first, step = (
            (schedule.first_value, schedule.value_step)
            if role == "buyer"
            else (schedule.first_cost, schedule.cost_step)
        )
        return step_schedule(
            self._agents.rank_of(index),
            first=self._scale.exact(_set(first)),
            step=self._scale.exact(step or 0.0),
            unit_step=self._scale.exact(schedule.unit_step or 0.0),
            num_units=_set(schedule.num_units),
            direction=role,
        )

    def _uniform(self, good: TradedGood, index: int, round_number: int) -> Units:
        schedule, role = good.schedule, self._agents.role_of(index)
        low, high = self._exact(_set(schedule.value_range if role == "buyer" else schedule.cost_range))
        rng = self._own(good, index, round_number).stream("schedule")
        return uniform_schedule(rng, low=low, high=high, num_units=_set(schedule.num_units), direction=role)

    def _reference(self, good: TradedGood, index: int, _: int) -> Units:
        market = MARKETS[_set(good.schedule.market)]
        limits = market.values if self._agents.role_of(index) == "buyer" else market.costs
        return self._exact(in_currency(limits)[self._agents.rank_of(index)])

    def _exact(self, amounts: Sequence[float]) -> Units:
        return tuple(self._scale.exact(amount) for amount in amounts)


_KINDS: Mapping[str, Callable[[Schedules, TradedGood, int, int], Units]] = {
    "base": Schedules._base,
    "lists": Schedules._lists,
    "steps": Schedules._steps,
    "uniform": Schedules._uniform,
    "reference": Schedules._reference,
}


def _set(value: T | None) -> T:
    if value is None:
        raise ValueError("a key that this kind of schedule needs is missing; check the configuration first")
    return value
