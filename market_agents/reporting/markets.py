"""The measures of a run's markets, from storage alone: round by round, and over rounds by number of the trade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from market_agents.economics.dynamics import deviation_by_trade_number, slope
from market_agents.storage import Database, fetch, get_run

KEYS = ("run_id", "environment", "good")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MarketMeasures:
    """One good's market over the rounds of a run.

    Attributes:
        rounds: the rows of ``auction_rounds``, in order; money as numbers of currency.
        rmsd_by_trade_number: RMSD_k from each round's equilibrium price, in currency.
        rmsd_slope: of RMSD_k on k, in currency a trade; None where fewer than two numbers are reached.
    """

    environment: str
    good: str
    rounds: tuple[Row, ...]
    rmsd_by_trade_number: tuple[float, ...]
    rmsd_slope: float | None

    def as_dict(self) -> Row:
        """JSON-ready."""
        return asdict(self)


def market_measures(database: Database, run_id: str) -> list[MarketMeasures]:
    """Every market of a run, by environment and good.

    Raises:
        RunRefused: no such run.
    """
    get_run(database, run_id)
    prices = _prices(database, run_id)
    rows = sorted(fetch(database, "auction_rounds", run_id), key=_market)
    return [
        _measured(*place, [_plain(row) for row in group], prices)
        for place, group in groupby(rows, key=_market)
    ]


def _measured(
    environment: str, good: str, rounds: list[Row], prices: dict[tuple[str, str, int], list[float]]
) -> MarketMeasures:
    deviations = []
    for row in rounds:
        low, high = row["equilibrium_price_low"], row["equilibrium_price_high"]
        if low is not None and high is not None:
            paid = prices.get((environment, good, row["round"]), [])
            deviations.append([price - (low + high) / 2 for price in paid])
    found = deviation_by_trade_number(deviations, 0.0)
    return MarketMeasures(environment, good, tuple(rounds), tuple(found), slope(found))


def _prices(database: Database, run_id: str) -> dict[tuple[str, str, int], list[float]]:
    """What was paid in each market and round; trades come by number, which rises with time."""
    prices: dict[tuple[str, str, int], list[float]] = {}
    trades: Iterator[Row] = fetch(database, "trades", run_id)
    for row in trades:
        prices.setdefault((row["environment"], row["good"], row["round"]), []).append(float(row["price"]))
    return prices


def _market(row: Row) -> tuple[str, str]:
    return row["environment"], row["good"]


def _plain(row: Row) -> Row:
    """A round without what names its market, amounts as floats."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name not in KEYS
    }
