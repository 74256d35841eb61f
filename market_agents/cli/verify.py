"""``verify``: the reference experiments, each statistic beside its band and the published figure."""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from market_agents.cli.common import guarded, parser_for
from market_agents.cli.numbers import finite, significant, with_error
from market_agents.errors import ExitCode, UserError
from market_agents.experiments import EXPERIMENTS, Bench, Finding, verify, workers
from market_agents.output import say

_ROW = "{:<4}{:<26}{:>17}  {:<17}  {:<12}"


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
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    arguments = parser.parse_args(argv)

    def work() -> int:
        _check(arguments)
        return _verify(arguments)

    return guarded(work)


def _check(arguments: argparse.Namespace) -> None:
    unknown = [name for name in arguments.experiments if name not in EXPERIMENTS]
    if unknown:
        raise UserError(f"unknown experiment {unknown[0]!r}; known are {', '.join(EXPERIMENTS)}")
    if arguments.seed < 0 or not 0 < arguments.scale <= 100:
        raise UserError("--seed must not be below 0, and --scale above 0 and at most 100")
    if arguments.processes < 1:
        raise UserError("--processes must be at least 1")


def _verify(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    with workers(arguments.processes) as pool:
        bench = Bench(scale=arguments.scale, seed=arguments.seed, pool=pool)
        findings = list(_told(verify(bench, arguments.experiments), quiet=arguments.json))
    missed = sum(not finding.holds for finding in findings)
    took = time.monotonic() - started
    if arguments.json:
        outcome = {"holds": not missed, "seconds": round(took, 3), "findings": [*map(_as_dict, findings)]}
        say(json.dumps(outcome, ensure_ascii=True, allow_nan=False))
    else:
        processes = f"{arguments.processes} process{'' if arguments.processes == 1 else 'es'}"
        say(
            f"\n{len(findings) - missed} of {len(findings)} statistics are in their bands; "
            f"{took:.0f} s on {processes}."
        )
    return int(ExitCode.FAILED if missed else ExitCode.DONE)


def _told(findings: Iterator[Finding], *, quiet: bool) -> Iterator[Finding]:
    """Print findings as they come, under a line for each experiment and set-up."""
    if not quiet:
        say(_ROW.format("", "statistic", "measured ± s.e.", "band", "published").rstrip())
    place = ("", "")
    for finding in findings:
        if not quiet:
            if (finding.experiment, finding.setup) != place:
                place = (finding.experiment, finding.setup)
                say(f"{finding.experiment:<4}{finding.setup}")
            say(_row(finding))
        yield finding


def _row(finding: Finding) -> str:
    return _ROW.format(
        "ok" if finding.holds else "OUT",
        finding.statistic,
        with_error(finding.estimate.value, finding.estimate.standard_error),
        _band(finding.low, finding.high),
        finding.published,
    ).rstrip()


def _band(low: float, high: float) -> str:
    if low == high:
        return f"exactly {significant(low)}"
    if math.isinf(high):
        return f"≥ {significant(low)}"
    return f"{significant(low)} … {significant(high)}"


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "experiment": finding.experiment,
        "setup": finding.setup,
        "statistic": finding.statistic,
        "value": finite(finding.estimate.value),
        "standard_error": finite(finding.estimate.standard_error),
        "low": finite(finding.low),
        "high": finite(finding.high),
        "published": finding.published,
        "holds": finding.holds,
    }
