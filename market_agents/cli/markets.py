"""``markets``: how the markets of a run did, measure by measure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from market_agents.cli.common import (
    add_database_flag,
    add_run_argument,
    guarded,
    open_database_of_run,
    parser_for,
)
from market_agents.cli.numbers import DASH, significant
from market_agents.cli.tables import table
from market_agents.errors import UserError
from market_agents.output import say
from market_agents.plain_text import one_line
from market_agents.reporting import MarketMeasures, market_measures

SHOWN_ROUNDS = 30
"""Rounds of one market that the tables show, the latest; JSON has them all."""
SHOWN_DEVIATIONS = 8

_LEGEND = (
    "P0, Q: equilibrium price (middle) and quantity; bids, asks: mean open units",
    "in: intramarginal units not traded, ex: extramarginal units traded,",
    "of (b)uyers and (s)ellers, each a share of the maximum surplus",
    "disp., gini: how unequal profits are; rank: whether the best trade first;",
    "late: share of trades in the second half. All of it: docs/measures.md",
)

_PRICES = {
    "round": "round",
    "trades": "trades",
    "price": "mean_price",
    "spread": "mean_spread",
    "alpha %": "smith_alpha",
    "autocorr.": "price_autocorrelation",
    "bids": "mean_bid_depth",
    "asks": "mean_ask_depth",
}
_GAINS = {
    "round": "round",
    "effic.": "efficiency",
    "in b": "intramarginal_loss_buyers",
    "in s": "intramarginal_loss_sellers",
    "ex b": "extramarginal_loss_buyers",
    "ex s": "extramarginal_loss_sellers",
    "disp.": "profit_dispersion",
    "gini": "profit_gini",
    "rank b": "rank_correlation_buyers",
    "rank s": "rank_correlation_sellers",
    "late": "late_trade_share",
}


def main(argv: Sequence[str]) -> int:
    """Print every measure of every market of a run."""
    parser = parser_for(
        "markets",
        "The measures of a run's markets, round by round; also of a run that is not finished. "
        "What each means: docs/measures.md.",
    )
    add_run_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line, every round")
    add_database_flag(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        with open_database_of_run(arguments) as database:
            markets = market_measures(database, arguments.run_id)
        if arguments.json:
            told = {"run_id": arguments.run_id, "markets": [market.as_dict() for market in markets]}
            say(json.dumps(told, ensure_ascii=True, allow_nan=False))
            return 0
        if not markets:
            raise UserError(f"run {arguments.run_id} has no round of a market yet")
        say("\n\n".join("\n".join(_told(market)) for market in markets))
        return 0

    return guarded(work)


def _told(market: MarketMeasures) -> Iterator[str]:
    """At most 80 columns."""
    shown = market.rounds[-SHOWN_ROUNDS:]
    yield one_line(f"{market.environment}: {market.good}", 78)
    yield ""
    rows = [[*_cells(_PRICES, row), *_theory(row)] for row in shown]
    yield table([*_PRICES, "P0", "Q"], rows)
    yield ""
    yield table(list(_GAINS), [_cells(_GAINS, row) for row in shown])
    yield from _LEGEND
    if len(market.rounds) > len(shown):
        yield f"({len(market.rounds) - len(shown)} earlier rounds: --json has them all)"
    yield ""
    found = market.rmsd_by_trade_number
    deviations = " ".join(_cell(deviation) for deviation in found[:SHOWN_DEVIATIONS]) or DASH
    yield "RMSD from the equilibrium price, by trade number:"
    yield f"  {deviations}{' …' if len(found) > SHOWN_DEVIATIONS else ''}"
    yield f"its slope: {DASH if market.rmsd_slope is None else significant(market.rmsd_slope)} a trade"


def _cells(columns: Mapping[str, str], row: Mapping[str, Any]) -> list[str]:
    return [_cell(row[column]) for column in columns.values()]


def _theory(row: Mapping[str, Any]) -> list[str]:
    """Equilibrium price, the middle of its interval, and quantity."""
    low, high = row["equilibrium_price_low"], row["equilibrium_price_high"]
    least, most = row["equilibrium_quantity_min"], row["equilibrium_quantity"]
    price = None if low is None or high is None else (low + high) / 2
    return [_cell(price), str(most) if least in (None, most) else f"{least}–{most}"]


def _cell(value: float | None) -> str:
    """Four characters or a few more: no column may grow without end; JSON has the rest."""
    if value is None:
        return DASH
    if isinstance(value, int):
        return str(value)
    size = abs(value)
    if size >= 1e6:
        return f"{value:.0e}"
    return f"{value:.{2 if size < 1_000 else 0}f}"
