"""How a round went on: where surplus was lost, how prices moved, who traded first, and how the book stood."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from market_agents.economics.dynamics import late_share, price_autocorrelation, rank_correlation
from market_agents.economics.liquidity import bid_ask_spread
from market_agents.economics.losses import LossAudit, audit_losses
from market_agents.economics.metrics import gini
from market_agents.economics.orders import Side
from market_agents.environments.mechanisms.auction.events import TradeMade
from market_agents.environments.mechanisms.auction.institutions import Institution
from market_agents.environments.mechanisms.auction.trader import Trader


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """The book as a turn left it, prices in ticks.

    Attributes:
        trades: how many the round had seen by then.
        spread: None where a side is empty or nobody may see the book.
        bid_depth: units open to buy; None where nobody may see the book.
        ask_depth: units open to sell; likewise.
    """

    trades: int
    spread: int | None
    bid_depth: int | None
    ask_depth: int | None


def look_at(institution: Institution, trades: int) -> TurnEnd:
    """The book of the moment, after so many trades, however many orders are open."""
    spread = bid_ask_spread(institution.best_bid(), institution.best_ask())
    bids, asks = institution.open_units(Side.BID), institution.open_units(Side.ASK)
    return TurnEnd(trades, None if spread is None else int(spread), bids, asks)


@dataclass(frozen=True, slots=True)
class BookMeasures:
    """How the book stood at the end of the turns of a round; each None where it is not defined.

    Attributes:
        mean_spread: best ask less best bid, in ticks, over the turns that left both.
        mean_bid_depth: units open to buy, over turns; None where the book is sealed.
        mean_ask_depth: the same to sell.
    """

    mean_spread: float | None
    mean_bid_depth: float | None
    mean_ask_depth: float | None


def measure_book(turns: Sequence[TurnEnd]) -> BookMeasures:
    """Measure the book of a round by what each of its turns left."""
    return BookMeasures(
        mean_spread=_mean([turn.spread for turn in turns]),
        mean_bid_depth=_mean([turn.bid_depth for turn in turns]),
        mean_ask_depth=_mean([turn.ask_depth for turn in turns]),
    )


@dataclass(frozen=True, slots=True)
class RoundMeasures(BookMeasures):
    """What a round's course comes to; money in ticks, each None where it is not defined.

    Attributes:
        losses: the loss audit; what was traded in another market was not traded here, as in this one's efficiency.
        price_autocorrelation: of the changes of price from trade to trade.
        late_trade_share: trades made after half of the round's quotes; where a clearing makes all trades, after half
            of its turns, and None where there was one clearing alone.
        rank_correlation_buyers: 1 where the units worth most were bought first.
        rank_correlation_sellers: 1 where the units that cost least were sold first.
        profit_gini: over all who joined.
    """

    losses: LossAudit | None
    price_autocorrelation: float | None
    late_trade_share: float | None
    rank_correlation_buyers: float | None
    rank_correlation_sellers: float | None
    profit_gini: float | None


def measure_course(
    trades: Sequence[TradeMade], traders: Collection[Trader], turns: Sequence[TurnEnd], orders: range
) -> RoundMeasures:
    """Measure a round.

    Args:
        trades: in the order of trading.
        traders: all who joined.
        turns: how each turn ended.
        orders: the ids of the round's orders, refused ones included.
    """
    buyers = [trader for trader in traders if trader.side is Side.BID]
    sellers = [trader for trader in traders if trader.side is Side.ASK]
    book = measure_book(turns)
    return RoundMeasures(
        losses=audit_losses(
            [_units_from_here(trader) for trader in buyers],
            [_units_from_here(trader) for trader in sellers],
            [trader.traded - trader.traded_elsewhere for trader in buyers],
            [trader.traded - trader.traded_elsewhere for trader in sellers],
        ),
        price_autocorrelation=price_autocorrelation([trade.price for trade in trades]),
        late_trade_share=_late_trades(trades, turns, orders),
        rank_correlation_buyers=rank_correlation([unit for trade in trades for unit in trade.buyer_values]),
        rank_correlation_sellers=rank_correlation([-unit for trade in trades for unit in trade.seller_costs]),
        profit_gini=gini([trader.profit for trader in traders]),
        mean_spread=book.mean_spread,
        mean_bid_depth=book.mean_bid_depth,
        mean_ask_depth=book.mean_ask_depth,
    )


def _units_from_here(trader: Trader) -> tuple[int, ...]:
    """All units of the round, those first that this market could still trade."""
    before = trader.traded_elsewhere
    return trader.units[before:] + trader.units[:before] if before else trader.units


def _late_trades(trades: Sequence[TradeMade], turns: Sequence[TurnEnd], orders: range) -> float | None:
    if any(trade.agent_id is not None for trade in trades):
        # An order that trades on arrival is the younger of the two, and ids count every quote.
        arrivals = [max(trade.bid_order_id, trade.ask_order_id) - orders.start + 1 for trade in trades]
        return late_share(arrivals, len(orders))
    if len(turns) < 2 or turns[-1].trades < len(trades):
        return None  # one clearing at the end of the round made all trades, or the last of them
    times = []
    for number, (before, turn) in enumerate(
        zip([0, *(turn.trades for turn in turns)], turns, strict=False), 1
    ):
        times += [number] * (turn.trades - before)
    return late_share(times, len(turns))


def _mean(entries: Sequence[int | None]) -> float | None:
    known = [entry for entry in entries if entry is not None]
    return fmean(known) if known else None
