"""What an ask costs on top of the provider's own client: the whole program beside the bare client, in one run.

    python -m benchmarks.llm_overhead [--agents 50 400] [--in-flight 64] [--rounds 2]

A served stand-in for a model answers at once on loopback. For each population the program runs group chat and auction
with everything on (schema, parsing, verdict, journal committed, storage in SQLite); then the bare ``openai`` client
sends the same number of requests with equal bodies. CPU is the process's own, user and system.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """Asks, wall time and CPU time of one process, in seconds; peak memory in MiB."""

    asks: int
    wall: float
    cpu: float
    memory: float

    @property
    def cpu_per_ask(self) -> float:
        """Milliseconds."""
        return 1000 * self.cpu / self.asks


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, nargs="+", default=[50, 400])
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(_PARTS[arguments.part](json.loads(arguments.job))))
        return
    print(
        f"{'agents':>7} {'in flight':>9} {'asks':>6} {'asks/s':>7} {'CPU ms/ask':>10} {'bare CPU':>9} "
        f"{'ratio':>6} {'prompt':>7} {'MiB':>5}"
    )
    measured: list[Measured] = []
    with FakeModel() as fake:
        for agents in arguments.agents:
            fake.reset()
            ours = _measure("program", fake.base_url, agents, arguments)
            prompts = [_characters(entry["body"]) for entry in fake.ledger(bodies=True)]
            fake.reset()
            bare = _measure("bare", fake.base_url, ours.asks, arguments)
            measured.append(ours)
            print(
                f"{agents:>7} {arguments.in_flight:>9} {ours.asks:>6} {ours.asks / ours.wall:>7.0f} "
                f"{ours.cpu_per_ask:>10.2f} {bare.cpu_per_ask:>9.2f} "
                f"{ours.cpu_per_ask / bare.cpu_per_ask:>6.2f} {sum(prompts) / len(prompts):>7.0f} "
                f"{ours.memory:>5.0f}"
            )
    if len(measured) > 1:
        print(
            f"CPU per ask at {arguments.agents[-1]} agents over {arguments.agents[0]}: "
            f"{measured[-1].cpu_per_ask / measured[0].cpu_per_ask:.2f}"
        )


def _measure(part: str, base_url: str, count: int, arguments: argparse.Namespace) -> Measured:
    """Run one part in a process of its own, so that its CPU time and memory are its own."""
    job = {"base_url": base_url, "count": count, "in_flight": arguments.in_flight, "rounds": arguments.rounds}
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
    from market_agents.meta_orchestrator import MetaOrchestrator

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
        orchestrator = MetaOrchestrator(config, database=f"sqlite:///{folder}/run.db", folder=Path(folder))
        cpu, _ = _usage()
        started = time.perf_counter()
        result = orchestrator.run()
        wall = time.perf_counter() - started
        after, memory = _usage()
    return {"asks": result.asks, "wall": wall, "cpu": after - cpu, "memory": memory}


def _bare(job: dict[str, object]) -> dict[str, float]:
    """The same number of requests through the bare client, with a body like the program's."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    from market_agents.agents.schemas import Perception
    from market_agents.inference.structured import wire_schema

    schema = {"name": "Perception", "schema": wire_schema(Perception), "strict": True}
    format_ = {"type": "json_schema", "json_schema": schema}
    messages = [
        {"role": "system", "content": "You take part in a market experiment. " * 45},
        {"role": "user", "content": "Look at the market and think before you act. " * 20},
    ]
    body: dict[str, Any] = {"model": "fake-model", "messages": messages, "response_format": format_}

    async def work() -> None:
        slots = asyncio.Semaphore(int(str(job["in_flight"])))
        async with AsyncOpenAI(
            api_key="none", base_url=str(job["base_url"]), max_retries=0, http_client=DefaultAioHttpClient()
        ) as client:

            async def ask() -> None:
                async with slots:
                    await client.chat.completions.create(**body)

            await asyncio.gather(*(ask() for _ in range(int(str(job["count"])))))

    cpu, _ = _usage()
    started = time.perf_counter()
    asyncio.run(work())
    wall = time.perf_counter() - started
    after, memory = _usage()
    return {"asks": int(str(job["count"])), "wall": wall, "cpu": after - cpu, "memory": memory}


_PARTS = {"program": _program, "bare": _bare}

if __name__ == "__main__":
    main()
