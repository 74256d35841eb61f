"""``validate``: every mistake in a YAML file at once, without running anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from market_agents.cli.common import (
    add_config_arguments,
    config_path,
    given_overrides,
    guarded,
    parser_for,
)
from market_agents.logger_utils import console_for, set_up_logging
from market_agents.meta_orchestrator import load_config
from market_agents.output import say


def main(argv: Sequence[str]) -> int:
    """Check a configuration."""
    parser = parser_for("validate", "Find every mistake in a YAML file.")
    add_config_arguments(parser)
    arguments = parser.parse_args(argv)
    set_up_logging(console_for(sys.stderr), quiet=True, log_file=None)
    return guarded(lambda: _validate(arguments))


def _validate(arguments: argparse.Namespace) -> int:
    path = config_path(arguments)
    config = load_config(path, given_overrides(arguments))
    say(
        f"{path} is right: {config.num_agents} agents, {config.max_rounds} rounds of "
        f"{', '.join(config.environment_order)}"
    )
    return 0
