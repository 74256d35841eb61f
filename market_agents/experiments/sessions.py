"""Treatments, and their sessions spread over processes: the same results however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias, TypeVar

from market_agents.economics.reference_markets import Market
from market_agents.laboratory import PeriodResult, Shock, simulate_market

Session: TypeAlias = Sequence[PeriodResult]
"""One population's periods."""

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Treatment:
    """Everything about a session but its seed; see `simulate_market`."""

    market: Market
    trader: str | tuple[str, ...] = "zi_c"
    institution: str = "lob"
    periods: int = 10
    activations: int = 3000
    max_price: int = 400
    shocks: tuple[Shock, ...] = ()
    quotes_per_trader: int = 1
    call_k: float = 0.5
    watch_book: bool = False

    def run(self, seed: int) -> list[PeriodResult]:
        """One session."""
        return simulate_market(
            self.market.values,
            self.market.costs,
            trader=self.trader,
            institution=self.institution,
            periods=self.periods,
            seed=seed,
            max_price=self.max_price,
            activations=self.activations,
            shocks=self.shocks,
            quotes_per_trader=self.quotes_per_trader,
            call_k=self.call_k,
            watch_book=self.watch_book,
        )


@contextmanager
def workers(processes: int) -> Iterator[Executor | None]:
    """Processes to spread work over; None, for work in this process, where one is enough.

    They are spawned, not forked, so that nothing of this process is theirs.
    """
    if processes < 2:
        yield None
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield pool


def spread(
    work: Callable[[JobT], ResultT], jobs: Sequence[JobT], pool: Executor | None, chunk: int = 1
) -> list[ResultT]:
    """``work`` on each job, in order; ``chunk`` jobs travel to a process together."""
    if pool is None:
        return [work(job) for job in jobs]
    return list(pool.map(work, jobs, chunksize=chunk))


def run_sessions(
    treatment: Treatment, sessions: int, *, seed: int = 1, pool: Executor | None = None
) -> list[Session]:
    """Independent sessions with the seeds ``seed``, ``seed + 1``, …

    Args:
        treatment: what they have in common.
        sessions: how many.
        seed: of the first.
        pool: from `workers`.
    """
    seeds = range(seed, seed + sessions)
    return list(spread(treatment.run, seeds, pool, chunk=max(1, sessions // 16)))
