"""Did the market work: supply and demand, prices, efficiency, losses and profits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

from market_agents.output import counted
from market_agents.plain_text import one_line
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
    blocks += _together(markets)
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
    if any(row["efficiency"] is not None for row in market.rounds):
        yield efficiency_chart(market, baselines)
    if any(row["smith_alpha"] is not None for row in market.rounds):
        yield alpha_chart(market, baselines)
    if any(row["intramarginal_loss_buyers"] is not None for row in market.rounds):
        yield loss_chart(market)
    yield _rounds(market)


def _together(markets: Sequence[Market]) -> Iterator[Text]:
    """What markets of one good reached together, since they trade the same units."""
    for good in dict.fromkeys(market.good for market in markets):
        same = [market for market in markets if market.good == good]
        realized: dict[int, float] = {}
        attainable: dict[int, float] = {}
        for row in (row for market in same for row in market.rounds):
            number = int(row["round"])
            realized[number] = realized.get(number, 0.0) + float(row["realized_surplus"] or 0)
            attainable[number] = max(attainable.get(number, 0.0), float(row["maximum_surplus"] or 0))
        shares = [realized[number] / most for number, most in attainable.items() if most > 0]
        if len(same) > 1 and shares:
            names = " and ".join(market.environment for market in same)
            yield Text(
                f"{names} trade the same units of {good}: of the surplus that trade could give, they realised "
                f"{fmean(shares):.1%} together on average over rounds. Below, each stands for itself."
            )


def _summary(market: Market) -> str:
    efficiencies = [row["efficiency"] for row in market.rounds if row["efficiency"] is not None]
    count = len(market.rounds)
    rounds = f"{count} round{'s' * (count != 1)}"
    trades, units = (sum(row[name] for row in market.rounds) for name in ("trades", "volume"))
    if trades:
        text = f"{market.environment}: {market.good} was traded in {rounds}, "
        text += f"{counted(trades, 'trade')} of {counted(units, 'unit')}."
    else:
        text = f"{market.environment}: nobody traded {market.good} in {rounds}."
    if not efficiencies:
        return f"{text} {_nothing_to_gain(market)}"
    text += f" Of the surplus that trade could give, {fmean(efficiencies):.1%} was realised"
    return text + (f" on average over rounds, {efficiencies[-1]:.1%} in the last." if count > 1 else ".")


def _nothing_to_gain(market: Market) -> str:
    """Why no trade could gain, so that there is no efficiency."""
    if not any(units for regime in market.regimes for units in regime.values):
        return "There was no demand, so that no efficiency is defined."
    if not any(units for regime in market.regimes for units in regime.costs):
        return "There was no supply, so that no efficiency is defined."
    return "No trade could gain: the highest value is not above the lowest cost, so that no efficiency is defined."


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
        "profits in currency, alpha in percent of the equilibrium price. Source: auction_rounds.",
        data=Data(tuple(columns.values()), rows),
        shares=("efficiency",),
    )


def _profits(standings: Sequence[Standing]) -> Iterator[Block]:
    if not standings:
        return
    if any(standing.profit for standing in standings):
        yield profit_chart(standings)
    yield Table(
        name="profits",
        caption="Who earned them: profit over all markets and rounds, in currency. Source: trades, orders, agents.",
        data=Data(
            ("agent", "name", "role", "mind", "profit", "units", "orders", "not refused"),
            [
                (
                    s.agent_id,
                    one_line(s.name, 40),
                    s.role,
                    one_line(s.mind, 40),
                    float(s.profit),
                    s.units,
                    s.orders,
                    s.accepted,
                )
                for s in standings
            ],
        ),
        words=4,
        most=20,
    )
