"""The outcome of one round of a double auction, measured against the units that were open in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from market_agents.economics.equilibrium import Equilibrium, competitive_equilibrium
from market_agents.economics.metrics import allocative_efficiency, profit_dispersion, smith_alpha
from market_agents.economics.orders import Side, Trade
from market_agents.economics.surplus import equilibrium_profit
from market_agents.environments.mechanisms.auction.trader import Trader


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round went; money in ticks.

    Attributes:
        trades: in the order of trading.
        volume: units traded.
        mean_price: per unit traded; None without a trade.
        equilibrium: of all units that were open in the round.
        realized_surplus: Σ(value − cost) over units traded; fees are part of it and of nobody's profit.
        maximum_surplus: S*, what the open units allowed.
        efficiency: allocative efficiency; None where S* is 0.
        smith_alpha: in percent of the equilibrium price; None without a trade.
        profit_dispersion: over all who joined; None if nobody did.
        profits: each trader's surplus in this round, by agent id, in the order of joining.
    """

    trades: tuple[Trade, ...]
    volume: int
    mean_price: float | None
    equilibrium: Equilibrium
    realized_surplus: int
    maximum_surplus: float
    efficiency: float | None
    smith_alpha: float | None
    profit_dispersion: float | None
    profits: Mapping[str, int]


def round_equilibrium(traders: Collection[Trader]) -> Equilibrium:
    """The competitive equilibrium of the units open in the round, traded since or not; prices in ticks."""
    return competitive_equilibrium(
        [trader.units for trader in traders if trader.side is Side.BID],
        [trader.units for trader in traders if trader.side is Side.ASK],
    )


def measure_round(trades: Sequence[Trade], traders: Collection[Trader]) -> RoundResult:
    """Put a round's trades and its traders' profits beside what theory predicts."""
    equilibrium = round_equilibrium(traders)
    volume = sum(trade.quantity for trade in trades)
    paid = sum(trade.price * trade.quantity for trade in trades)
    realized = sum(sum(trade.buyer_values) - sum(trade.seller_costs) for trade in trades)
    profits = {trader.agent_id: trader.profit for trader in traders}
    predicted = [equilibrium_profit(trader.units, trader.side, equilibrium.price) for trader in traders]
    return RoundResult(
        trades=tuple(trades),
        volume=volume,
        mean_price=paid / volume if volume else None,
        equilibrium=equilibrium,
        realized_surplus=realized,
        maximum_surplus=equilibrium.surplus,
        efficiency=allocative_efficiency(realized, equilibrium.surplus),
        smith_alpha=smith_alpha(
            [trade.price for trade in trades], equilibrium.price, [trade.quantity for trade in trades]
        ),
        profit_dispersion=profit_dispersion(list(profits.values()), predicted),
        profits=profits,
    )
