"""The double-auction tournament of the Santa Fe Institute: its tokens and its games.

Rust, Miller & Palmer (1994), *Characterizing effective trading strategies*, Journal of Economic Dynamics and
Control 18(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from market_agents.economics.reference_markets import Market
from market_agents.laboratory import simulate_market
from market_agents.rng import RandomStreams

HIGHEST_PRICE = 2000
ROUNDS = 2
PERIODS = 3
STEPS = 75


class Game(NamedTuple):
    """What a game came to, over all its rounds and periods.

    Attributes:
        surplus: realised.
        maximum: what was possible.
        times: the step of each trade, from 1 to `STEPS`.
    """

    surplus: float
    maximum: float
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tournament:
    """Games of one type with one kind of trader.

    Attributes:
        game_type: four digits, each the exponent behind one range: R_i = 3^digit − 1.
        traders: on each side.
        tokens: units of each trader.
        trader: the name of a strategy.
    """

    game_type: str = "6453"
    traders: int = 4
    tokens: int = 4
    trader: str = "zi_c"

    def draw(self, rng: Random) -> Market:
        """Token values: A + B + C_k + D_jk for buyers, A + C_k + D_jk for sellers.

        A ~ U[0, R1] and B ~ U[0, R2] are common to all, C_k ~ U[0, R3] to all k-th tokens, D_jk ~ U[0, R4] is
        each token's own.
        """
        ranges = [3 ** int(digit) - 1 for digit in self.game_type]
        common, for_buyers = rng.randint(0, ranges[0]), rng.randint(0, ranges[1])
        by_token = [rng.randint(0, ranges[2]) for _ in range(self.tokens)]

        def units(base: int) -> list[int]:
            return [base + shared + rng.randint(0, ranges[3]) for shared in by_token]

        values = [sorted(units(common + for_buyers), reverse=True) for _ in range(self.traders)]
        costs = [sorted(units(common)) for _ in range(self.traders)]
        return Market(tuple(map(tuple, values)), tuple(map(tuple, costs)))

    def play(self, seed: int) -> Game:
        """One game: tokens are drawn anew in each round and stay for its periods."""
        streams = RandomStreams(seed)
        surplus = maximum = 0.0
        times: list[int] = []
        for number in range(ROUNDS):
            market = self.draw(streams.stream("tokens", number))
            for period in simulate_market(
                market.values,
                market.costs,
                trader=self.trader,
                institution="aurora",
                periods=PERIODS,
                seed=streams.below("round", number).seed,
                max_price=HIGHEST_PRICE,
                activations=STEPS,
            ):
                surplus += period.surplus
                maximum += period.equilibrium.surplus
                times += period.times
        return Game(surplus, maximum, tuple(times))
