"""``lab``: sessions of trading strategies in a reference market, and what they came to."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence

from market_agents.agents.strategies import POPULATION_NAMES
from market_agents.cli.common import guarded, parser_for
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.errors import UserError
from market_agents.experiments import (
    MARKETS,
    Estimate,
    Session,
    Treatment,
    run_sessions,
    summarize_sessions,
    workers,
)
from market_agents.logger_utils import say


def main(argv: Sequence[str]) -> int:
    """Run the sessions and print each measure's mean with its confidence interval."""
    arguments = _parser().parse_args(argv)

    def work() -> int:
        _check(arguments)
        treatment = Treatment(
            MARKETS[arguments.market],
            trader=_traders(arguments.trader, arguments.market),
            institution=arguments.institution,
            periods=arguments.periods,
            activations=arguments.activations,
            max_price=arguments.max_price,
            shocks=tuple(tuple(shock) for shock in arguments.shock),
        )
        with workers(arguments.processes) as pool:
            try:
                sessions = run_sessions(treatment, arguments.sessions, seed=arguments.seed, pool=pool)
            except ValueError as error:
                raise UserError(str(error)) from None
        _tell(arguments, sessions)
        return 0

    return guarded(work)


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(
        "lab", "Let trading strategies trade in a reference market, without models or database."
    )
    parser.add_argument("--market", choices=list(MARKETS), default="A", help="default: A")
    parser.add_argument(
        "--trader",
        default="zi_c",
        metavar="NAME[,NAME…]",
        help=f"one for all, or one for each trader, buyers first; {', '.join(POPULATION_NAMES)}; default: zi_c",
    )
    parser.add_argument("--institution", choices=sorted(INSTITUTIONS), default="lob", help="default: lob")
    parser.add_argument("--periods", type=int, default=10, help="of a session; default: 10")
    parser.add_argument("--sessions", type=int, default=100, help="default: 100")
    parser.add_argument("--seed", type=int, default=1, help="of the first session; default: 1")
    parser.add_argument(
        "--activations",
        type=int,
        default=3000,
        help="the most in a period; under aurora, steps; default: 3000",
    )
    parser.add_argument("--max-price", type=int, default=400, help="the highest price admitted; default: 400")
    parser.add_argument(
        "--shock",
        nargs=3,
        type=int,
        action="append",
        default=[],
        metavar=("PERIOD", "VALUES", "COSTS"),
        help="from a period on, add to all values and to all costs; repeatable",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=min(2, os.cpu_count() or 1),
        help="to spread sessions over; default: 2",
    )
    return parser


def _check(arguments: argparse.Namespace) -> None:
    for name in ("periods", "sessions", "activations", "max_price"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1")
    if arguments.seed < 0:
        raise UserError("--seed must not be below 0")


def _traders(text: str, market: str) -> str | tuple[str, ...]:
    names = text.split(",")
    count = sum(map(len, MARKETS[market]))
    if len(names) not in (1, count):
        raise UserError(f"--trader: name one trader, or one for each of the {count} of market {market}")
    return names[0] if len(names) == 1 else tuple(names)


def _tell(arguments: argparse.Namespace, sessions: Sequence[Session]) -> None:
    equilibrium = sessions[0][0].equilibrium
    say(
        f"market {arguments.market}, {arguments.trader}, {arguments.institution}: {arguments.sessions} sessions of "
        f"{arguments.periods} periods, seeds from {arguments.seed}"
    )
    say(
        f"equilibrium of period 1: price {equilibrium.price_low} to {equilibrium.price_high}, quantity "
        f"{equilibrium.quantity_min} to {equilibrium.quantity_max}, surplus {equilibrium.surplus}"
    )
    say("")
    columns = {
        "all periods": summarize_sessions(sessions),
        "period 1": summarize_sessions(sessions, slice(0, 1)),
        f"period {arguments.periods}": summarize_sessions(sessions, slice(-1, None)),
    }
    say(f"{'mean ± 95 % confidence':<38}" + "".join(f"{title:>22}" for title in columns))
    for name in next(iter(columns.values())):
        say(f"{name:<38}" + "".join(f"{_cell(column[name]):>22}" for column in columns.values()))


def _cell(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "–"
    digits = 4 if abs(estimate.value) < 10 else 2
    width = estimate.half_width()
    return f"{estimate.value:.{digits}f}" + ("" if math.isnan(width) else f" ± {width:.{digits}f}")
