"""Zero-intelligence-plus traders: a profit margin that every shout in the market moves a little.

Cliff & Bruten (1997), *Minimal-intelligence agents for bargaining behaviors in market-based environments*,
Hewlett-Packard Laboratories HPL-97-91. All traders of a crowd learn together, in arrays, because each shout
teaches each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from market_agents.agents.strategies.fixed import within_limit
from market_agents.agents.strategies.strategy import MarketView, QuotingStrategy, Shout

LEARNING_RATE = (0.1, 0.5)
"""β ~ U: how far a price moves to its target at once."""
MOMENTUM = (0.0, 0.1)
"""γ ~ U: how much of the last move is kept up."""
OPENING_MARGIN = (0.05, 0.35)
"""|μ0| ~ U: the share of the limit that is asked on top, or bid less, at first."""
RELATIVE_STEP = 0.05
"""R ~ U[1, 1.05] for a target above a shout, U[0.95, 1] for one below."""
ABSOLUTE_STEP = 5.0
"""A ~ U[0, 5] ticks for a target above a shout, U[−5, 0] for one below."""

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


class ZIPCrowd:
    """What a crowd of ZIP traders has learned; an `Ear`.

    A trader's price is limit·(1 + μ), with μ ≥ 0 for sellers and μ ≤ 0 for buyers. After a shout at q, a trader
    that should move aims at τ = R·q + A; δ = β(τ − p), Γ ← γΓ + (1 − γ)δ, μ ← (p + Γ)/limit − 1, cut at 0 so
    that a margin never changes its sign.

    Args:
        size: how many traders.
        generator: where β, γ, μ0, R and A are drawn from.
    """

    def __init__(self, size: int, generator: np.random.Generator) -> None:
        self.generator = generator
        self._rate: Floats = generator.uniform(*LEARNING_RATE, size)
        self._momentum: Floats = generator.uniform(*MOMENTUM, size)
        self._margin: Floats = generator.uniform(*OPENING_MARGIN, size)
        self._move: Floats = np.zeros(size)
        self._limit: Floats = np.ones(size)
        self._sign: Floats = np.ones(size)
        self._buying: Flags = np.zeros(size, dtype=np.bool_)
        self._active: Flags = np.zeros(size, dtype=np.bool_)
        self._known: Flags = np.zeros(size, dtype=np.bool_)
        self._price: Floats = np.ones(size)
        # What each would shout itself: between two ticks a trader would else believe that it had offered more than
        # the market turned down, and with both sides one tick apart nobody would move again.
        self._quoted: Floats = np.ones(size)

    def draw_parameters(self, index: int, generator: np.random.Generator) -> None:
        """Draw one trader's β, γ and μ0 from a stream of its own."""
        self._rate[index] = generator.uniform(*LEARNING_RATE)
        self._momentum[index] = generator.uniform(*MOMENTUM)
        self._margin[index] = generator.uniform(*OPENING_MARGIN)

    def price(self, index: int) -> float:
        """A trader's price in ticks, not rounded."""
        return float(self._price[index])

    def open(self, index: int, *, buying: bool, limit: int | None) -> None:
        """Take notice of a trader's next unit; None where it has none left, and then its last limit stays."""
        self._known[index] = True
        self._buying[index] = buying
        self._sign[index] = -1.0 if buying else 1.0
        self._active[index] = limit is not None
        if limit is not None:
            self._limit[index] = max(limit, 1)
            self._price[index] = self._limit[index] * (1 + self._sign[index] * self._margin[index])
            self._quoted[index] = round(self._price[index])

    def begin_period(self) -> None:
        """Nothing is forgotten from one period to the next."""

    def hear(self, shout: Shout) -> None:
        """Move the prices of those whom a shout concerns."""
        price = self._quoted
        above = price > shout.price
        if shout.accepted:
            # All whose price the market would have met ask more of it; those who would have missed a willing
            # counterpart, while they have units, come closer.
            up = ~self._buying & (price <= shout.price)
            down = self._buying & (price >= shout.price)
            if shout.bid:
                down |= ~self._buying & above & self._active
            else:
                up |= self._buying & (price < shout.price) & self._active
        elif shout.bid:
            up, down = self._buying & ~above & self._active, None
        else:
            up, down = None, ~self._buying & (price >= shout.price) & self._active
        if up is not None:
            self._aim(np.flatnonzero(up & self._known), shout.price, 1.0)
        if down is not None:
            self._aim(np.flatnonzero(down & self._known), shout.price, -1.0)

    def _aim(self, who: NDArray[np.intp], shout: float, direction: float) -> None:
        """Let some traders move toward targets on one side of a shout."""
        if not who.size:
            return
        draws = self.generator.random((2, who.size))
        target = (1 + direction * RELATIVE_STEP * draws[0]) * shout + direction * ABSOLUTE_STEP * draws[1]
        price, momentum, sign = self._price[who], self._momentum[who], self._sign[who]
        move = momentum * self._move[who] + (1 - momentum) * self._rate[who] * (target - price)
        self._move[who] = move
        limit = self._limit[who]
        margin = np.maximum(sign * ((price + move) / limit - 1), 0.0)
        # A buyer that gives up all of its limit quotes one tick.
        margin = np.where(sign < 0, np.minimum(margin, 1 - 1 / limit), margin)
        self._margin[who] = margin
        self._price[who] = moved = limit * (1 + sign * margin)
        self._quoted[who] = np.rint(moved)


class ZIP(QuotingStrategy):
    """One ZIP trader.

    Args:
        crowd: whom it learns with; None for a crowd of its own, made from the stream of its first turn.
        index: its place in the crowd.
    """

    def __init__(self, crowd: ZIPCrowd | None = None, index: int = 0) -> None:
        super().__init__()
        self._crowd = crowd
        self._index = index
        self.ear = crowd

    def draw_from(self, rng: Random) -> None:
        """Draw what is learned in this turn, and at first the trader's parameters, from ``rng``."""
        generator = np.random.default_rng(rng.getrandbits(64))
        if self._crowd is None:
            self.ear = self._crowd = ZIPCrowd(1, generator)
        self._crowd.generator = generator

    def prepare(self, view: MarketView) -> None:
        """Tell the crowd which unit is next."""
        if self._crowd is not None:
            limit = view.limit if view.units_left else None
            self._crowd.open(self._index, buying=view.buying, limit=limit)

    def quote(self, view: MarketView, rng: Random) -> int | None:
        """The price that margin and limit give, rounded to the tick but never beyond the limit."""
        if self._crowd is None:
            self.draw_from(rng)
            self.prepare(view)
        price = round(self._crowd.price(self._index)) if self._crowd is not None else view.limit
        return within_limit(view, price)


def zip_population(size: int, seed: int, members: Sequence[int] | None = None) -> list[QuotingStrategy]:
    """A crowd of ZIP traders that draw from one stream.

    Args:
        size: how many.
        seed: of the crowd's stream.
        members: a seed for each trader's own parameters, so that one more trader leaves those of the others as
            they are; None to draw them from the crowd's stream too.
    """
    crowd = ZIPCrowd(size, np.random.default_rng(seed))
    for index, member in enumerate(members or ()):
        crowd.draw_parameters(index, np.random.default_rng(member))
    return [ZIP(crowd, index) for index in range(size)]
