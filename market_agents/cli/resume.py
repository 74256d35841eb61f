"""``resume``: go on with a run after an interruption; what its journal holds is not asked again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from market_agents.cli.common import (
    add_database_flag,
    add_force_flag,
    add_override_flag,
    add_run_argument,
    configured_url,
    given_overrides,
    guarded,
    open_configured_database,
    open_database_of_run,
    parser_for,
)
from market_agents.cli.running import add_output_flags, carry_out, sound, stored_json
from market_agents.config import (
    EarlierRounds,
    SimulationConfig,
    config_difference,
    config_hash,
    config_to_mapping,
)
from market_agents.errors import RunRefused
from market_agents.meta_orchestrator import MetaOrchestrator, Start
from market_agents.output import say
from market_agents.storage import RunStatus, get_run
from market_agents.whole_config import earlier_rounds, load_config, stored_config


def main(argv: Sequence[str]) -> int:
    """Resume a run."""
    parser = parser_for(
        "resume", "Go on with a run after an interruption; nothing that was answered is asked again."
    )
    add_run_argument(parser)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="use other limits, keys or addresses from a file"
    )
    add_override_flag(parser, "replace a value that decides no result, such as budget.max_cost; repeatable")
    add_force_flag(parser)
    add_database_flag(parser)
    add_output_flags(parser)
    arguments = parser.parse_args(argv)
    console = sound(arguments)
    return guarded(lambda: _resume(arguments, console))


def _resume(arguments: argparse.Namespace, console: Console) -> int:
    found = find_run(arguments)
    if found.status is RunStatus.COMPLETED:
        return _nothing_to_do(arguments)
    start = Start(run_id=arguments.run_id, resume=True, force=arguments.force)
    return carry_out(found.orchestrator(start, arguments.database), arguments, console)


def _nothing_to_do(arguments: argparse.Namespace) -> int:
    if arguments.json:
        with open_configured_database(arguments.database) as database:
            say(stored_json(database, arguments.run_id))
    else:
        say(f"run {arguments.run_id} is completed; there is nothing to resume")
    return 0


@dataclass(frozen=True)
class Found:
    """A stored run, and what it takes to go on with it."""

    status: RunStatus
    config: SimulationConfig
    earlier: tuple[EarlierRounds, ...]

    def orchestrator(self, start: Start, database: str | None) -> MetaOrchestrator:
        """The run, ready to go on."""
        # Where it was found, whatever its configuration says: a database may have been moved since.
        found = configured_url(database)
        return MetaOrchestrator(self.config, start=start, database=found, earlier=self.earlier)


def find_run(arguments: argparse.Namespace) -> Found:
    """A stored run with its configuration, or a file's where it decides nothing else; its id is whole afterwards.

    Raises:
        RunRefused: there is no such run, or the file would change what it decides.
    """
    with open_database_of_run(arguments) as database:
        known = get_run(database, arguments.run_id)
        earlier = earlier_rounds(database, arguments.run_id)
    stored = stored_config(known)
    given = getattr(arguments, "config", None)
    overrides = given_overrides(arguments)
    config = load_config(given, overrides) if given else stored_config(known, overrides)
    if config.seed is None:
        config = config.model_copy(update={"seed": stored.seed})
    if config_hash(config) != known.config_hash:
        changes = config_difference(config_to_mapping(stored), config_to_mapping(config))
        raise RunRefused("\n".join(["this configuration would be another run:", *changes]))
    return Found(known.status, config, earlier)
