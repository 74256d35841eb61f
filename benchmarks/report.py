"""What the report of a long run costs: time to write it, and its size.

    python -m benchmarks.report [--agents 200] [--rounds 100] [--minds strategies offline] [--format html md]

The run is made first, in a file that is thrown away: a group chat and an auction in each round. With ``strategies``
(the default) zero intelligence trades and the offline stand-in speaks; with ``offline`` the stand-in perceives, acts
and reflects everywhere. Making it takes minutes. The report is then written by the program as a user calls it, start
of the interpreter included; CPU time of the best of three.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
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
    arguments = parser.parse_args()
    print(f"{arguments.agents} agents, {arguments.rounds} rounds; goals {SECONDS:g} s and {MEGABYTES:g} MB")
    print(f"{'minds':>10} {'format':>7} {'CPU s':>7} {'MB':>6}")
    within = True
    for minds in arguments.minds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run_id = simulate(folder, arguments.agents, arguments.rounds, minds)
            for form in arguments.format:
                file = folder / f"report.{form}"
                seconds = min(written(folder, run_id, form, file) for _ in range(arguments.repeat))
                size = file.stat().st_size / 1e6
                print(f"{minds:>10} {form:>7} {seconds:>7.2f} {size:>6.1f}", flush=True)
                within = within and seconds <= SECONDS and size <= MEGABYTES
    print("goals reached" if within else "goals NOT REACHED")
    return 0 if within else 1


def simulate(folder: Path, agents: int, rounds: int, minds: str) -> str:
    """Make the run; returns its id."""
    overrides: list[tuple[str, object]] = [
        ("num_agents", agents),
        ("max_rounds", rounds),
        ("agent_config.use_llm", minds == "offline"),
    ]
    config = load_config(CONFIG, overrides, offline=True)
    return MetaOrchestrator(config, database=address(folder), folder=folder).run().run_id


def written(folder: Path, run_id: str, form: str, file: Path) -> float:
    """CPU seconds of the program that writes the report."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "market_agents", "report", run_id, "--format", form]
    subprocess.run(
        [*command, "-o", str(file), "--database", address(folder)], check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def address(folder: Path) -> str:
    """Of the database."""
    return f"sqlite:///{folder / 'run.db'}"


if __name__ == "__main__":
    raise SystemExit(main())
