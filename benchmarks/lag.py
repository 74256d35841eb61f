"""How long the event loop is held up at a time while models answer at length: the whole program, in one process.

    python -m benchmarks.lag [--agents 200] [--in-flight 64 512] [--kilobytes 50]

A served stand-in for a model puts so many kilobytes of prose before each answer. The program runs group chat and
auction with everything on (schema, parsing, verdict, journal committed, storage in SQLite) while a clock on its event
loop ticks every 5 ms. A tick that comes late tells for how long nothing else could happen. *wall* is by how much ticks
came late; *CPU* is what the loop's own thread computed between two ticks, which does not count the time that other
programs took.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).resolve().parent.parent
TICK = 0.005
GOAL_MS = 100.0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--kilobytes", type=int, default=50, help="of each answer; default: 50")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(asyncio.run(_program(json.loads(arguments.part)))))
        return
    print(
        f"{'in flight':>9} {'asks':>6} {'asks/s':>7} {'CPU ms/ask':>10}   lag in ms: "
        f"{'wall p50':>8} {'p99':>7} {'most':>7}   {'CPU p99':>7} {'most':>7}"
    )
    with FakeModel() as fake:
        for in_flight in arguments.in_flight:
            fake.reset()
            fake.set_faults([{"kind": "malformed", "body": "long_prose", "kilobytes": arguments.kilobytes}])
            job = {"base_url": fake.base_url, "agents": arguments.agents, "in_flight": in_flight}
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.lag", "--part", json.dumps(job)],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            told = json.loads(done.stdout.splitlines()[-1])
            late, busy = sorted(told["late"]), sorted(told["busy"])
            print(
                f"{in_flight:>9} {told['asks']:>6} {told['asks'] / told['wall']:>7.0f} "
                f"{1000 * told['cpu'] / told['asks']:>10.2f}   {'':<11}"
                f"{_share(late, 0.5):>8.1f} {_share(late, 0.99):>7.1f} {late[-1]:>7.1f}   "
                f"{_share(busy, 0.99):>7.1f} {busy[-1]:>7.1f}   goal: p99 < {GOAL_MS:.0f}"
            )


def _share(ordered: list[float], share: float) -> float:
    """The value that a share of the ordered values does not pass."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def _program(job: dict[str, Any]) -> dict[str, Any]:
    """A whole run of one round beside a clock; importing and reading the configuration do not count."""
    import openai  # noqa: F401  (paid for before the clock starts)

    from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
    from market_agents.config import config_from_mapping
    from market_agents.meta_orchestrator import MetaOrchestrator

    model = {"name": "m", "client": "openai", "model": "fake-model", "base_url": job["base_url"]}
    config = config_from_mapping(
        {
            "num_agents": job["agents"],
            "max_rounds": 1,
            "environment_order": ["group_chat", "auction"],
            "seed": 1,
            "llm_configs": [model],
            "request_limits": {"m": {"max_in_flight": job["in_flight"]}},
        },
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
    ).config
    gc.freeze()  # as the command line does
    late: list[float] = []
    busy: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        orchestrator = MetaOrchestrator(config, database=f"sqlite:///{folder}/run.db", folder=Path(folder))
        clock = asyncio.create_task(_tick(late, busy))
        cpu, started = time.process_time(), time.perf_counter()
        result = await orchestrator.run_simulation()
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await clock
    return {"asks": result.asks, "wall": wall, "cpu": cpu, "late": late, "busy": busy}


async def _tick(late: list[float], busy: list[float]) -> None:
    """Note in milliseconds, at each tick, by how much it is late and what this thread has computed since the last."""
    while True:
        due, computed = time.perf_counter() + TICK, time.thread_time()
        await asyncio.sleep(TICK)
        late.append(1000 * max(time.perf_counter() - due, 0.0))
        busy.append(1000 * (time.thread_time() - computed))


if __name__ == "__main__":
    main()
