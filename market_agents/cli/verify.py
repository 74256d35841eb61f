"""``verify``: the reference experiments, each statistic beside its band and the published figure."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence

from market_agents.cli.common import guarded, parser_for
from market_agents.errors import ExitCode, UserError
from market_agents.experiments import EXPERIMENTS, Bench, Finding, verify, workers
from market_agents.logger_utils import say

_FORMAT = "{:<4} {:<25} {:<48} {:>9} {:>8}  {:<19} {:<34} {}"


def main(argv: Sequence[str]) -> int:
    """Run the experiments, tell each finding as it comes, and fail if one is out of its band."""
    parser = parser_for(
        "verify", "Reproduce the reference experiments A1 to A10; exit 1 if a statistic misses its band."
    )
    parser.add_argument("experiments", nargs="*", metavar="A1 … A10", help="which ones; default: all")
    parser.add_argument(
        "--processes",
        type=int,
        default=min(2, os.cpu_count() or 1),
        help="to spread sessions over; default: 2",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first session; default: 1")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="share of the sessions that the bands are meant for; default: 1",
    )
    arguments = parser.parse_args(argv)

    def work() -> int:
        unknown = [name for name in arguments.experiments if name not in EXPERIMENTS]
        if unknown:
            raise UserError(f"unknown experiment {unknown[0]!r}; known are {', '.join(EXPERIMENTS)}")
        if arguments.seed < 0 or not 0 < arguments.scale <= 100:
            raise UserError("--seed must not be below 0, and --scale above 0 and at most 100")
        return _verify(arguments.experiments, arguments.processes, arguments.seed, arguments.scale)

    return guarded(work)


def _verify(names: Sequence[str], processes: int, seed: int, scale: float) -> int:
    started = time.monotonic()
    say(_FORMAT.format("", "set-up", "statistic", "measured", "± s.e.", "band", "published", "verdict"))
    missed = count = 0
    with workers(processes) as pool:
        for finding in verify(Bench(scale=scale, seed=seed, pool=pool), names):
            count += 1
            missed += not finding.holds
            say(_row(finding))
    took = time.monotonic() - started
    say(
        f"{count - missed} of {count} statistics are in their bands; {took:.0f} s on {max(processes, 1)} processes."
    )
    return int(ExitCode.FAILED if missed else ExitCode.DONE)


def _row(finding: Finding) -> str:
    error = finding.estimate.standard_error
    return _FORMAT.format(
        finding.experiment,
        finding.setup,
        finding.statistic,
        _number(finding.estimate.value),
        "" if math.isnan(error) else _number(error),
        _band(finding.low, finding.high),
        finding.published,
        "ok" if finding.holds else "OUT OF BAND",
    )


def _band(low: float, high: float) -> str:
    if low == high:
        return "exactly " + _number(low)
    if math.isinf(high):
        return "≥ " + _number(low)
    return f"{_number(low)} … {_number(high)}"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
