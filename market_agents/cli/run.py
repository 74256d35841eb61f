"""``run``: the simulation that a YAML file describes. ``python -m market_agents.meta_orchestrator`` is the same."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from market_agents.cli.common import add_database_flag, guarded, parser_for
from market_agents.cli.running import add_output_flags, carry_out, sound
from market_agents.config import parse_override
from market_agents.errors import UserError
from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config

DEFAULT_CONFIG = "orchestrator_config.yaml"


def main(argv: Sequence[str]) -> int:
    """Run a simulation."""
    arguments = _parser().parse_args(argv)
    console = sound(arguments)
    return guarded(lambda: _run(arguments, console))


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("run", "Run the simulation that a YAML file describes.")
    parser.add_argument(
        "config", nargs="?", metavar="CONFIG", help=f"the YAML file (default: ./{DEFAULT_CONFIG})"
    )
    parser.add_argument("--config", dest="config_flag", metavar="FILE", help="the same as CONFIG")
    parser.add_argument(
        "--environments", nargs="+", metavar="NAME", help="which environments run each round, in this order"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="replace a value; repeatable",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the seed of every random draw")
    parser.add_argument("--run-id", metavar="ID", help="name the run yourself")
    parser.add_argument(
        "--offline", action="store_true", help="let the rule-based stand-in answer for every model"
    )
    add_database_flag(parser)
    add_output_flags(parser)
    return parser


def _run(arguments: argparse.Namespace, console: Console) -> int:
    config = load_config(_config_path(arguments), _overrides(arguments), offline=arguments.offline)
    orchestrator = MetaOrchestrator(config, start=Start(run_id=arguments.run_id), database=arguments.database)
    return carry_out(orchestrator, arguments, console)


def _config_path(arguments: argparse.Namespace) -> Path:
    named = arguments.config_flag or arguments.config
    if arguments.config and arguments.config_flag and arguments.config != arguments.config_flag:
        raise UserError(f"two configurations are named: {arguments.config} and {arguments.config_flag}")
    if named:
        return Path(named)
    default = Path(DEFAULT_CONFIG)
    if (
        not default.exists()
        and (Path("..") / DEFAULT_CONFIG).exists()
        and (Path("meta_orchestrator.py")).exists()
    ):
        return Path("..") / DEFAULT_CONFIG  # started inside the package's own folder
    return default


def _overrides(arguments: argparse.Namespace) -> list[tuple[str, object]]:
    overrides = [parse_override(text) for text in arguments.overrides]
    if arguments.environments:
        overrides.append(("environment_order", list(arguments.environments)))
    if arguments.seed is not None:
        overrides.append(("seed", arguments.seed))
    return overrides
