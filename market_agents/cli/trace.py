"""``trace``: one agent's round, from prompt to profit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.errors import UserError
from market_agents.output import say
from market_agents.reporting import Trail, Turn, trail
from market_agents.reporting.telling import plain, told


def main(argv: Sequence[str]) -> int:
    """Follow an agent's decisions of one round."""
    parser = parser_for(
        "trace",
        "Follow every decision of one agent in one round: prompt, raw answer, what was read from it, verdict, "
        "order, fills and profit; also of a run that is not finished.",
    )
    add_run_argument(parser)
    parser.add_argument("--agent", required=True, metavar="ID", help="for example agent_1")
    parser.add_argument("--round", required=True, type=int, metavar="N", help="counted from 1")
    parser.add_argument("--environment", metavar="NAME", help="only what happened there")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object on one line")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            found = trail(database, arguments.run_id, arguments.agent, arguments.round)
        chosen = replace(found, turns=_chosen(found, arguments.environment))
        if arguments.json:
            say(json.dumps(asdict(chosen), ensure_ascii=True, default=plain))
        else:
            say("\n".join(told(chosen)))
        return 0

    return guarded(work)


def _chosen(found: Trail, environment: str | None) -> tuple[Turn, ...]:
    turns = tuple(turn for turn in found.turns if environment in {None, turn.environment})
    if not turns:
        known = ", ".join(dict.fromkeys(turn.environment for turn in found.turns))
        raise UserError(f"nothing of {found.agent_id} is stored in {environment!r}; there is {known}")
    return turns
