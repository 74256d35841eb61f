"""``replay``: run again from the journal alone. Every row must come out as it is stored; nothing is asked."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console

from market_agents.cli.common import (
    add_database_flag,
    add_force_flag,
    add_run_argument,
    guarded,
    parser_for,
)
from market_agents.cli.resume import find_run
from market_agents.cli.running import add_output_flags, carry_out, sound
from market_agents.meta_orchestrator import Start


def main(argv: Sequence[str]) -> int:
    """Replay a run."""
    parser = parser_for(
        "replay", "Run again from the journal alone; an error on the first request it does not hold."
    )
    add_run_argument(parser)
    add_force_flag(parser)
    add_database_flag(parser)
    add_output_flags(parser)
    arguments = parser.parse_args(argv)
    console = sound(arguments)
    return guarded(lambda: _replay(arguments, console))


def _replay(arguments: argparse.Namespace, console: Console) -> int:
    found = find_run(arguments)
    start = Start(run_id=arguments.run_id, replay=True, force=arguments.force)
    return carry_out(found.orchestrator(start, arguments.database), arguments, console)
