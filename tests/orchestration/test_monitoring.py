"""Samples of what a run takes of its machine: kept while it runs, bounded, summed up, and no part of the digest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_agents.errors import WriteConflict
from market_agents.meta_orchestrator import Start
from market_agents.monitoring import Monitor, memory_bytes
from market_agents.storage import Lease, open_database, resource_use, tables
from tests.end_to_end.stage import call, fingerprint, play, table
from tests.storage.samples import new_run

SMALL = {"num_agents": 4, "max_rounds": 1}


@pytest.fixture
def lease(sqlite_url: str) -> Iterator[Lease]:
    with open_database(sqlite_url) as database, new_run(database, "run") as lease:
        yield lease


async def test_a_held_up_loop_and_calls_in_flight_are_seen(lease: Lease) -> None:
    calls = [3, 9, 2]
    async with Monitor(lease, lambda: calls[0], lambda: 1) as monitor:
        await asyncio.sleep(0)
        time.sleep(0.25)  # noqa: ASYNC251  (holding up the loop is what is measured)
        while not monitor._lag:
            calls = [9]
            await asyncio.sleep(0.01)
    use = resource_use(lease.database, "run")
    assert use is not None
    assert use.loop_lag_ms > 100
    assert use.in_flight == 9
    assert use.wall_seconds >= 0.25
    assert use.memory_bytes is None or use.memory_bytes > 10_000_000


async def test_rows_stay_few_in_a_long_run(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market_agents.monitoring.TICK_SECONDS", 0.0)
    monkeypatch.setattr("market_agents.monitoring.FIRST_INTERVAL", 0.0)
    monkeypatch.setattr("market_agents.monitoring.GROWTH", 1e9)
    monkeypatch.setattr("market_agents.monitoring.MOST_SAMPLES", 5)
    async with Monitor(lease, lambda: 0, lambda: 1) as monitor:
        assert monitor._task is not None
        await monitor._task
    assert tables(lease.database, "run")["resource_samples"] == 6


async def test_a_run_that_is_lost_loses_its_samples_quietly(lease: Lease) -> None:
    async with Monitor(lease, lambda: 0, lambda: 1):
        lease.release()
    with pytest.raises(WriteConflict):
        async with Monitor(lease, lambda: 0, lambda: 1):
            raise WriteConflict("the run's own error is the one that is told")


def test_a_run_sums_up_what_it_took(tmp_path: Path, sqlite_url: str) -> None:
    play(tmp_path, sqlite_url, SMALL, start=Start(run_id="one"))
    (sample, *_) = table(sqlite_url, "resource_samples", "one")
    assert sample["round"] in {1, 2}
    assert sample["cpu_seconds"] > 0
    before = fingerprint(sqlite_url, "one")
    assert "s of processor time in" in call(tmp_path, "runs", "show", "one", "--database", sqlite_url).out
    rows = len(table(sqlite_url, "resource_samples", "one"))
    assert call(tmp_path, "replay", "one", "--database", sqlite_url).code == 0
    assert len(table(sqlite_url, "resource_samples", "one")) == rows
    assert fingerprint(sqlite_url, "one") == before


def test_memory_is_told_where_the_system_tells_it() -> None:
    known = memory_bytes()
    assert known is None or known > 10_000_000
