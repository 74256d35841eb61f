"""What a period of a laboratory market came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_agents.economics.equilibrium import Equilibrium
from market_agents.environments.mechanisms.auction import RoundResult
from market_agents.environments.mechanisms.auction.measures import BookMeasures


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One period; money in ticks, one entry per unit traded in the order of trading.

    Attributes:
        prices: what was paid.
        buyers: who bought, counted from 0 in the order of ``values``.
        sellers: who sold, counted from 0 in the order of ``costs``.
        times: at which activation, counted from 1, each trade was made.
        activations: how many there were before the period ended.
        quantity: units traded.
        efficiency: allocative efficiency; None where nothing could be gained.
        alpha: Smith's alpha in percent of the equilibrium price; None without a trade.
        mean_price: None without a trade.
        profits: each trader's, buyers first.
        profit_dispersion: over all traders.
        surplus: Σ(value − cost) over units traded.
        equilibrium: of the values and costs of this period.
        values: of each buyer's units.
        costs: of each seller's units.
        mean_spread: best ask less best bid after an activation, over those that left both; None where that was never
            so, the book is sealed, or nobody watched it. Under ``aurora`` and where markets clear, after a turn.
        mean_bid_depth: units open to buy then; None as above, but for an empty side.
        mean_ask_depth: the same to sell.
    """

    prices: tuple[int, ...]
    buyers: tuple[int, ...]
    sellers: tuple[int, ...]
    times: tuple[int, ...]
    activations: int
    quantity: int
    efficiency: float | None
    alpha: float | None
    mean_price: float | None
    profits: tuple[int, ...]
    profit_dispersion: float | None
    surplus: int
    equilibrium: Equilibrium
    values: tuple[tuple[int, ...], ...]
    costs: tuple[tuple[int, ...], ...]
    mean_spread: float | None
    mean_bid_depth: float | None
    mean_ask_depth: float | None


def summarize(
    result: RoundResult,
    book: BookMeasures,
    *,
    places: Mapping[str, int],
    times: Sequence[int],
    activations: int,
    values: Sequence[tuple[int, ...]],
    costs: Sequence[tuple[int, ...]],
) -> PeriodResult:
    """A market's round as a period's result.

    Args:
        result: of the round.
        book: what was seen of the book.
        places: each trader's place on its own side, by id.
        times: the activation behind each trade.
        activations: how many there were.
        values: of each buyer's units.
        costs: of each seller's units.
    """
    return PeriodResult(
        prices=tuple(trade.price for trade in result.trades),
        buyers=tuple(places[trade.buyer_id] for trade in result.trades),
        sellers=tuple(places[trade.seller_id] for trade in result.trades),
        times=tuple(times),
        activations=activations,
        quantity=result.volume,
        efficiency=result.efficiency,
        alpha=result.smith_alpha,
        mean_price=result.mean_price,
        profits=tuple(result.profits.values()),
        profit_dispersion=result.profit_dispersion,
        surplus=result.realized_surplus,
        equilibrium=result.equilibrium,
        values=tuple(values),
        costs=tuple(costs),
        mean_spread=book.mean_spread,
        mean_bid_depth=book.mean_bid_depth,
        mean_ask_depth=book.mean_ask_depth,
    )
