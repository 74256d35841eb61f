"""Where the prices that people name go in a round: against equilibrium, against later orders, towards each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from market_agents.reporting.prices import Mention, mentions
from market_agents.reporting.records import Talk
from market_agents.reporting.statistics import relative_dispersion

AGREEMENT_BAND = 0.05
"""How far from the median a price may lie to count as agreed, as a share of the median."""


@dataclass(frozen=True, slots=True)
class PricePath:
    """The prices named in one conversation, all money in currency; None where it is not defined.

    With the n mentions in their order, the opening half is the first ⌊n/2⌋ of them and the closing half the
    last ⌊n/2⌋; with one mention it is both. Medians are used, which single wild prices hardly move.

    Attributes:
        mentions: every price named.
        opening: median of the opening half.
        closing: median of the closing half.
        drift: closing − opening; None for fewer than two mentions.
        equilibrium_low: lower end of the round's equilibrium interval.
        equilibrium_high: its upper end.
        opening_gap: how far ``opening`` lies outside the interval: 0 inside, above 0 beyond the upper end,
            below 0 beyond the lower end.
        closing_gap: the same of ``closing``.
        approach: |opening_gap| − |closing_gap|: above 0 where talk moved towards equilibrium.
        bids: bids of the members that followed in the same round, whatever became of them unless refused.
        asks: asks, likewise.
        bid: median price of those bids.
        ask: median price of those asks.
        bid_gap: bid − closing.
        ask_gap: ask − closing.
        order_approach: |opening − m| − |closing − m|, m being the mean of ``bid`` and ``ask``, or whichever is
            there: above 0 where talk moved towards the orders that followed.
        word_and_deed: mean of |own order price − the last price that the same member named| over the orders
            of members who named one.
    """

    mentions: tuple[Mention, ...]
    opening: float | None
    closing: float | None
    drift: float | None
    equilibrium_low: float | None
    equilibrium_high: float | None
    opening_gap: float | None
    closing_gap: float | None
    approach: float | None
    bids: int
    asks: int
    bid: float | None
    ask: float | None
    bid_gap: float | None
    ask_gap: float | None
    order_approach: float | None
    word_and_deed: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the members agree on a price; None where it is not defined.

    Attributes:
        median: of all prices named, in currency.
        band: half-width of what counts as agreed, as a share of the median.
        within: share of the prices within the band, 0 to 1.
        opening_dispersion: median absolute deviation of the opening half of the mentions over its median.
        closing_dispersion: the same of the closing half.
        convergence: opening − closing dispersion: above 0 where prices moved towards each other; None for
            fewer than four mentions.
    """

    median: float | None
    band: float
    within: float | None
    opening_dispersion: float | None
    closing_dispersion: float | None
    convergence: float | None


def price_path(talk: Talk, named: Sequence[Mention] | None = None) -> PricePath:
    """Follow the prices of a conversation.

    Args:
        talk: the conversation with its round's equilibrium and the orders that followed.
        named: its mentions, where they are known already.
    """
    found = tuple(mentions(talk) if named is None else named)
    first, last = halves([mention.price for mention in found])
    opening, closing = _median(first), _median(last)
    low, high = talk.equilibrium or (None, None)
    opening_gap, closing_gap = _outside(opening, talk.equilibrium), _outside(closing, talk.equilibrium)
    bids = [order.price for order in talk.orders if order.side == "bid"]
    asks = [order.price for order in talk.orders if order.side == "ask"]
    bid, ask = _median(bids), _median(asks)
    ordered = [price for price in (bid, ask) if price is not None]
    middle = fmean(ordered) if ordered else None
    return PricePath(
        mentions=found,
        opening=opening,
        closing=closing,
        drift=_minus(closing, opening) if len(found) > 1 else None,
        equilibrium_low=low,
        equilibrium_high=high,
        opening_gap=opening_gap,
        closing_gap=closing_gap,
        approach=_minus(_size(opening_gap), _size(closing_gap)),
        bids=len(bids),
        asks=len(asks),
        bid=bid,
        ask=ask,
        bid_gap=_minus(bid, closing),
        ask_gap=_minus(ask, closing),
        order_approach=_minus(_size(_minus(opening, middle)), _size(_minus(closing, middle))),
        word_and_deed=_word_and_deed(talk, found),
    )


def agreement(named: Sequence[Mention], band: float = AGREEMENT_BAND) -> Agreement:
    """How far the prices named lie together.

    Args:
        named: the mentions in order.
        band: half-width of what counts as agreed, as a share of the median.
    """
    prices = [mention.price for mention in named]
    first, last = halves(prices)
    middle = _median(prices)
    opening, closing = relative_dispersion(first), relative_dispersion(last)
    # The tolerance keeps a price on the very edge of the band inside it.
    within = [abs(price - middle) <= band * middle * (1 + 1e-9) for price in prices] if middle else []
    return Agreement(
        median=middle,
        band=band,
        within=sum(within) / len(within) if within else None,
        opening_dispersion=opening,
        closing_dispersion=closing,
        convergence=_minus(opening, closing) if len(prices) > 3 else None,
    )


def halves(prices: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The first and the last ⌊n/2⌋ prices; a single one is both."""
    size = max(len(prices) // 2, min(len(prices), 1))
    return prices[:size], prices[len(prices) - size :]


def _word_and_deed(talk: Talk, named: Sequence[Mention]) -> float | None:
    last = {mention.sender_id: mention.price for mention in named}
    distances = [abs(order.price - last[order.agent_id]) for order in talk.orders if order.agent_id in last]
    return fmean(distances) if distances else None


def _outside(price: float | None, interval: tuple[float, float] | None) -> float | None:
    if price is None or interval is None:
        return None
    low, high = interval
    return price - high if price > high else price - low if price < low else 0.0


def _median(prices: Sequence[float]) -> float | None:
    return median(prices) if prices else None


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _size(distance: float | None) -> float | None:
    return None if distance is None else abs(distance)
