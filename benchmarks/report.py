"""What the report of a long run costs: time to write it, and its size; and what the shortest commands cost beside it.

    python -m benchmarks.report [--agents 200] [--rounds 100] [--minds strategies offline] [--format html md]

The run is made first, in a file that is thrown away: a group chat and an auction in each round. With ``strategies``
(the default) zero intelligence trades and the offline stand-in speaks; with ``offline`` the stand-in perceives, acts
and reflects everywhere. Making it takes minutes; ``--database`` and ``--run-id`` take one that was made before. The
report is then written by the program as a user calls it, start of the interpreter included, with modules that were
compiled before; time on the wall and of the processor, each of the best of three. On a machine with other work only
the processor's can be compared.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market_agents import MetaOrchestrator, load_config

CONFIG = Path(__file__).parent.parent / "orchestrator_config.yaml"
SECONDS, MEGABYTES = 3.0, 10.0


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minds", nargs="+", choices=["strategies", "offline"], default=["strategies"])
    parser.add_argument("--format", nargs="+", choices=["html", "md"], default=["html"])
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many counts; default: 3")
    parser.add_argument("--database", help="of a run that was made before")
    parser.add_argument("--run-id", help="that run")
    arguments = parser.parse_args()
    print(f"{arguments.agents} agents, {arguments.rounds} rounds; goals {SECONDS:g} s and {MEGABYTES:g} MB")
    print(f"{'minds':>10} {'command':>9} {'wall s':>7} {'CPU s':>7} {'MB':>6}")
    within = True
    for minds in ["made before"] if arguments.run_id else arguments.minds:
        with tempfile.TemporaryDirectory() as name, made(Path(name), minds, arguments) as (database, run_id):
            for form in arguments.format:
                file = Path(name) / f"report.{form}"
                words = ["report", run_id, "--format", form, "-o", str(file), "--database", database]
                wall, processor = cost(words, arguments.repeat)
                size = file.stat().st_size / 1e6
                print(f"{minds:>10} {form:>9} {wall:>7.2f} {processor:>7.2f} {size:>6.1f}", flush=True)
                within = within and wall <= SECONDS and size <= MEGABYTES
            for words in (["runs", "--database", database], ["--help"]):
                wall, processor = cost(words, arguments.repeat)
                print(f"{minds:>10} {words[0]:>9} {wall:>7.2f} {processor:>7.2f}", flush=True)
    print("goals reached" if within else "goals NOT REACHED")
    return 0 if within else 1


@contextmanager
def made(folder: Path, minds: str, arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The database of a run, and its id."""
    if arguments.run_id:
        yield arguments.database or "market_simulation.db", arguments.run_id
    else:
        yield address(folder), simulate(folder, arguments.agents, arguments.rounds, minds)


def simulate(folder: Path, agents: int, rounds: int, minds: str) -> str:
    """Make the run; returns its id."""
    overrides: list[tuple[str, object]] = [
        ("num_agents", agents),
        ("max_rounds", rounds),
        ("agent_config.use_llm", minds == "offline"),
    ]
    config = load_config(CONFIG, overrides, offline=True)
    return MetaOrchestrator(config, database=address(folder), folder=folder).run().run_id


def cost(words: list[str], times: int) -> tuple[float, float]:
    """Seconds on the wall and of the processor that a command takes, each the least of some times."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = []
    for _ in range(times):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "market_agents", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((time.perf_counter() - began, used))
    return min(wall for wall, _ in found), min(used for _, used in found)


def address(folder: Path) -> str:
    """Of the database."""
    return f"sqlite:///{folder / 'run.db'}"


if __name__ == "__main__":
    raise SystemExit(main())
