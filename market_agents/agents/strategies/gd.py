"""Gjerstad–Dickhaut traders: quotes that maximise expected surplus under beliefs from the recent past.

Gjerstad & Dickhaut (1998), *Price formation in double auctions*, Games and Economic Behavior 22(1). Beliefs are
joined linearly between the prices observed, where the paper uses cubic splines.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from market_agents.agents.strategies.strategy import MarketView, QuotingStrategy, Shout

MEMORY = 5
"""L: quotes are remembered back to the one before the last L trades."""

Floats: TypeAlias = NDArray[np.float64]


class _Message:
    """A quote, and whether it was taken."""

    __slots__ = ("bid", "price", "taken")

    def __init__(self, *, bid: bool, price: int, taken: bool) -> None:
        self.bid = bid
        self.price = price
        self.taken = taken


class GDMemory:
    """The market's recent past and what follows from it; an `Ear` that traders may share.

    With a price x, a seller believes that an ask is taken with (TA≥x + B≥x)/(TA≥x + B≥x + RA≤x), where TA are
    taken asks, B bids and RA asks not taken; a buyer that a bid is taken with (TB≤x + A≤x)/(TB≤x + A≤x + RB≥x).

    Args:
        memory: L, in trades.

    Attributes:
        version: rises whenever beliefs may have changed.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self.version = 0
        self._past: deque[list[_Message]] = deque(maxlen=memory)
        self._current: list[_Message] = []
        self._beliefs: dict[tuple[bool, int], Floats] = {}

    def begin_period(self) -> None:
        """What was quoted in vain at the end of a period is remembered with its next trade."""

    def hear(self, shout: Shout) -> None:
        """Remember a quote; where it traded, mark the standing quote that it took."""
        self.version += 1
        self._beliefs.clear()
        if not shout.accepted:
            self._current.append(_Message(bid=shout.bid, price=shout.price, taken=False))
            return
        for message in reversed(self._current):
            if message.bid != shout.bid and message.price == shout.price:
                message.taken = True
                break
        else:
            self._current.append(_Message(bid=not shout.bid, price=shout.price, taken=True))
        self._past.append(self._current)
        self._current = []

    def belief(self, top: int, *, buying: bool) -> Floats:
        """The probability that a quote is taken, for each price from 0 to ``top`` ticks."""
        key = (buying, top)
        if key not in self._beliefs:
            self._beliefs[key] = self._believe(top, buying=buying)
        return self._beliefs[key]

    def _believe(self, top: int, *, buying: bool) -> Floats:
        heard = [*(message for trade in self._past for message in trade), *self._current]
        grid = sorted({message.price for message in heard if 0 < message.price < top})
        prices = np.array([message.price for message in heard], dtype=np.float64)
        bids = np.array([message.bid for message in heard], dtype=np.bool_)
        taken = np.array([message.taken for message in heard], dtype=np.bool_)
        at = np.array(grid, dtype=np.float64)[:, None]
        below, above = prices <= at, prices >= at
        if buying:
            good = (below & ((bids & taken) | ~bids)).sum(axis=1)
            bad = (above & bids & ~taken).sum(axis=1)
        else:
            good = (above & ((~bids & taken) | bids)).sum(axis=1)
            bad = (below & ~bids & ~taken).sum(axis=1)
        known = np.where(good + bad > 0, good / np.maximum(good + bad, 1), 0.0)
        ends = (0.0, 1.0) if buying else (1.0, 0.0)
        curve: Floats = np.interp(np.arange(top + 1), [0, *grid, top], [ends[0], *known, ends[1]])
        return curve


class GD(QuotingStrategy):
    """One Gjerstad–Dickhaut trader.

    It picks the price that improves its side's best quote with the largest expected surplus, a quote that takes
    the standing opposite one being sure of that one's price. The larger its expected surplus, the more eager it is.

    Args:
        memory: what it has heard; shared by a population.
    """

    def __init__(self, memory: GDMemory | None = None) -> None:
        super().__init__()
        self._memory = memory or GDMemory()
        self.ear = self._memory
        self._key: tuple[int, int, int | None, int | None] | None = None
        self._choice: tuple[int | None, float] = (None, 0.0)

    def quote(self, view: MarketView, rng: Random) -> int | None:  # noqa: ARG002  (nothing is left to chance)
        """The best price; None where no improving price gains anything."""
        return self._choose(view)[0]

    def eagerness(self, view: MarketView) -> float:
        """The expected surplus of the best price, in ticks; 0 with nothing to gain."""
        return self._choose(view)[1] if view.units_left else 0.0

    def _choose(self, view: MarketView) -> tuple[int | None, float]:
        key = (self._memory.version, view.limit, view.best_bid, view.best_ask)
        if key != self._key:
            self._key = key
            self._choice = self._best_bid(view) if view.buying else self._best_ask(view)
        return self._choice

    def _best_bid(self, view: MarketView) -> tuple[int | None, float]:
        limit, ask = view.limit, view.best_ask
        top = _top(view)
        low = 1 if view.best_bid is None else view.best_bid + 1
        high = min(limit, top) if ask is None else min(limit, top, ask - 1)
        choice, gain = _best(self._memory.belief(top, buying=True), low, high, limit, 1)
        if ask is not None and limit - ask >= max(gain, 1):
            return ask, float(limit - ask)
        return choice, gain

    def _best_ask(self, view: MarketView) -> tuple[int | None, float]:
        limit, bid = view.limit, view.best_bid
        top = _top(view)
        low = max(limit, 1) if bid is None else max(limit, bid + 1)
        high = top if view.best_ask is None else min(top, view.best_ask - 1)
        choice, gain = _best(self._memory.belief(top, buying=False), low, high, limit, -1)
        if bid is not None and bid - limit >= max(gain, 1):
            return bid, float(bid - limit)
        return choice, gain


def _best(belief: Floats, low: int, high: int, limit: int, sign: int) -> tuple[int | None, float]:
    """The price from ``low`` to ``high`` with the largest expected surplus, and that surplus."""
    if high < low:
        return None, 0.0
    prices = np.arange(low, high + 1)
    expected = sign * (limit - prices) * belief[low : high + 1]
    best = int(expected.argmax())
    gain = float(expected[best])
    return (low + best, gain) if gain > 0 else (None, 0.0)


def _top(view: MarketView) -> int:
    """Where beliefs end."""
    if view.max_price is not None:
        return view.max_price
    known = (view.limit, view.best_bid or 0, view.best_ask or 0, view.last_price or 0)
    return 2 * max(known)


def gd_population(size: int, seed: int) -> list[QuotingStrategy]:  # noqa: ARG001  (nothing is left to chance)
    """Traders that share one memory."""
    memory = GDMemory()
    return [GD(memory) for _ in range(size)]
