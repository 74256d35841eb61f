"""What an agent without a model costs: whole runs with storage on SQLite, each in a process of its own.

    python -m benchmarks.population [--agents 1000 10000 100000] [--seconds 120] [--megabytes 2000]

One round of the shipped auction with ``use_llm: false``: agents are generated, quote as zero-intelligence traders,
trade, and every order, trade and movement is stored. Prints wall time, CPU time and the largest resident set, and the
time for each agent relative to the smallest run; exits 1 if a run needs more than the bounds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from market_agents.meta_orchestrator import MetaOrchestrator, load_config

CONFIG = Path(__file__).parents[1] / "orchestrator_config.yaml"


class Cost(TypedDict):
    """What one run took, start of the interpreter included in wall and CPU time."""

    wall: float
    cpu: float
    megabytes: float
    stored_megabytes: float


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--seconds", type=float, default=120, help="bound of a run's wall time; default: 120")
    parser.add_argument(
        "--megabytes", type=float, default=2_000, help="bound of its resident set; default: 2000"
    )
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        print(json.dumps(simulate(arguments.agents[0])))
        return 0
    print(
        f"{'agents':>8} {'wall s':>8} {'CPU s':>8} {'MB':>7} {'file MB':>8} {'ms CPU/agent':>13} {'relative':>9}"
    )
    within, first = True, None
    for agents in arguments.agents:
        cost = in_a_process_of_its_own(agents)
        each = 1_000 * cost["cpu"] / agents
        first = first or each
        print(
            f"{agents:>8,} {cost['wall']:>8.1f} {cost['cpu']:>8.1f} {cost['megabytes']:>7.0f} "
            f"{cost['stored_megabytes']:>8.0f} {each:>13.3f} {each / first:>9.2f}",
            flush=True,
        )
        within = within and cost["wall"] <= arguments.seconds and cost["megabytes"] <= arguments.megabytes
    print(
        f"bounds of {arguments.seconds:g} s and {arguments.megabytes:g} MB: {'kept' if within else 'NOT KEPT'}"
    )
    return 0 if within else 1


def in_a_process_of_its_own(agents: int) -> Cost:
    """Run the program afresh, so that its largest resident set is this run's alone."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.population", "--in-this-process", "--agents", str(agents)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    cost: Cost = json.loads(done.stdout)
    cost["wall"] = time.monotonic() - started
    return cost


def simulate(agents: int) -> Cost:
    """One run in this process."""
    overrides: list[tuple[str, object]] = [
        ("num_agents", agents),
        ("max_rounds", 1),
        ("environment_order", ["auction"]),
        ("agent_config.use_llm", False),
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        file = Path(folder) / "run.db"
        MetaOrchestrator(
            load_config(CONFIG, overrides), database=f"sqlite:///{file}", folder=Path(folder)
        ).run()
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Cost(
            wall=time.monotonic() - started,
            cpu=used.ru_utime + used.ru_stime,
            megabytes=used.ru_maxrss / 1024,
            stored_megabytes=sum(entry.stat().st_size for entry in Path(folder).iterdir()) / 2**20,
        )


if __name__ == "__main__":
    raise SystemExit(main())
