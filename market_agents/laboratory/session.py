"""A session: one population, several periods, everything drawn from one seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from market_agents.agents.strategies import QuotingStrategy, make_population
from market_agents.economics.accounts import Accounts
from market_agents.environments.mechanisms.auction import INSTITUTIONS, DoubleAuction
from market_agents.laboratory.floor import Floor, Seat
from market_agents.laboratory.period import PeriodResult, summarize
from market_agents.laboratory.protocols import PROTOCOLS
from market_agents.rng import RandomStreams, derive_seed

Shock: TypeAlias = tuple[int, int, int]
"""The first period that it concerns, what is added to all values, what is added to all costs."""

_GOOD = "good"


def simulate_market(
    values: Sequence[Sequence[int]],
    costs: Sequence[Sequence[int]],
    *,
    trader: str | Sequence[str] = "zi_c",
    institution: str = "lob",
    periods: int = 10,
    seed: int = 0,
    max_price: int = 400,
    activations: int = 3000,
    shocks: Iterable[Shock] = (),
    quotes_per_trader: int = 1,
    call_k: float = 0.5,
    watch_book: bool = False,
) -> list[PeriodResult]:
    """Let strategies trade for some periods, in the protocol of the literature.

    Under ``lob`` and ``gs`` one trader with units left is drawn at a time; under ``aurora`` all quote and the best
    two may deal; under ``call`` and ``mcafee`` the market is called once for each unit that a trader may have;
    under ``midpoint`` all quote and the market clears, turn by turn. A period ends when no profitable pair of units
    remains (where somebody ignores its limit, when one side has nothing left), or after ``activations``. Books and
    units start anew in each period; what traders have learned stays.

    Args:
        values: what each unit is worth to each buyer, in the order of trading, in ticks.
        costs: what each unit costs each seller, in the order of trading, in ticks.
        trader: a name in `POPULATION_NAMES`, or one for each trader, buyers first.
        institution: a name in `INSTITUTIONS`.
        periods: how many.
        seed: 0 or above; the same seed gives the same trades.
        max_price: the highest price admitted.
        activations: the most in a period; under ``aurora``, steps.
        shocks: changes of values and costs, which add up.
        quotes_per_trader: how many quotes each trader may have open; one more replaces the oldest.
        call_k: under ``call``, where between the marginal ask (0) and the marginal bid (1) the price is.
        watch_book: whether spread and depth are measured, which takes some time.

    Returns:
        One result a period.

    Raises:
        ValueError: an argument makes no sense; the text names what would.
    """
    if institution not in PROTOCOLS:
        raise ValueError(f"unknown institution {institution!r}; known are {', '.join(sorted(INSTITUTIONS))}")
    if periods < 0 or activations < 1 or max_price < 1:
        raise ValueError("periods must not be below 0, activations and max_price not below 1")
    names = _names(trader, len(values), len(costs))
    market = _market(institution, max_price, quotes_per_trader, call_k, watch_book=watch_book)
    session = _Session(market, values, costs, names, seed)
    changes = sorted(shocks)
    return [session.run_period(number, activations, changes) for number in range(1, periods + 1)]


def _names(trader: str | Sequence[str], buyers: int, sellers: int) -> Sequence[str]:
    if isinstance(trader, str):
        return [trader] * (buyers + sellers)
    if len(trader) != buyers + sellers:
        raise ValueError(
            f"name one trader for each of {buyers} buyers and {sellers} sellers, not {len(trader)}"
        )
    return trader


def _market(
    institution: str, max_price: int, quotes_per_trader: int, call_k: float, *, watch_book: bool
) -> DoubleAuction:
    return DoubleAuction(
        good=_GOOD,
        accounts=Accounts([_GOOD]),
        institution=institution,
        tick_size=Decimal(1),
        max_price=max_price,
        quotes_per_trader=quotes_per_trader,
        call_k=call_k,
        keep_events=False,
        watch_book=watch_book,
    )


class _Session:
    """A market with its traders, from the first period to the last."""

    def __init__(
        self,
        market: DoubleAuction,
        values: Sequence[Sequence[int]],
        costs: Sequence[Sequence[int]],
        names: Sequence[str],
        seed: int,
    ) -> None:
        self._market = market
        self._accounts = market.accounts
        self._values = [tuple(units) for units in values]
        self._costs = [tuple(units) for units in costs]
        max_price = market.max_price or 0
        streams = RandomStreams(seed)
        self._chance = streams.stream("activation")
        self._round_rng = streams.stream("round")
        strategies = _populate(names, seed)
        self._seats = []
        for index, units in enumerate([*self._values, *self._costs]):
            buying = index < len(self._values)
            place = index if buying else index - len(self._values)
            agent_id = f"{'buyer' if buying else 'seller'}_{place + 1}"
            cash, goods = (max_price * len(units), 0) if buying else (0, len(units))
            self._accounts.open(agent_id, cash, {_GOOD: goods})
            self._market.join(agent_id, "buyer" if buying else "seller")
            view = self._market.view(agent_id)
            self._seats.append(
                Seat(agent_id, place, view, strategies[index], derive_seed(seed, "trader", index))
            )
        self._places = {seat.agent_id: seat.place for seat in self._seats}
        self._floor = Floor(self._market, self._seats)

    def run_period(self, number: int, activations: int, shocks: Sequence[Shock]) -> PeriodResult:
        """Trade once more with books and units renewed."""
        past = [shock for shock in shocks if shock[0] <= number]
        more_value, more_cost = sum(shock[1] for shock in past), sum(shock[2] for shock in past)
        values = [tuple(unit + more_value for unit in units) for units in self._values]
        costs = [tuple(unit + more_cost for unit in units) for units in self._costs]
        for seat, units in zip(self._seats, [*values, *costs], strict=True):
            self._market.open_units(seat.agent_id, units)
        self._market.begin_round(number, self._round_rng)
        self._floor.open()
        used = PROTOCOLS[self._market.institution.name](self._floor, self._chance, activations)
        self._market.end_round()
        self._floor.settle(used)
        result = summarize(
            self._market.round_result(),
            self._market.book_measures(),
            places=self._places,
            times=self._floor.times,
            activations=used,
            values=values,
            costs=costs,
        )
        self._renew()
        return result

    def _renew(self) -> None:
        """Buyers consume and are paid back; sellers hand over their takings and get goods again."""
        for trade in self._market.trades:
            paid, kept = trade.price * trade.quantity, (trade.price - trade.fee) * trade.quantity
            self._accounts.consume(trade.buyer_id, _GOOD, trade.quantity)
            self._accounts.renew(trade.buyer_id, _GOOD, 0, paid)
            self._accounts.consume(trade.seller_id, _GOOD, 0, kept)
            self._accounts.renew(trade.seller_id, _GOOD, trade.quantity)
        self._accounts.take_movements()


def _populate(names: Sequence[str], seed: int) -> list[QuotingStrategy]:
    """One strategy for each name; equal names make one population."""
    crowds = {
        name: iter(make_population(name, list(names).count(name), derive_seed(seed, "population", name)))
        for name in dict.fromkeys(names)
    }
    return [next(crowds[name]) for name in names]
