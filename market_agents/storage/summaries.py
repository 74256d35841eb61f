"""What a run came to, round by round and agent by agent, from storage alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from market_agents.storage.database import Database
from market_agents.storage.schema import agents, auction_rounds, llm_requests, messages, orders, trades


@dataclass
class RoundSummary:
    """One round of a run.

    Attributes:
        has_market: whether the outcome of a market is stored.
        trades: in all markets.
        mean_price: per unit, in currency; None without a trade, and where several goods have markets.
        equilibrium_price: midpoint of the equilibrium interval; None where there is none, and where several goods
            have markets.
        efficiency: allocative efficiency over all markets, what was gained of all that could be; None where that
            is nothing.
        asks: requests for a decision; ``calls`` counts the HTTP tries behind them.
        cost: US dollars; None where a price is unknown.
        cached_tokens: of the ``prompt_tokens``, those that the provider had in its cache.
    """

    round: int
    has_market: bool = False
    trades: int = 0
    volume: int = 0
    mean_price: Decimal | None = None
    equilibrium_price: Decimal | None = None
    efficiency: float | None = None
    messages: int = 0
    asks: int = 0
    calls: int = 0
    tokens: int = 0
    cost: Decimal | None = Decimal(0)
    unanswered: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0

    @property
    def cached_share(self) -> float | None:
        """Share of the prompts' tokens that came from the provider's cache; None where nothing was asked."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None


@dataclass(frozen=True)
class Standing:
    """An agent's place in a run.

    Attributes:
        profit: surplus over all trades, in currency.
        units: units traded.
        orders: orders sent, ``accepted`` of them not refused.
    """

    agent_id: str
    name: str
    role: str
    mind: str
    profit: Decimal
    units: int
    orders: int
    accepted: int


@dataclass
class _Gain:
    profit: Decimal = field(default_factory=Decimal)
    units: int = 0


def round_summaries(database: Database, run_id: str, since: int = 0) -> list[RoundSummary]:
    """Every round of a run that left anything behind, in order, those before ``since`` left out."""
    found: dict[int, RoundSummary] = {}
    with database.read() as connection:
        markets: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for row in _by_round(connection, auction_rounds, run_id, since):
            markets[row["round"]].append(row)
        for number, rows in markets.items():
            found[number] = _market_summary(number, rows)
        said = select(messages.c.round, func.count().label("messages")).where(
            messages.c.run_id == run_id, messages.c.round >= since
        )
        for spoken in connection.execute(said.group_by(messages.c.round)).mappings():
            found.setdefault(spoken["round"], RoundSummary(spoken["round"])).messages = spoken["messages"]
        for asked in connection.execute(_asks(run_id, since)).mappings():
            _add_asks(found.setdefault(asked["round"], RoundSummary(asked["round"])), dict(asked))
    return [found[number] for number in sorted(found)]


def _by_round(connection: Connection, table: Table, run_id: str, since: int = 0) -> list[Mapping[str, Any]]:
    mine = select(table).where(table.c.run_id == run_id, table.c.round >= since)
    query = mine.order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _asks(run_id: str, since: int) -> Any:  # noqa: ANN401  (a query's type spells out its columns)
    columns = llm_requests.c
    unanswered: ColumnElement[bool] = columns.status != "answered"
    return (
        select(
            columns.round,
            func.count().label("asks"),
            func.sum(columns.attempts).label("calls"),
            func.sum(columns.prompt_tokens + columns.completion_tokens).label("tokens"),
            func.sum(columns.prompt_tokens).label("prompt_tokens"),
            func.sum(columns.cached_tokens).label("cached_tokens"),
            func.sum(columns.cost).label("cost"),
            func.count(columns.cost).label("priced"),
            func.count().filter(unanswered).label("unanswered"),
        )
        .where(columns.run_id == run_id, columns.round >= since)
        .group_by(columns.round)
    )


def _market_summary(round_number: int, markets: Sequence[Mapping[str, Any]]) -> RoundSummary:
    """All markets of a round: prices weighted by volume, where they are prices of the same good."""
    summary = RoundSummary(round_number, has_market=True)
    summary.trades = sum(row["trades"] for row in markets)
    summary.volume = sum(row["volume"] for row in markets)
    # Markets of one good trade the same units, so that what could be gained counts once for the good; a house adds
    # its own to the market that it stands in.
    by_good: dict[str, Any] = {}
    for row in markets:
        by_good[row["good"]] = max(by_good.get(row["good"], 0), row["maximum_surplus"] or 0)
    attainable = sum(by_good.values())
    if len(markets) == 1:
        summary.efficiency = markets[0]["efficiency"]
    elif attainable:
        summary.efficiency = float(sum(row["realized_surplus"] for row in markets) / attainable)
    if len({row["good"] for row in markets}) == 1:
        priced = [row for row in markets if row["mean_price"] is not None]
        if priced:
            paid = sum(row["mean_price"] * row["volume"] for row in priced)
            summary.mean_price = paid / sum(row["volume"] for row in priced)
        low, high = markets[0]["equilibrium_price_low"], markets[0]["equilibrium_price_high"]
        summary.equilibrium_price = None if low is None or high is None else (low + high) / 2
    return summary


def _add_asks(summary: RoundSummary, row: Mapping[str, Any]) -> None:
    summary.asks, summary.calls = row["asks"], int(row["calls"] or 0)
    summary.tokens, summary.unanswered = int(row["tokens"] or 0), row["unanswered"]
    summary.prompt_tokens = int(row["prompt_tokens"] or 0)
    summary.cached_tokens = int(row["cached_tokens"] or 0)
    summary.cost = Decimal(row["cost"] or 0) if row["priced"] == row["asks"] else None


def leaderboard(database: Database, run_id: str) -> list[Standing]:
    """All agents by profit, the best first; agents that earned the same stand in their order of joining."""
    with database.read() as connection:
        gains: dict[str, _Gain] = defaultdict(_Gain)
        of = trades.c
        wanted = of.quantity, of.buyer_id, of.seller_id, of.buyer_surplus, of.seller_surplus
        for row in connection.execute(select(*wanted).where(of.run_id == run_id)).mappings():
            for who, what in (("buyer_id", "buyer_surplus"), ("seller_id", "seller_surplus")):
                gains[row[who]].profit += row[what]
                gains[row[who]].units += row["quantity"]
        counted = (
            select(
                orders.c.agent_id,
                func.count().label("orders"),
                func.count().filter(orders.c.status != "rejected").label("accepted"),
            )
            .where(orders.c.run_id == run_id)
            .group_by(orders.c.agent_id)
        )
        sent = {row["agent_id"]: row for row in connection.execute(counted).mappings()}
        people = select(agents).where(agents.c.run_id == run_id).order_by(agents.c.agent_index)
        standings = [
            Standing(
                agent_id=row["agent_id"],
                name=row["name"],
                role=row["role"],
                mind=row["strategy"] or row["llm_config"],
                profit=gains[row["agent_id"]].profit,
                units=gains[row["agent_id"]].units,
                orders=sent[row["agent_id"]]["orders"] if row["agent_id"] in sent else 0,
                accepted=sent[row["agent_id"]]["accepted"] if row["agent_id"] in sent else 0,
            )
            for row in connection.execute(people).mappings()
        ]
    return sorted(standings, key=lambda standing: -standing.profit)
