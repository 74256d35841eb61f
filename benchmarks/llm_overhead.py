"""What an ask costs on top of the provider's own client: the whole program beside the bare client, in one run.

    python -m benchmarks.llm_overhead [--agents 50 400 2000] [--in-flight 1 64 512] [--rounds 1]

A served stand-in for a model answers at once on loopback. For each population the program runs group chat and auction
with everything on (schema, parsing, verdict, journal committed, storage in SQLite) and replays it from its journal;
then the bare ``openai`` client and plain ``aiohttp`` send the same number of requests with equal bodies. CPU is the
process's own, user and system; ``replay`` is the wall time of the live run over that of its replay.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """Asks, wall time and CPU time of one process, in seconds; peak memory in MiB; wall time of a replay."""

    asks: int
    wall: float
    cpu: float
    memory: float
    replay: float = 0.0

    @property
    def cpu_per_ask(self) -> float:
        """Milliseconds."""
        return 1000 * self.cpu / self.asks


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, nargs="+", default=[50, 400, 2000])
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 64, 512])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(_PARTS[arguments.part](json.loads(arguments.job))))
        return
    print(
        f"{'agents':>7} {'in flight':>9} {'asks':>6} {'asks/s':>7} {'CPU ms/ask':>10} {'client':>7} {'ratio':>6} "
        f"{'aiohttp':>8} {'replay':>7} {'prompt':>7} {'MiB':>5}"
    )
    with FakeModel() as fake:
        for in_flight in arguments.in_flight:
            measured = [_row(fake, agents, in_flight, arguments.rounds) for agents in arguments.agents]
            print(
                f"CPU per ask at {arguments.agents[-1]} agents over {arguments.agents[0]}, {in_flight} in flight: "
                f"{measured[-1].cpu_per_ask / measured[0].cpu_per_ask:.2f}"
            )


def _row(fake: FakeModel, agents: int, in_flight: int, rounds: int) -> Measured:
    """Measure one population, print its line, and return what the program took."""
    job = {"base_url": fake.base_url, "in_flight": in_flight, "rounds": rounds}
    fake.reset()
    ours = _measure("program", {**job, "count": agents})
    prompts = [_characters(entry["body"]) for entry in fake.ledger(bodies=True)]
    fake.reset()
    bare, raw = (_measure(part, {**job, "count": ours.asks}) for part in ("bare", "raw"))
    print(
        f"{agents:>7} {in_flight:>9} {ours.asks:>6} {ours.asks / ours.wall:>7.0f} {ours.cpu_per_ask:>10.2f} "
        f"{bare.cpu_per_ask:>7.2f} {ours.cpu_per_ask / bare.cpu_per_ask:>6.2f} {raw.cpu_per_ask:>8.2f} "
        f"{ours.wall / ours.replay:>6.1f}x {sum(prompts) / len(prompts):>7.0f} {ours.memory:>5.0f}"
    )
    return ours


def _measure(part: str, job: dict[str, object]) -> Measured:
    """Run one part in a process of its own, so that its CPU time and memory are its own."""
    command = [sys.executable, "-m", "benchmarks.llm_overhead", "--part", part, "--job", json.dumps(job)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _characters(body: dict[str, Any]) -> int:
    """Length of a prompt."""
    return sum(len(message["content"]) for message in body["messages"])


def _usage() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _program(job: dict[str, object]) -> dict[str, float]:
    """A whole run; importing and reading the configuration do not count, agents and storage do."""
    import openai  # noqa: F401  (both parts pay for the import before the clock starts)

    from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
    from market_agents.config import config_from_mapping
    from market_agents.meta_orchestrator import MetaOrchestrator, Start

    config = config_from_mapping(
        {
            "num_agents": job["count"],
            "max_rounds": job["rounds"],
            "environment_order": ["group_chat", "auction"],
            "seed": 1,
            "llm_configs": [
                {"name": "m", "client": "openai", "model": "fake-model", "base_url": job["base_url"]}
            ],
            "request_limits": {"m": {"max_in_flight": job["in_flight"]}},
        },
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
    ).config
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/run.db"
        orchestrator = MetaOrchestrator(config, database=database, folder=Path(folder))
        cpu, _ = _usage()
        started = time.perf_counter()
        result = orchestrator.run()
        wall = time.perf_counter() - started
        after, memory = _usage()
        again = MetaOrchestrator(
            config, start=Start(run_id=result.run_id, replay=True), database=database, folder=Path(folder)
        )
        started = time.perf_counter()
        again.run()
        replay = time.perf_counter() - started
    return {"asks": result.asks, "wall": wall, "cpu": after - cpu, "memory": memory, "replay": replay}


def _body() -> dict[str, Any]:
    """A request like the program's."""
    from market_agents.agents.schemas import Perception
    from market_agents.inference.structured import wire_schema

    schema = {"name": "Perception", "schema": wire_schema(Perception), "strict": True}
    format_ = {"type": "json_schema", "json_schema": schema}
    messages = [
        {"role": "system", "content": "You take part in a market experiment. " * 45},
        {"role": "user", "content": "Look at the market and think before you act. " * 20},
    ]
    return {"model": "fake-model", "messages": messages, "response_format": format_}


def _bare(job: dict[str, object]) -> dict[str, float]:
    """The same number of requests through the bare client."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    body = _body()

    async def work() -> None:
        slots = asyncio.Semaphore(int(str(job["in_flight"])))
        async with AsyncOpenAI(
            api_key="none", base_url=str(job["base_url"]), max_retries=0, http_client=DefaultAioHttpClient()
        ) as client:

            async def ask() -> None:
                async with slots:
                    await client.chat.completions.create(**body)

            await asyncio.gather(*(ask() for _ in range(int(str(job["count"])))))

    return _timed(work, job)


def _raw(job: dict[str, object]) -> dict[str, float]:
    """The same number of requests with nothing but an HTTP client; replies are read as JSON."""
    import aiohttp

    body = _body()

    async def work() -> None:
        limit = int(str(job["in_flight"]))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=limit)) as session:

            async def ask() -> None:
                async with session.post(f"{job['base_url']}/chat/completions", json=body) as reply:
                    await reply.json()

            await asyncio.gather(*(ask() for _ in range(int(str(job["count"])))))

    return _timed(work, job)


def _timed(work: Callable[[], Coroutine[Any, Any, None]], job: dict[str, object]) -> dict[str, float]:
    cpu, _ = _usage()
    started = time.perf_counter()
    asyncio.run(work())
    wall = time.perf_counter() - started
    after, memory = _usage()
    return {"asks": int(str(job["count"])), "wall": wall, "cpu": after - cpu, "memory": memory}


_PARTS = {"program": _program, "bare": _bare, "raw": _raw}

if __name__ == "__main__":
    main()
