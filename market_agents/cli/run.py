"""``run``: the simulation that a YAML file describes. ``python -m market_agents.meta_orchestrator`` is the same."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from market_agents.cli.common import (
    add_config_arguments,
    add_database_flag,
    config_path,
    given_overrides,
    guarded,
    parser_for,
)
from market_agents.cli.running import add_output_flags, carry_out, sound
from market_agents.errors import ConfigError, Mistake, UserError
from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config


def main(argv: Sequence[str]) -> int:
    """Run a simulation."""
    arguments = _parser().parse_args(argv)
    console = sound(arguments)
    return guarded(lambda: _run(arguments, console))


def _parser() -> argparse.ArgumentParser:
    parser = parser_for("run", "Run the simulation that a YAML file describes.")
    add_config_arguments(parser)
    parser.add_argument(
        "--environments", nargs="+", metavar="NAME", help="which environments run each round, in this order"
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
    if arguments.run_id == "":
        raise UserError("--run-id: empty; name the run, or leave the flag out")
    try:
        config = load_config(config_path(arguments), _overrides(arguments), offline=arguments.offline)
    except ConfigError as error:
        raise ConfigError([_as_typed(mistake, arguments) for mistake in error.mistakes]) from None
    orchestrator = MetaOrchestrator(config, start=Start(run_id=arguments.run_id), database=arguments.database)
    return carry_out(orchestrator, arguments, console)


def _as_typed(mistake: Mistake, arguments: argparse.Namespace) -> Mistake:
    """The mistake under the flag that was typed, where that was not ``--set``."""
    for flag, key, value in (
        ("--environments", "environment_order", arguments.environments),
        ("--seed", "seed", arguments.seed),
    ):
        if value is not None and mistake.path.startswith(f"--set {key}"):
            return replace(mistake, path=flag)
    return mistake


def _overrides(arguments: argparse.Namespace) -> list[tuple[str, object]]:
    overrides = given_overrides(arguments)
    if arguments.environments:
        files = [word for word in arguments.environments if word.endswith((".yaml", ".yml"))]
        if files:
            raise UserError(f"--environments takes all words after it: write {files[0]} before it")
        overrides.append(("environment_order", list(arguments.environments)))
    if arguments.seed is not None:
        overrides.append(("seed", arguments.seed))
    return overrides
