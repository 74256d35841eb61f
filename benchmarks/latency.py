"""How long a run takes beside its critical path, with a served model that answers after a fixed time.

    python -m benchmarks.latency [--agents 200] [--group-size 5] [--latency-ms 200] [--repeat 3]

The critical path is the longest chain of asks of which each needs the answer of the one before: every stage of the
chain costs the model's latency and, for each ask that goes side by side in it, the CPU time of one call of the bare
``openai`` client, measured in the same run. Chats whose members speak one after another run their cohorts side by
side. The wall time is that of the whole program: agents, prompts, journal and storage in SQLite.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).resolve().parent.parent
CHAT_GOAL = 1.15
RUN_GOAL = 1.10
SUB_ROUNDS = 2


@dataclass(frozen=True)
class Case:
    """What is run: the turns of its chat, and whether a market follows."""

    turns: str
    has_market: bool = False

    @property
    def name(self) -> str:
        """As the table names it."""
        return f"chat {self.turns}" + (" + auction" if self.has_market else "")

    def widths(self, agents: int, group_size: int) -> Iterator[int]:
        """How many asks go side by side in each stage of the chain."""
        cohorts = -(-agents // group_size)
        yield cohorts  # topics
        for _ in range(SUB_ROUNDS):
            if self.turns == "simultaneous":
                yield from (agents, agents)  # perception, action
            else:
                yield from [agents] * (self.turns == "by_request")
                yield from [cohorts] * (2 * group_size)
        yield agents  # reflection
        if self.has_market:
            yield from (agents, agents, agents)


CASES = (
    Case("simultaneous"),
    Case("round_robin"),
    Case("random"),
    Case("simultaneous", has_market=True),
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--group-size", type=int, default=5)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs counts; default: 3")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(_program(json.loads(arguments.part))))
        return
    with FakeModel() as fake:
        call = _bare_cpu(fake.base_url, arguments.agents)
    print(f"bare client: {1000 * call:.2f} ms CPU a call")
    print(
        f"{'case':<28} {'stages':>6} {'asks':>6} {'path s':>7} {'wall s':>7} {'CPU s':>6} {'ratio':>6}  goal"
    )
    with FakeModel(latency_ms=arguments.latency_ms) as fake:
        for case in CASES:
            widths = list(case.widths(arguments.agents, arguments.group_size))
            path = critical_path(widths, arguments.latency_ms / 1000, call)
            runs = [_measure(fake.base_url, case, arguments) for _ in range(arguments.repeat)]
            best = min(runs, key=lambda run: float(run["wall"]))
            goal = RUN_GOAL if case.has_market else CHAT_GOAL
            print(
                f"{case.name:<28} {len(widths):>6} {best['asks']:>6.0f} {path:>7.2f} {best['wall']:>7.2f} "
                f"{best['cpu']:>6.2f} {best['wall'] / path:>6.2f}  {goal:.2f}"
            )


def critical_path(widths: Sequence[int], latency: float, call: float) -> float:
    """Seconds of the longest chain; ``latency`` and ``call`` in seconds."""
    return sum(latency + width * call for width in widths)


def _bare_cpu(base_url: str, asks: int) -> float:
    """CPU seconds of one call of the bare client with a body like the program's."""
    job = {"base_url": base_url, "count": max(asks, 200) * 5, "in_flight": asks, "rounds": 1}
    done = _run(["-m", "benchmarks.llm_overhead", "--part", "bare", "--job", json.dumps(job)])
    return float(done["cpu"]) / float(done["asks"])


def _measure(base_url: str, case: Case, arguments: argparse.Namespace) -> dict[str, float]:
    """One run in a process of its own."""
    job = {
        "base_url": base_url,
        "agents": arguments.agents,
        "group_size": arguments.group_size,
        "turns": case.turns,
        "has_market": case.has_market,
    }
    return _run(["-m", "benchmarks.latency", "--part", json.dumps(job)])


def _run(arguments: list[str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _program(job: dict[str, Any]) -> dict[str, float]:
    """A whole run of one round; importing and reading the configuration do not count."""
    import openai  # noqa: F401  (paid for before the clock starts)

    from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
    from market_agents.config import config_from_mapping
    from market_agents.meta_orchestrator import MetaOrchestrator

    chat = {"group_size": job["group_size"], "turns": job["turns"], "sub_rounds": SUB_ROUNDS}
    model = {"name": "m", "client": "openai", "model": "fake-model", "base_url": job["base_url"]}
    config = config_from_mapping(
        {
            "num_agents": job["agents"],
            "max_rounds": 1,
            "environment_order": ["group_chat"] + ["auction"] * job["has_market"],
            "environment_configs": {"group_chat": chat, "auction": {}},
            "seed": 1,
            "llm_configs": [model],
            "request_limits": {"m": {"max_in_flight": job["agents"]}},
        },
        environment_model=environment_model,
        known_environments=tuple(ENVIRONMENTS),
    ).config
    with tempfile.TemporaryDirectory() as folder:
        orchestrator = MetaOrchestrator(config, database=f"sqlite:///{folder}/run.db", folder=Path(folder))
        cpu, started = time.process_time(), time.perf_counter()
        result = orchestrator.run()
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"asks": result.asks, "wall": wall, "cpu": cpu}


if __name__ == "__main__":
    main()
