"""``fork``: branch a run off from another one at a round, under another treatment; the rounds before cost nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console

from market_agents.cli.common import (
    add_database_flag,
    add_force_flag,
    add_override_flag,
    add_run_argument,
    configured_url,
    given_overrides,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.cli.running import add_output_flags, carry_out, sound
from market_agents.config import EarlierRounds, SimulationConfig, refused_overrides
from market_agents.errors import RunRefused, UserError
from market_agents.meta_orchestrator import MetaOrchestrator, Start
from market_agents.storage import get_run, require_rounds
from market_agents.whole_config import earlier_rounds, mistakes_between_rooms, stored_config


def main(argv: Sequence[str]) -> int:
    """Fork a run."""
    arguments = _parser().parse_args(argv)
    console = sound(arguments)
    return guarded(lambda: _fork(arguments, console))


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(
        "fork", "Branch off from a run: its rounds before K as they were, from K on another treatment."
    )
    add_run_argument(parser, "the run to branch off from")
    parser.add_argument(
        "--at-round", type=int, required=True, metavar="K", help="the first round of the new run's own"
    )
    add_override_flag(parser, "what is different from round K on; repeatable")
    parser.add_argument("--run-id", dest="new_run_id", metavar="ID", help="name the new run yourself")
    add_force_flag(parser)
    add_database_flag(parser)
    add_output_flags(parser)
    return parser


def _fork(arguments: argparse.Namespace, console: Console) -> int:
    at_round = arguments.at_round
    if at_round < 1:
        raise UserError(f"--at-round: rounds count from 1, got {at_round}")
    with open_database_of_run(arguments) as database:
        parent = get_run(database, arguments.run_id)
        require_rounds(database, parent.run_id, at_round - 1)
        before = stored_config(parent)
        # The texts of its prompts are the parent's, wherever their files are now.
        config = stored_config(
            parent,
            given_overrides(arguments),
            lambda config: mistakes_between_rooms(config.model_copy(update={"prompts": {}})),
        )
        _check(before, config, at_round)
        earlier = _shared(earlier_rounds(database, parent.run_id), before, at_round)
    start = Start(
        run_id=arguments.new_run_id,
        force=arguments.force,
        parent_run_id=parent.run_id,
        fork_round=at_round,
    )
    place = configured_url(arguments.database)
    orchestrator = MetaOrchestrator(config, start=start, database=place, earlier=earlier)
    return carry_out(orchestrator, arguments, console)


def _check(parent: SimulationConfig, fork: SimulationConfig, at_round: int) -> None:
    """Refuse a fork whose population or first rounds would not be its parent's.

    Raises:
        RunRefused: names the keys.
    """
    refused = refused_overrides(parent, fork, at_round)
    if refused:
        raise RunRefused(
            f"a fork keeps the population and what it began with, so that {', '.join(refused)} cannot change: "
            "start a new run with `market-agents run` for that"
        )
    if fork.max_rounds < at_round:
        raise RunRefused(
            f"the fork would end before it begins: max_rounds is {fork.max_rounds}, --at-round {at_round}; "
            f"add --set max_rounds={at_round} or more"
        )


def _shared(
    earlier: Sequence[EarlierRounds], parent: SimulationConfig, at_round: int
) -> tuple[EarlierRounds, ...]:
    """The rounds shared with the parent and, where it is a fork itself, with its own ancestors."""
    older = [phase for phase in earlier if phase.before_round < at_round]
    return (*older, EarlierRounds(parent, at_round))
