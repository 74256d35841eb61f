"""The reference experiments: what sixty years of markets have shown, and the bands that a sound simulator hits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from statistics import fmean

from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.economics.reference_markets import MARKETS
from market_agents.experiments.estimates import Estimate, jackknife
from market_agents.experiments.santa_fe import STEPS, Game, Tournament
from market_agents.experiments.sessions import Session, Treatment, run_sessions, spread
from market_agents.experiments.summary import deviation_slope
from market_agents.experiments.theory import BilateralTrade, Gains, TruthfulCall
from market_agents.laboratory import PeriodResult

LEAST_SESSIONS = 8
"""Fewer leave the jackknife too few degrees of freedom: its standard error is then at times far too small."""

EXACT = 1e-9
"""How far apart numbers may be that should be equal."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One statistic beside the band that it should be in.

    Attributes:
        experiment: A1 to A10.
        setup: traders, institution and market.
        statistic: what was measured, with its unit.
        estimate: what came out.
        low: lower end of the band.
        high: upper end.
        published: what the literature reports.
    """

    experiment: str
    setup: str
    statistic: str
    estimate: Estimate
    low: float
    high: float
    published: str

    @property
    def holds(self) -> bool:
        """Whether the statistic is in its band."""
        return self.low - EXACT <= self.estimate.value <= self.high + EXACT

    def holds_within(self, standard_errors: float) -> bool:
        """Whether it is in the band widened by so many standard errors, for samples smaller than the band's."""
        slack = 0.0 if math.isnan(self.estimate.standard_error) else self.estimate.standard_error
        slack = slack * standard_errors + EXACT
        return self.low - slack <= self.estimate.value <= self.high + slack


@dataclass(slots=True)
class Bench:
    """Where experiments run: how many sessions, from which seed, over which processes; sessions are run once.

    Attributes:
        scale: the share of the sessions behind the bands that are run, at least `LEAST_SESSIONS`.
        seed: of the first session.
        pool: from `workers`.
    """

    scale: float = 1.0
    seed: int = 1
    pool: Executor | None = None
    _done: dict[tuple[Treatment, int], list[Session]] = field(default_factory=dict)

    def count(self, sessions: int) -> int:
        """How many of so many sessions are run."""
        return max(LEAST_SESSIONS, round(sessions * self.scale))

    def sessions(self, treatment: Treatment, sessions: int) -> list[Session]:
        """Run a treatment, or recall it."""
        key = (treatment, self.count(sessions))
        if key not in self._done:
            self._done[key] = run_sessions(treatment, key[1], seed=self.seed, pool=self.pool)
        return self._done[key]

    def seeds(self, count: int) -> range:
        """Seeds of so many independent games."""
        return range(self.seed, self.seed + self.count(count))


def a1_equilibrium(_: Bench) -> Iterator[Finding]:
    """A1: the five markets' equilibria are those that can be derived by hand."""
    derived = {
        "A": (5, 6, 200, 200, 750),
        "B": (5, 6, 200, 200, 375),
        "C": (6, 6, 200, 200, 900),
        "D": (6, 6, 200, 200, 720),
        "GD": (5, 7, 235, 235, 480),
    }
    for name, expected in derived.items():
        found = competitive_equilibrium(*MARKETS[name])
        figures = (found.quantity_min, found.quantity_max, found.price_low, found.price_high, found.surplus)
        agreed = sum(one == other for one, other in zip(figures, expected, strict=True))
        statistic = "figures as derived, of 5"
        yield Finding("A1", f"market {name}", statistic, Estimate(agreed, math.nan, 1), 5, 5, "derived")


def a2_unconstrained(bench: Bench) -> Iterator[Finding]:
    """A2: without a budget constraint every unit trades, so that efficiency is what the limits' sums make it."""
    for name, efficiency, trades in (("A", 0.0, 11), ("GD", 0.6875, 12)):
        treatment = Treatment(MARKETS[name], trader="zi_u", institution="gs", periods=2)
        sessions = bench.sessions(treatment, 50)
        setup = f"ZI-U, gs, market {name}"
        for statistic, measure, target in (
            ("efficiency, mean", _mean_efficiency, efficiency),
            ("efficiency, range", _efficiency_range, 0.0),
            ("trades a period", _mean_quantity, float(trades)),
        ):
            yield Finding("A2", setup, statistic, jackknife(sessions, measure), target, target, "constant")


def a3_constrained(bench: Bench) -> Iterator[Finding]:
    """A3: the budget constraint alone makes markets efficient."""
    for name, low, high in (("A", 0.957, 0.970), ("B", 1.0, 1.0), ("GD", 0.988, 0.994)):
        sessions = bench.sessions(Treatment(MARKETS[name], institution="gs"), 100)
        estimate = jackknife(sessions, _mean_efficiency)
        yield Finding("A3", f"ZI-C, gs, market {name}", "efficiency", estimate, low, high, ".971–.999")


def a4_convergence(bench: Bench) -> Iterator[Finding]:
    """A4: without any learning, prices converge within a period and not from period to period."""
    for name, low, high in (("A", -4.7, -2.3), ("GD", -8.0, -5.0)):
        sessions = bench.sessions(Treatment(MARKETS[name], institution="gs"), 100)
        setup = f"ZI-C, gs, market {name}"
        slopes = deviation_slope(sessions)
        yield Finding("A4", setup, "slope of RMSD, cents/trade", slopes, low, high, "−.61…−3.59")
        change = jackknife(sessions, lambda some: _alpha(some, 9) - _alpha(some, 0))
        yield Finding("A4", setup, "alpha, day 10 − day 1, %", change, -2.5, 2.5, "no learning")


def a5_mean_prices(bench: Bench) -> Iterator[Finding]:
    """A5: with asymmetric curves, zero intelligence misses the equilibrium price."""
    bands = {"A": (198, 202), "B": (219, 222.5), "C": (159, 164.5), "D": (231, 235.5)}
    for name, (low, high) in bands.items():
        estimate = jackknife(bench.sessions(Treatment(MARKETS[name]), 100), _mean_price)
        published = "near 200" if name == "A" else "misses 200"
        yield Finding("A5", f"ZI-C, lob, market {name}", "mean price, cents", estimate, low, high, published)


def a6_learning(bench: Bench) -> Iterator[Finding]:
    """A6: ZIP traders learn the price from day to day."""
    sessions = bench.sessions(Treatment(MARKETS["A"], trader="zip", activations=1000), 100)
    setup = "ZIP, lob, market A"
    for statistic, measure, low, high, published in (
        ("alpha day 1, %", lambda some: _alpha(some, 0), 15, 23, "falls"),
        ("alpha day 10, %", lambda some: _alpha(some, 9), 0, 4.5, "falls"),
        ("mean price day 10, cents", lambda some: _mean_price_of(some, 9), 195, 202, "P0 200"),
        ("efficiency day 10 / day 1", _efficiency_kept, 0.9, math.inf, "no lock-up"),
    ):
        yield Finding("A6", setup, statistic, jackknife(sessions, measure), low, high, published)


def a7_demand_shock(bench: Bench) -> Iterator[Finding]:
    """A7: after a shift of demand, ZIP traders find the new price."""
    treatment = Treatment(MARKETS["A"], trader="zip", periods=20, activations=1000, shocks=((11, 50, 0),))
    sessions = bench.sessions(treatment, 100)
    setup = "ZIP, lob, market A, demand +50 from day 11"
    for statistic, measure, low, high in (
        ("mean price day 11, cents", lambda some: _mean_price_of(some, 10), 217, 225),
        ("mean price day 20, cents", lambda some: _mean_price_of(some, 19), 220, 226),
        ("alpha day 20, %", lambda some: _alpha(some, 19), 0, 3.5),
    ):
        yield Finding("A7", setup, statistic, jackknife(sessions, measure), low, high, "P0 225")


def a8_beliefs(bench: Bench) -> Iterator[Finding]:
    """A8: Gjerstad–Dickhaut traders are efficient and near the price."""
    treatment = Treatment(MARKETS["GD"], trader="gd", institution="gs", activations=300)
    sessions = bench.sessions(treatment, 50)
    setup = "GD with L = 5, gs, market GD"
    yield Finding("A8", setup, "efficiency", jackknife(sessions, _mean_efficiency), 0.99, 1.0, ".9991")
    deviation = jackknife(sessions, _last_deviation)
    yield Finding("A8", setup, "mean |p − P0|, days 9–10", deviation, 0, 6, "4.0")


def a9_theory(bench: Bench) -> Iterator[Finding]:
    """A9: institutions with known equilibria yield what theory predicts."""
    bilateral = spread(BilateralTrade().play, bench.seeds(40), bench.pool)
    setup = "linear strategies, call with k = ½, one buyer and one seller"
    efficiency, trade = jackknife(bilateral, _share_of_gains), jackknife(bilateral, _share_of_trades)
    yield Finding("A9", setup, "efficiency", efficiency, 0.83975, 0.84775, "27/32")
    yield Finding("A9", setup, "probability of trade", trade, 0.27825, 0.28425, "9/32")
    for size, target in ((10, 0.9835), (20, 0.9950)):
        games = spread(TruthfulCall(size).play, bench.seeds(40), bench.pool)
        estimate = jackknife(games, _share_of_gains)
        yield Finding(
            "A9",
            f"truthful, mcafee, {size} buyers and {size} sellers",
            "efficiency",
            estimate,
            target - 0.004,
            target + 0.004,
            "→ 1 as 1/m",
        )


def a10_santa_fe(bench: Bench) -> Iterator[Finding]:
    """A10: zero intelligence in the tournament of the Santa Fe Institute."""
    games = spread(Tournament().play, bench.seeds(3000), bench.pool, chunk=25)
    setup = "ZI-C, aurora, Santa Fe BASE 6453"
    yield Finding("A10", setup, "efficiency", jackknife(games, _mean_game_efficiency), 0.960, 0.980, ".970")
    late = jackknife(games, _late_trades)
    yield Finding("A10", setup, "late trades", late, 0.04, 0.08, ".057–.059")


EXPERIMENTS: dict[str, Callable[[Bench], Iterator[Finding]]] = {
    "A1": a1_equilibrium,
    "A2": a2_unconstrained,
    "A3": a3_constrained,
    "A4": a4_convergence,
    "A5": a5_mean_prices,
    "A6": a6_learning,
    "A7": a7_demand_shock,
    "A8": a8_beliefs,
    "A9": a9_theory,
    "A10": a10_santa_fe,
}


def verify(bench: Bench, only: Sequence[str] = ()) -> Iterator[Finding]:
    """Run the reference experiments and tell each finding as soon as it is there.

    Args:
        bench: where they run.
        only: names of experiments; all where left out.
    """
    for name, experiment in EXPERIMENTS.items():
        if not only or name in only:
            yield from experiment(bench)


def _periods(sessions: Sequence[Session]) -> Iterator[PeriodResult]:
    return (period for session in sessions for period in session)


def _efficiencies(sessions: Sequence[Session]) -> list[float]:
    return [period.efficiency for period in _periods(sessions) if period.efficiency is not None]


def _mean_efficiency(sessions: Sequence[Session]) -> float:
    return fmean(_efficiencies(sessions))


def _efficiency_range(sessions: Sequence[Session]) -> float:
    return max(_efficiencies(sessions)) - min(_efficiencies(sessions))


def _efficiency_kept(sessions: Sequence[Session]) -> float:
    return _mean_efficiency([session[9:10] for session in sessions]) / _mean_efficiency(
        [session[:1] for session in sessions]
    )


def _mean_quantity(sessions: Sequence[Session]) -> float:
    return fmean(period.quantity for period in _periods(sessions))


def _mean_price(sessions: Sequence[Session]) -> float:
    """Over all trades."""
    return fmean(price for period in _periods(sessions) for price in period.prices)


def _mean_price_of(sessions: Sequence[Session], day: int) -> float:
    """Over sessions, of a day's mean price; days count from 0."""
    return fmean(price for session in sessions if (price := session[day].mean_price) is not None)


def _alpha(sessions: Sequence[Session], day: int) -> float:
    """Over sessions, of a day's alpha; days count from 0."""
    return fmean(alpha for session in sessions if (alpha := session[day].alpha) is not None)


def _last_deviation(sessions: Sequence[Session]) -> float:
    return fmean(
        abs(price - period.equilibrium.price)
        for session in sessions
        for period in session[-2:]
        for price in period.prices
        if period.equilibrium.price is not None
    )


def _share_of_gains(gains: Sequence[Gains]) -> float:
    return sum(part.realised for part in gains) / sum(part.possible for part in gains)


def _share_of_trades(gains: Sequence[Gains]) -> float:
    return sum(part.trades for part in gains) / sum(part.draws for part in gains)


def _mean_game_efficiency(games: Sequence[Game]) -> float:
    return fmean(game.surplus / game.maximum for game in games if game.maximum > 0)


def _late_trades(games: Sequence[Game]) -> float:
    times = [time for game in games for time in game.times]
    return sum(time > STEPS / 2 for time in times) / len(times)
