"""Mistakes in schedules that only those can tell who know the population, the tick size and the reference markets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from market_agents.config import Finding, SimulationConfig, TradedGood, markets_of, traded_goods
from market_agents.economics.reference_markets import MARKETS, in_currency
from market_agents.economics.ticks import MAX_TICKS, TickScale

Lists = Sequence[Sequence[float]]


def schedule_mistakes(config: SimulationConfig) -> Iterator[Finding]:
    """Everything that is wrong with a configuration's goods and schedules, each with its key path."""
    goods = traded_goods(config)
    yield from _goods_mistakes(config, goods)
    for good in goods:
        check = _Check(config, good)
        for path, message in (*_KINDS[good.schedule.kind](check), *check.changes()):
            yield (*good.path, *path), message


def _goods_mistakes(config: SimulationConfig, goods: Sequence[TradedGood]) -> Iterator[Finding]:
    """One market for a good, and one rule for the cash that all markets share."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for good in goods:
        by_name[good.name].append(good.market or "")
    for name, markets in by_name.items():
        if len(markets) > 1:
            yield (
                ("environment_order",),
                f"{' and '.join(markets)} are both markets for {name}; a run has one market for a good, "
                "so give each another good_name",
            )
    renewals = {entry.renewal for entry in markets_of(config).values()}
    if "endowment" in renewals and len(renewals) > 1:
        for market, entry in markets_of(config).items():
            if entry.renewal != "endowment":
                yield (
                    ("environment_configs", market, "renewal"),
                    f"cash is one balance for all markets, and another market renews it; write endowment here "
                    f"or nowhere, got {entry.renewal}",
                )


class _Check:
    """The checks of one good's schedule; paths are relative to the schedule."""

    def __init__(self, config: SimulationConfig, good: TradedGood) -> None:
        self.config = config
        self.good = good
        self.schedule = good.schedule
        self.scale = TickScale(config.tick)
        self.buyers = config.agent_config.buyers_among(config.num_agents)
        self.sellers = config.num_agents - self.buyers

    def changes(self) -> Iterator[Finding]:
        """Of new draws and shocks."""
        if self.schedule.redraw and self.good.renewal == "none":
            yield ("redraw",), "values are drawn anew only where units are renewed; renewal is none"
        for place, shock in enumerate(self.schedule.shocks):
            for key in ("value", "cost"):
                yield from self._exact(("shocks", place, key), abs(getattr(shock, key)))

    def base(self) -> Iterator[Finding]:
        """At least one tick after the spread, and few enough ticks to be counted; agent_config's own keys are
        checked where they stand.
        """
        if self.config.agent_config.schedule is None and self.good.path[0] == "agent_config":
            return
        spread = self.schedule.base_value_spread or 0.0
        for key in ("buyer_base_value", "seller_base_value"):
            typical = getattr(self.schedule, key)
            try:
                self.scale.floor(typical)
            except ValueError as error:
                yield (key,), f"{error}; choose a larger tick_size"
            if typical * (1 - spread) < self.config.tick:
                less = " less base_value_spread" if spread else ""
                yield (key,), f"expected at least one tick ({self.config.tick}){less}, got {typical:g}"

    def lists(self) -> Iterator[Finding]:
        """As many lists as traders, on ticks, no longer than what there is to sell."""
        if self.schedule.agents is not None:
            yield from self._by_id(self.schedule.agents)
            return
        for key, lists, traders in (
            ("buyers", self.schedule.buyers or (), self.buyers),
            ("sellers", self.schedule.sellers or (), self.sellers),
        ):
            if len(lists) != traders:
                yield (
                    (key,),
                    f"expected {traders} lists, one for each of the {traders} {key} among {self.config.num_agents} "
                    f"agents (buyer_share {self.config.agent_config.buyer_share:g}), got {len(lists)}",
                )
            for place, amounts in enumerate(lists):
                yield from self._list((key, place), amounts, selling=key == "sellers")

    def steps(self) -> Iterator[Finding]:
        """On ticks, and no value below 0."""
        keys = ("first_value", "value_step", "first_cost", "cost_step", "unit_step")
        off_tick = [
            found for key in keys for found in self._exact((key,), getattr(self.schedule, key) or 0.0)
        ]
        yield from off_tick
        if off_tick:
            return
        value, down, cost, up, each = (self.scale.exact(getattr(self.schedule, key) or 0.0) for key in keys)
        units = ((self.schedule.num_units or 1) - 1) * each
        lowest = value - max(self.buyers - 1, 0) * down - units
        highest = cost + max(self.sellers - 1, 0) * up + units
        if lowest < 0:
            message = (
                f"the steps of {self.buyers} buyers lead down to {self._currency(lowest)}; expected at least "
            )
            yield ("first_value",), f"{message}{self._currency(value - lowest)}, got {self._currency(value)}"
        if highest > MAX_TICKS:
            yield ("cost_step",), f"the steps of {self.sellers} sellers lead up to {self._currency(highest)}"

    def uniform(self) -> Iterator[Finding]:
        """On ticks."""
        for key in ("value_range", "cost_range"):
            for place, amount in enumerate(getattr(self.schedule, key) or ()):
                yield from self._exact((key, place), amount)

    def reference(self) -> Iterator[Finding]:
        """A known market, with its numbers of traders."""
        name = self.schedule.market or ""
        if name not in MARKETS:
            yield ("market",), f"unknown reference market {name!r}; known are {', '.join(MARKETS)}"
            return
        values, costs = map(in_currency, MARKETS[name])
        if (len(values), len(costs)) != (self.buyers, self.sellers):
            everybody = len(values) + len(costs)
            yield (
                ("market",),
                f"market {name} has {len(values)} buyers and {len(costs)} sellers, this run {self.buyers} and "
                f"{self.sellers}; set num_agents to {everybody} and agent_config.buyer_share to "
                f"{_share(len(values), everybody)}",
            )
        for units, selling in ((values, False), (costs, True)):
            for amounts in units:
                for _, message in self._list((), amounts, selling=selling):
                    yield ("market",), f"market {name} counts in hundredths of the currency: {message}"
                    return

    def _by_id(self, lists: Mapping[str, Sequence[float]]) -> Iterator[Finding]:
        known = {f"agent_{index}": index for index in range(1, self.config.num_agents + 1)}
        for agent_id, amounts in lists.items():
            path = ("agents", agent_id)
            if agent_id not in known:
                yield path, f"no agent has this id; expected agent_1 to agent_{self.config.num_agents}"
            else:
                selling = self.config.agent_config.role_of(known[agent_id]) == "seller"
                yield from self._list(path, amounts, selling=selling)

    def _list(
        self, path: tuple[str | int, ...], amounts: Sequence[float], *, selling: bool
    ) -> Iterator[Finding]:
        for place, amount in enumerate(amounts):
            yield from self._exact((*path, place), amount)
        if selling and len(amounts) > self.good.seller_goods:
            yield (
                path,
                f"expected at most {self.good.seller_goods} costs, for a seller starts with so many "
                f"{self.good.name} (seller_initial_goods), got {len(amounts)}",
            )

    def _currency(self, ticks: int) -> str:
        return f"{self.scale.to_currency(ticks):g}"

    def _exact(self, path: tuple[str | int, ...], amount: float) -> Iterator[Finding]:
        try:
            self.scale.exact(amount)
        except ValueError as error:
            yield path, str(error)


_KINDS: Mapping[str, Callable[[_Check], Iterator[Finding]]] = {
    "base": _Check.base,
    "lists": _Check.lists,
    "steps": _Check.steps,
    "uniform": _Check.uniform,
    "reference": _Check.reference,
}


def _share(part: int, whole: int) -> str:
    """A share that gives so many buyers: rounded down in its last digit, for buyers are rounded up."""
    share = int(1e6 * part / whole) / 1e6
    return f"{share:g}" if share == part / whole else f"{share:.6f}"
