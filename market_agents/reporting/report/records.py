"""What a report needs of a run's markets, read from storage once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from market_agents.storage import Database, fetch, get_run

Row = Mapping[str, Any]

_OF_A_DEAL = (
    "environment", "good", "round", "price", "quantity", "buyer_id", "seller_id", "buyer_surplus", "seller_surplus",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Deal:
    """A trade; money in currency per unit."""

    round: int
    price: float
    quantity: int
    buyer_id: str
    seller_id: str
    buyer_surplus: float
    seller_surplus: float


@dataclass(frozen=True, slots=True)
class Regime:
    """Rounds in a row with the same supply and demand.

    Attributes:
        first: the first of these rounds, ``last`` the last.
        values: each buyer's, in currency, in the order of trading.
        costs: each seller's.
    """

    environment: str
    good: str
    first: int
    last: int
    values: tuple[tuple[Decimal, ...], ...]
    costs: tuple[tuple[Decimal, ...], ...]


@dataclass(frozen=True)
class Market:
    """One market over all its rounds.

    Attributes:
        rounds: the rows of ``auction_rounds``, in order.
        deals: in the order of trading.
    """

    environment: str
    good: str
    rounds: Sequence[Row]
    regimes: Sequence[Regime]
    deals: Sequence[Deal] = field(default_factory=tuple)


def read_markets(database: Database, run_id: str) -> list[Market]:
    """All markets of a run as far as it has come, in the order of its environments, by good."""
    rounds: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(fetch(database, "auction_rounds", run_id), key=_round):
        rounds.setdefault((str(row["environment"]), str(row["good"])), []).append(row)
    order: Any = get_run(database, run_id).config.get("environment_order") or ()
    place = {str(name): number for number, name in enumerate(order)}
    deals: dict[tuple[str, str], list[Deal]] = {}
    for row in fetch(database, "trades", run_id, columns=_OF_A_DEAL):
        deals.setdefault((str(row["environment"]), str(row["good"])), []).append(_deal(row))
    return [
        Market(
            environment=environment,
            good=good,
            rounds=rows,
            regimes=tuple(_regimes(database, run_id, environment, good, rows)),
            deals=tuple(deals.get((environment, good), ())),
        )
        for (environment, good), rows in sorted(
            rounds.items(), key=lambda market: place.get(market[0][0], len(place))
        )
    ]


def _round(row: Row) -> int:
    return int(row["round"])


def _deal(row: Row) -> Deal:
    return Deal(
        round=row["round"],
        price=float(row["price"]),
        quantity=row["quantity"],
        buyer_id=row["buyer_id"],
        seller_id=row["seller_id"],
        buyer_surplus=float(row["buyer_surplus"]),
        seller_surplus=float(row["seller_surplus"]),
    )


def _regimes(
    database: Database, run_id: str, environment: str, good: str, rows: Sequence[Row]
) -> Iterator[Regime]:
    """Schedules are read once for each stretch of rounds whose equilibrium is the same."""
    theory = (
        "equilibrium_price_low",
        "equilibrium_price_high",
        "equilibrium_quantity",
        "maximum_surplus",
    )
    stretches: list[list[Row]] = []
    for row in rows:
        if not stretches or any(row[name] != stretches[-1][0][name] for name in theory):
            stretches.append([])
        stretches[-1].append(row)
    for stretch in stretches:
        first = _round(stretch[0])
        values: dict[str, list[Decimal]] = {}
        costs: dict[str, list[Decimal]] = {}
        for unit in fetch(database, "preference_schedules", run_id, {"round": first, "good": good}):
            side, worth = (values, unit["value"]) if unit["value"] is not None else (costs, unit["cost"])
            side.setdefault(str(unit["agent_id"]), []).append(worth)  # type: ignore[arg-type]
        yield Regime(
            environment=environment,
            good=good,
            first=first,
            last=_round(stretch[-1]),
            values=tuple(map(tuple, values.values())),
            costs=tuple(map(tuple, costs.values())),
        )
