"""``validate``: every mistake in a YAML file at once, without running anything."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from market_agents.cli.common import guarded, parser_for
from market_agents.config import parse_override
from market_agents.logger_utils import console_for, say, set_up_logging
from market_agents.meta_orchestrator import load_config


def main(argv: Sequence[str]) -> int:
    """Check a configuration."""
    parser = parser_for("validate", "Find every mistake in a YAML file.")
    parser.add_argument(
        "config",
        nargs="?",
        default="orchestrator_config.yaml",
        metavar="CONFIG",
        help="the YAML file; default: orchestrator_config.yaml",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="replace a value; repeatable",
    )
    arguments = parser.parse_args(argv)
    set_up_logging(console_for(sys.stderr), quiet=True, log_file=None)
    return guarded(lambda: _validate(arguments))


def _validate(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, [parse_override(text) for text in arguments.overrides])
    say(
        f"{arguments.config} is right: {config.num_agents} agents, {config.max_rounds} rounds of "
        f"{', '.join(config.environment_order)}"
    )
    return 0
