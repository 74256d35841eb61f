"""``plan``: what a run will ask, cost and take, before anything is spent."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from market_agents.cli.common import (
    add_config_arguments,
    config_path,
    given_overrides,
    guarded,
    parser_for,
)
from market_agents.cli.prices import source_in_words
from market_agents.cli.tables import table
from market_agents.config import SimulationConfig
from market_agents.errors import UserError
from market_agents.experiments.forecast import (
    BATCH_SECONDS,
    LATENCY_SECONDS,
    EntryForecast,
    Forecast,
    Span,
    forecast,
)
from market_agents.logger_utils import console_for, set_up_logging
from market_agents.meta_orchestrator import load_config
from market_agents.output import say


def main(argv: Sequence[str]) -> int:
    """Forecast a run."""
    parser = parser_for("plan", "Forecast calls, tokens, cost and time of a run; nothing is asked.")
    add_config_arguments(parser)
    parser.add_argument(
        "--latency",
        type=float,
        default=LATENCY_SECONDS,
        metavar="SECONDS",
        help=f"what one call is taken to last; default {LATENCY_SECONDS:g}",
    )
    parser.add_argument("--json", action="store_true", help="print the forecast as one JSON object")
    arguments = parser.parse_args(argv)
    set_up_logging(console_for(sys.stderr), quiet=True, log_file=None)
    return guarded(lambda: _plan(arguments))


def _plan(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.latency < float("inf"):
        raise UserError(f"--latency: expected seconds above 0, got {arguments.latency:g}")
    config = load_config(config_path(arguments), given_overrides(arguments))
    found = forecast(config, latency=arguments.latency)
    say(_json(found) if arguments.json else _told(found, config, arguments.latency))
    return 0


def _told(found: Forecast, config: SimulationConfig, latency: float) -> str:
    if not found.entries:
        return "This run asks no model: $0.0000"
    rows = []
    for entry in found.entries:
        rows += [
            [entry.name, "calls", *_cells(entry.calls, _whole)],
            ["", "tokens in", *_cells(entry.prompt_tokens, _whole)],
            ["", "tokens out", *_cells(entry.completion_tokens, _whole)],
            ["", "cost $", *(["unknown"] * 3 if entry.cost is None else _cells(entry.cost, _dollars))],
        ]
    rows.append(["all", "minutes", *_cells(found.seconds, lambda seconds: f"{seconds / 60:.1f}")])
    lines = [table(["model", "amount", "low", "likely", "high"], rows, left=2)]
    for entry in found.entries:
        if entry.is_free:
            lines.append(f"{entry.name}: the rule-based stand-in, free")
        elif entry.price is None:
            lines.append(
                f"{entry.name}: no price is known for {entry.model!r}; set input_price and output_price in its entry"
            )
        else:
            lines.append(f"{entry.name}: {source_in_words(entry.price)}")
    lines += [f"{entry.name}: {_batch_line(entry)}" for entry in found.entries if entry.batched]
    lines.append(
        f"Time: {found.waves} calls wait for one another, {latency:g} s each (low: half, high: twice)."
    )
    if found.batches:
        low, likely, high = BATCH_SECONDS
        lines.append(
            f"Of these waits {found.batches} are for batches, each taken to last {likely / 60:.0f} minutes "
            f"({low / 60:.0f} minutes to {high / 3600:.0f} hours)."
        )
    lines.append(
        f"Rehearsed: {found.rehearsed_agents} of {config.num_agents} agents, "
        f"{found.rehearsed_rounds} of {config.max_rounds} rounds, with the stand-in's answers."
    )
    if found.cost is not None and found.cost.high > 0 and config.budget.max_cost is None:
        lines.append(f"To be sure: --set budget.max_cost={_rounded_up(found.cost.high)}")
    return "\n".join(lines)


def _batch_line(entry: EntryForecast) -> str:
    """How many asks go in batches, and what they cost there."""
    told = f"{entry.batched:,.0f} asks in batches"
    if entry.batch_prices is None:
        return told
    asked, answered = entry.batch_prices
    return f"{told}, at ${asked:.4g} in and ${answered:.4g} out for a million tokens"


def _rounded_up(dollars: float) -> str:
    """With two digits that count, not below what is given."""
    digits = 1 - math.floor(math.log10(dollars))
    return f"{math.ceil(dollars * 10**digits) / 10**digits:g}"


def _cells(span: Span, shown: Callable[[float], str]) -> list[str]:
    return [shown(span.low), shown(span.likely), shown(span.high)]


def _whole(amount: float) -> str:
    return f"{amount:,.0f}"


def _dollars(amount: float) -> str:
    return f"{amount:,.4f}"


def _json(found: Forecast) -> str:
    """The forecast on one line, for programs."""
    entries = [
        {
            "name": entry.name,
            "model": entry.model,
            "calls": asdict(entry.calls),
            "prompt_tokens": asdict(entry.prompt_tokens),
            "completion_tokens": asdict(entry.completion_tokens),
            "cost": None if entry.cost is None else asdict(entry.cost),
            "price": None if entry.price is None else source_in_words(entry.price),
        }
        for entry in found.entries
    ]
    summary = {
        "calls": asdict(found.calls),
        "cost": None if found.cost is None else asdict(found.cost),
        "unpriced": list(found.unpriced),
        "seconds": asdict(found.seconds),
        "waves": found.waves,
        "batches": found.batches,
        "entries": entries,
    }
    return json.dumps(summary, ensure_ascii=False)
