"""``lab``: sessions of trading strategies in a reference market, and what they came to."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from market_agents.agents.strategies import POPULATION_NAMES
from market_agents.cli.common import guarded, parser_for
from market_agents.cli.numbers import finite, significant, with_error
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from market_agents.errors import UserError
from market_agents.experiments import (
    MARKETS,
    MEASURES,
    Estimate,
    Session,
    Treatment,
    deviation_slope,
    deviations,
    run_sessions,
    summarize_sessions,
    workers,
)
from market_agents.output import counted, say

MOST_SEED = 2**63 - 1
SHOWN_DEVIATIONS = 8


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
            quotes_per_trader=arguments.quotes_per_trader,
            call_k=arguments.call_k,
            watch_book=True,
        )
        with workers(min(arguments.processes, arguments.sessions)) as pool:
            try:
                sessions = run_sessions(treatment, arguments.sessions, seed=arguments.seed, pool=pool)
            except ValueError as error:
                raise UserError(str(error)) from None
        say(_told(arguments, sessions))
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
        "--quotes-per-trader",
        type=int,
        default=1,
        help="open at a time; one more replaces the oldest; default: 1",
    )
    parser.add_argument(
        "--call-k",
        type=float,
        default=0.5,
        metavar="K",
        help="under call, where the price lies between the lowest (0) and the highest (1) that clear; default: 0.5",
    )
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
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print one JSON object on one line, every period apart"
    )
    form.add_argument("--csv", action="store_true", help="print a line for each measure and period")
    return parser


def _check(arguments: argparse.Namespace) -> None:
    for name in ("periods", "sessions", "activations", "max_price", "quotes_per_trader", "processes"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1")
    if not 0 <= arguments.seed <= MOST_SEED:
        raise UserError("--seed must not be below 0 nor above 2^63 - 1")
    if any(period < 1 for period, _, _ in arguments.shock):
        raise UserError("--shock: periods count from 1")


def _traders(text: str, market: str) -> str | tuple[str, ...]:
    names = text.split(",")
    count = sum(map(len, MARKETS[market]))
    if len(names) not in (1, count):
        raise UserError(f"--trader: name one trader, or one for each of the {count} of market {market}")
    return names[0] if len(names) == 1 else tuple(names)


def _told(arguments: argparse.Namespace, sessions: Sequence[Session]) -> str:
    if arguments.json:
        return json.dumps(_as_dict(arguments, sessions), ensure_ascii=True, allow_nan=False)
    if arguments.csv:
        return _as_csv(sessions)
    return "\n".join(_in_tables(arguments, sessions))


# -- for people -------------------------------------------------------------------------------------------------


def _in_tables(arguments: argparse.Namespace, sessions: Sequence[Session]) -> Iterator[str]:
    """At most 80 columns."""
    yield (
        f"market {arguments.market}, {_crowd(arguments.trader)}, {arguments.institution}: "
        f"{counted(arguments.sessions, 'session')} of {counted(arguments.periods, 'period')}, "
        f"{_seeds(arguments)}"
    )
    yield f"equilibrium of period 1: {_equilibrium_in_words(sessions[0])}"
    yield ""
    columns = {
        "all periods": summarize_sessions(sessions),
        "period 1": summarize_sessions(sessions, slice(0, 1)),
    }
    if arguments.periods > 1:
        columns[f"period {arguments.periods}"] = summarize_sessions(sessions, slice(-1, None))
    yield f"{'mean ± 95 % confidence':<26}" + "".join(f"{title:>18}" for title in columns)
    yield "─" * (26 + 18 * len(columns))
    for name, measure in MEASURES.items():
        title = name.replace("_", " ") + (f", {measure.unit}" if measure.unit else "")
        yield f"{title:<26}" + "".join(f"{_cell(column[name]):>18}" for column in columns.values())
    yield ""
    found = deviations(sessions)
    shown = " ".join(f"{deviation:.1f}" for deviation in found[:SHOWN_DEVIATIONS])
    more = " …" if len(found) > SHOWN_DEVIATIONS else ""
    yield f"RMSD from the equilibrium price, by trade number: {shown or '–'}{more}"
    yield f"its slope: {_cell(deviation_slope(sessions))} a trade"


def _crowd(text: str) -> str:
    """The traders in a few words."""
    names = text.split(",")
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    if len(names) == 1:
        return text
    return " + ".join(f"{count} {name}" for name, count in counts.items())


def _seeds(arguments: argparse.Namespace) -> str:
    first, last = arguments.seed, arguments.seed + arguments.sessions - 1
    return f"seed {first}" if first == last else f"seeds {first} to {last}"


def _equilibrium_in_words(session: Session) -> str:
    equilibrium = session[0].equilibrium
    return (
        f"price {_span(equilibrium.price_low, equilibrium.price_high)}, "
        f"quantity {_span(equilibrium.quantity_min, equilibrium.quantity_max)}, "
        f"surplus {significant(equilibrium.surplus)}"
    )


def _span(low: float | None, high: float | None) -> str:
    ends = ["–" if end is None else significant(end) for end in (low, high)]
    return ends[0] if low == high else " to ".join(ends)


def _cell(estimate: Estimate) -> str:
    return with_error(estimate.value, estimate.half_width())


# -- for scripts ------------------------------------------------------------------------------------------------


def _by_period(sessions: Sequence[Session]) -> Iterator[tuple[str, dict[str, Estimate]]]:
    """All periods together, then each apart."""
    yield "all", summarize_sessions(sessions)
    for number in range(len(sessions[0])):
        yield str(number + 1), summarize_sessions(sessions, slice(number, number + 1))


def _figures(estimate: Estimate) -> dict[str, float | None]:
    width = estimate.half_width()
    return {
        "mean": finite(estimate.value),
        "low": finite(estimate.value - width),
        "high": finite(estimate.value + width),
        "standard_error": finite(estimate.standard_error),
        "observations": estimate.size,
    }


def _as_dict(arguments: argparse.Namespace, sessions: Sequence[Session]) -> dict[str, Any]:
    given = ["market", "trader", "institution", "periods", "sessions", "seed", "activations", "max_price"]
    given += ["quotes_per_trader", "call_k"]
    equilibrium = sessions[0][0].equilibrium
    return {
        **{name: getattr(arguments, name) for name in given},
        "shocks": arguments.shock,
        "equilibrium": {name: getattr(equilibrium, name) for name in equilibrium.__slots__},
        "confidence": 0.95,
        "measures": {
            period: {name: _figures(estimate) for name, estimate in summary.items()}
            for period, summary in _by_period(sessions)
        },
        "rmsd_by_trade_number": deviations(sessions),
        "rmsd_slope": _figures(deviation_slope(sessions)),
    }


def _as_csv(sessions: Sequence[Session]) -> str:
    """Without the last line's end, which printing adds."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["period", "measure", "mean", "low", "high", "standard_error", "observations"])
    for period, summary in _by_period(sessions):
        for name, estimate in summary.items():
            writer.writerow([period, name, *_figures(estimate).values()])
    return file.getvalue().removesuffix("\n")
