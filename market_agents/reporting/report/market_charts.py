"""The pictures of a market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from market_agents.reporting.report.blocks import Cell, Data, Figure
from market_agents.reporting.report.charts import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, Chart
from market_agents.reporting.report.marks import INK
from market_agents.reporting.report.records import Market, Regime

if TYPE_CHECKING:
    from market_agents.reporting.report.market import Baselines
    from market_agents.storage import Standing

HUMANS = (0.902, 1.0)
"""Lowest and highest of people's 99.7, 99.1, 100.0, 99.1 and 90.2 % in five double auctions: Gode & Sunder 1993,
table 2."""

MOST_BARS = 40
MOST_DOTS = 40
FEW_DEALS, MANY_DEALS = 200, 1_000
"""Trades from which on their dots are smaller, and smaller still."""


def supply_and_demand(market: Market, regime: Regime) -> Figure:
    """Both curves of a stretch of rounds, and the trades of its last round."""
    values = sorted((float(unit) for units in regime.values for unit in units), reverse=True)
    costs = sorted(float(unit) for units in regime.costs for unit in units)
    deals = [deal for deal in market.deals if deal.round == regime.last]
    band = _band(market, regime.last)
    chart = Chart("units", "price, currency")
    chart.stairs(values, BLUE, "demand (values)")
    chart.stairs(costs, ORANGE, "supply (costs)")
    if band is not None:
        chart.band(*band, GREEN)
        longest = float(max(len(values), len(costs)))
        chart.rule([(0.0, sum(band) / 2), (longest, sum(band) / 2)], GREEN, "competitive equilibrium")
    ends = accumulate(deal.quantity for deal in deals)
    middles = [end - deal.quantity / 2 for end, deal in zip(ends, deals, strict=True)]
    chart.dots(zip(middles, (deal.price for deal in deals), strict=True), INK, "trades")
    rounds = (
        f"round {regime.first}" if regime.first == regime.last else f"rounds {regime.first} to {regime.last}"
    )
    rows: list[tuple[Cell, ...]] = [("value", number, price) for number, price in enumerate(values, 1)]
    rows += [("cost", number, price) for number, price in enumerate(costs, 1)]
    rows += [("trade", number, deal.price) for number, deal in enumerate(deals, 1)]
    return Figure(
        name=f"supply_and_demand_{regime.environment}_{regime.good}_{regime.first}",
        caption=f"Supply and demand for {regime.good} in {rounds}, with the trades of round {regime.last} in their "
        "order from left to right; currency per unit. Source: preference_schedules, trades, auction_rounds.",
        alt=f"{len(values)} units of demand from {_span(values)}, {len(costs)} units of supply from {_span(costs)}; "
        f"{len(deals)} trades{_at(deal.price for deal in deals)}; equilibrium {_between(band)}.",
        svg=chart.svg(),
        data=Data(("kind", "number", "price"), rows),
    )


def price_chart(market: Market) -> Figure:
    """Every trade of every round against the equilibrium band, which shows shocks too."""
    deals = market.deals
    chart = Chart("round", "price, currency", height=300)
    _draw_band(chart, market)
    chart.line(_series(market, "mean_price").items(), ORANGE, "mean of the round")
    chart.dots(
        zip(_places(market), (deal.price for deal in deals), strict=True),
        BLUE,
        "trades",
        size=6 if len(deals) < FEW_DEALS else 4 if len(deals) < MANY_DEALS else 2.5,
    )
    changes = len(market.regimes) - 1
    shocks = f" Values or costs changed {changes} times: where the band jumps." if changes else ""
    return Figure(
        name=f"prices_{market.environment}_{market.good}",
        caption=f"Prices of {market.good}, each trade in its round, and the band of competitive equilibrium; currency "
        f"per unit.{shocks} Source: trades, auction_rounds.",
        alt=f"{len(deals)} trades over {len(market.rounds)} rounds{_at(deal.price for deal in deals)}; in the last "
        f"round equilibrium {_between(_band(market, market.rounds[-1]['round']))}.",
        svg=chart.svg(),
        data=Data(
            ("round", "price", "quantity", "buyer", "seller"),
            [(deal.round, deal.price, deal.quantity, deal.buyer_id, deal.seller_id) for deal in deals],
        ),
    )


def efficiency_chart(market: Market, baselines: Baselines) -> Figure:
    """Efficiency round by round, beside zero intelligence and people in the laboratory."""
    found = _series(market, "efficiency")
    zero = _baseline_series(market, baselines, "efficiency")
    chart = Chart("round", "share of maximum surplus", height=280, from_zero=True, up_to=1.05, shares=True)
    chart.band(*HUMANS, PURPLE, "people, Gode & Sunder 1993")
    _draw_series(chart, zero, found)
    return Figure(
        name=f"efficiency_{market.environment}_{market.good}",
        caption="Allocative efficiency: realised over maximum surplus. Zero intelligence: the mean of simulated "
        "sessions of budget-constrained random traders (ZI-C) with the same values and costs in a continuous double "
        "auction. People: the range of means in five laboratory markets with other values, for orientation. "
        "Source: auction_rounds; Gode & Sunder 1993, table 2.",
        alt=_trend("efficiency", found, "{:.0%}") + _beside(zero, "{:.0%}"),
        svg=chart.svg(),
        data=_both(found, zero, "efficiency"),
    )


def alpha_chart(market: Market, baselines: Baselines) -> Figure:
    """Smith's alpha round by round, beside zero intelligence."""
    found = _series(market, "smith_alpha")
    zero = _baseline_series(market, baselines, "alpha")
    chart = Chart("round", "percent of P0", height=240, from_zero=True)
    _draw_series(chart, zero, found)
    return Figure(
        name=f"alpha_{market.environment}_{market.good}",
        caption="Smith's alpha: root mean square deviation of prices from the equilibrium price P0, percent of P0. "
        "Smith (1962) found it falling from round to round among people. Source: auction_rounds.",
        alt=_trend("alpha", found, "{:.1f} %") + _beside(zero, "{:.1f} %"),
        svg=chart.svg(),
        data=_both(found, zero, "alpha"),
    )


def loss_chart(market: Market) -> Figure:
    """Where surplus was lost."""
    kinds = (
        ("intramarginal_loss_buyers", "buyers priced out", BLUE),
        ("intramarginal_loss_sellers", "sellers priced out", ORANGE),
        ("extramarginal_loss_buyers", "buyers who should not have traded", SKY),
        ("extramarginal_loss_sellers", "sellers who should not have traded", RED),
    )
    rounds = [row["round"] for row in market.rounds]
    losses = {name: [row[name] or 0.0 for row in market.rounds] for name, _, _ in kinds}
    chart = Chart("round", "share of maximum surplus", height=260, from_zero=True, shares=True)
    below = [0.0] * len(rounds)
    for name, label, colour in kinds:
        above = [under + more for under, more in zip(below, losses[name], strict=True)]
        chart.bars(list(zip(rounds, below, above, strict=True)), colour, label)
        below = above
    means = ", ".join(f"{label} {sum(losses[name]) / len(rounds):.1%}" for name, label, _ in kinds)
    return Figure(
        name=f"losses_{market.environment}_{market.good}",
        caption="Surplus that was lost, after Rust, Miller & Palmer (1994): units that should have traded and did not "
        "(priced out), and units that traded and should not have. Together 1 − efficiency. Source: auction_rounds.",
        alt=f"Mean over rounds: {means}.",
        svg=chart.svg(),
        data=Data(
            ("round", *(name for name, _, _ in kinds)),
            [(number, *(losses[name][place] for name, _, _ in kinds)) for place, number in enumerate(rounds)],
        ),
    )


def profit_chart(standings: Sequence[Standing]) -> Figure:
    """What the agents earned, the best first."""
    shown = standings[:MOST_BARS]
    chart = Chart("agent", "profit, currency", height=280, from_zero=True)
    for role, colour in (("buyer", BLUE), ("seller", ORANGE)):
        bars = [(place, 0.0, float(s.profit)) for place, s in enumerate(shown) if s.role == role]
        chart.bars(bars, colour, f"{role}s")
    chart.name([s.agent_id.removeprefix("agent_") for s in shown])
    total = sum(float(s.profit) for s in standings)
    hidden = f", the {MOST_BARS} best of {len(standings)} agents" if len(standings) > MOST_BARS else ""
    return Figure(
        name="profits_by_agent",
        caption=f"Profit by agent over all markets and rounds, in currency{hidden}. Source: trades, agents.",
        alt=f"{len(standings)} agents earned {total:,.2f} together, the best {float(standings[0].profit):,.2f}, "
        f"the last {float(standings[-1].profit):,.2f}.",
        svg=chart.svg(),
        data=Data(("agent", "role", "profit"), [(s.agent_id, s.role, float(s.profit)) for s in standings]),
    )


def _places(market: Market) -> list[float]:
    """Where trades stand on the axis of rounds: each round's spread evenly over its day."""
    counts: dict[int, int] = {}
    for deal in market.deals:
        counts[deal.round] = counts.get(deal.round, 0) + 1
    seen: dict[int, int] = {}
    places = []
    for deal in market.deals:
        seen[deal.round] = seen.get(deal.round, 0) + 1
        places.append(deal.round - 0.4 + 0.8 * seen[deal.round] / (counts[deal.round] + 1))
    return places


def _draw_band(chart: Chart, market: Market) -> None:
    """The band of each stretch of rounds that share it."""
    pieces: list[tuple[float, float, tuple[float, float]]] = []
    for row in market.rounds:
        band, left, right = _band_of(row), row["round"] - 0.5, row["round"] + 0.5
        if band is None:
            continue
        if pieces and pieces[-1][1:] == (left, band):
            left = pieces.pop()[0]
        pieces.append((left, right, band))
    for left, right, band in pieces:
        chart.band(*band, GREEN, across=(left, right))
    middles = [(end, sum(band) / 2) for left, right, band in pieces for end in (left, right)]
    chart.rule(middles, GREEN, "competitive equilibrium")


def _band(market: Market, round_number: int) -> tuple[float, float] | None:
    return next((_band_of(row) for row in market.rounds if row["round"] == round_number), None)


def _band_of(row: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = row["equilibrium_price_low"], row["equilibrium_price_high"]
    return None if low is None or high is None else (float(low), float(high))


def _series(market: Market, column: str) -> dict[int, float]:
    return {row["round"]: float(row[column]) for row in market.rounds if row[column] is not None}


def _baseline_series(market: Market, baselines: Baselines, what: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for regime in market.regimes:
        baseline = baselines.get((market.environment, market.good, regime.first))
        value = getattr(baseline, what, None)
        if value is not None:
            found |= dict.fromkeys(range(regime.first, regime.last + 1), value)
    return found


def _draw_series(chart: Chart, zero: Mapping[int, float], found: Mapping[int, float]) -> None:
    """What zero intelligence reaches, level in each round, and what the run did."""
    level = [(number + side, zero[number]) for number in sorted(zero) for side in (-0.5, 0.5)]
    chart.line(level, GREEN, "zero intelligence", dashed=True)
    chart.line(found.items(), BLUE, "this run", dots=len(found) <= MOST_DOTS)


def _both(found: Mapping[int, float], zero: Mapping[int, float], name: str) -> Data:
    return Data(
        ("round", name, f"{name}_zero_intelligence"),
        [(number, found.get(number), zero.get(number)) for number in sorted({*found, *zero})],
    )


def _trend(name: str, series: Mapping[int, float], form: str) -> str:
    if not series:
        return f"There is no {name}: nothing could be gained, or nobody traded."
    rounds = sorted(series)
    first, last = (form.format(series[number]) for number in (rounds[0], rounds[-1]))
    return f"{name.capitalize()} was {first} in round {rounds[0]} and {last} in round {rounds[-1]}."


def _beside(zero: Mapping[int, float], form: str) -> str:
    return f" Zero intelligence reaches {form.format(sum(zero.values()) / len(zero))}." if zero else ""


def _span(prices: Sequence[float]) -> str:
    return f"{min(prices):.2f} to {max(prices):.2f}" if prices else "nothing"


def _at(prices: Iterable[float]) -> str:
    found = list(prices)
    return f" at {_span(found)}" if found else ""


def _between(band: tuple[float, float] | None) -> str:
    return "does not exist" if band is None else f"between {band[0]:.2f} and {band[1]:.2f}"
