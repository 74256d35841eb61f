"""Did the market work: supply and demand, prices, efficiency, losses and profits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from market_agents.reporting.report.blocks import Block, Data, Section, Table, Text
from market_agents.reporting.report.market_charts import (
    alpha_chart,
    efficiency_chart,
    loss_chart,
    price_chart,
    profit_chart,
    supply_and_demand,
)
from market_agents.reporting.report.records import Market
from market_agents.storage import Standing

MOST_REGIMES = 3
"""Stretches of rounds of which supply and demand are drawn, the first ones."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What zero-intelligence traders reach with the same values and costs.

    Attributes:
        efficiency: mean over sessions; None where nothing could be gained.
        alpha: mean over sessions, percent; None without a trade.
        sessions: how many were simulated.
    """

    efficiency: float | None
    alpha: float | None
    sessions: int


Baselines: TypeAlias = Mapping[tuple[str, str, int], Baseline]
"""By environment, good and the first round of a regime."""


def market_section(markets: Sequence[Market], standings: Sequence[Standing], baselines: Baselines) -> Section:
    """The section on markets; says so where there was none."""
    blocks: list[Block] = []
    for market in markets:
        blocks += _market(market, baselines)
    if markets:
        blocks += _profits(standings)
    else:
        blocks.append(Text("No market was held, or none is stored yet."))
    return Section("market", "Did the market work?", blocks)


def _market(market: Market, baselines: Baselines) -> Iterator[Block]:
    yield Text(_summary(market))
    for regime in market.regimes[:MOST_REGIMES]:
        yield supply_and_demand(market, regime)
    hidden = len(market.regimes) - MOST_REGIMES
    if hidden > 0:
        yield Text(f"Values or costs changed {hidden} more times; preference_schedules has them all.")
    if market.deals:
        yield price_chart(market)
    yield efficiency_chart(market, baselines)
    if any(row["smith_alpha"] is not None for row in market.rounds):
        yield alpha_chart(market, baselines)
    if any(row["intramarginal_loss_buyers"] is not None for row in market.rounds):
        yield loss_chart(market)
    yield _rounds(market)


def _summary(market: Market) -> str:
    efficiencies = [row["efficiency"] for row in market.rounds if row["efficiency"] is not None]
    count = len(market.rounds)
    text = f"{market.environment}: {market.good} was traded in {count} round{'s' * (count != 1)}, "
    trades, units = (sum(row[name] for row in market.rounds) for name in ("trades", "volume"))
    text += f"{trades} trades of {units} units."
    if efficiencies:
        mean = sum(efficiencies) / len(efficiencies)
        text += f" Of the surplus that trade could give, {mean:.1%} was realised on average over rounds"
        text += f", {efficiencies[-1]:.1%} in the last." if count > 1 else "."
    return text


def _rounds(market: Market) -> Table:
    columns = {
        "round": "round",
        "trades": "trades",
        "volume": "units",
        "mean_price": "mean price",
        "equilibrium_price_low": "eq. low",
        "equilibrium_price_high": "eq. high",
        "efficiency": "efficiency",
        "smith_alpha": "alpha %",
        "profit_dispersion": "dispersion",
    }
    rows = [
        [
            None
            if row[name] is None
            else row[name]
            if name in {"round", "trades", "volume"}
            else float(row[name])
            for name in columns
        ]
        for row in market.rounds
    ]
    return Table(
        name=f"rounds_{market.environment}_{market.good}",
        caption=f"Rounds of {market.environment}; prices, their competitive equilibrium (eq.) and the dispersion of "
        "profits in currency, efficiency as a share. Source: auction_rounds.",
        data=Data(tuple(columns.values()), rows),
    )


def _profits(standings: Sequence[Standing]) -> Iterator[Block]:
    if not standings:
        return
    yield profit_chart(standings)
    yield Table(
        name="profits",
        caption="Who earned them: profit over all markets and rounds, in currency. Source: trades, orders, agents.",
        data=Data(
            ("agent", "name", "role", "mind", "profit", "units", "orders", "not refused"),
            [
                (s.agent_id, s.name, s.role, s.mind, float(s.profit), s.units, s.orders, s.accepted)
                for s in standings
            ],
        ),
        words=4,
        most=20,
    )
