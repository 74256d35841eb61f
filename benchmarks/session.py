"""What a step of a session costs: the laboratory beside a plain Python loop of the same market, in one run.

    python -m benchmarks.session [--traders 20 100 1000] [--steps 200000] [--zip-steps 20000]

N traders, half buyers and half sellers, one unit a period, limits evenly spaced from 80 to 320, 20 activations for
each trader and period; bids U{1..value}, asks U{cost..500}, a quote replaces its trader's own. The plain loop keeps
quotes as tuples in heaps and checks nothing; the laboratory drives the mechanism with ownership, admission and
reservations, and the strategies as they are. The last line is ZIP, whom every quote teaches. CPU time.
"""

from __future__ import annotations

import argparse
import time
from heapq import heappop, heappush
from random import Random

from market_agents.laboratory import simulate_market

LOWEST, HIGHEST, MAX_PRICE = 80, 320, 500
ACTIVATIONS = 20
ZIP_GOAL = 10_000
STEP_GOAL = 300_000


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traders", type=int, nargs="+", default=[20, 100, 1000])
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--zip-steps", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs counts; default: 3")
    arguments = parser.parse_args()
    print(f"{'traders':>8} {'steps/s':>10} {'plain loop':>11} {'ratio':>6}   goal {STEP_GOAL:,} steps/s")
    rates = []
    for traders in arguments.traders:
        periods = max(1, arguments.steps // (ACTIVATIONS * traders))
        ours = max(laboratory(traders, periods, "zi_c") for _ in range(arguments.repeat))
        plain = max(plain_loop(traders, periods) for _ in range(arguments.repeat))
        rates.append(ours)
        print(f"{traders:>8} {ours:>10,.0f} {plain:>11,.0f} {ours / plain:>6.2f}")
    print(f"fastest over slowest: {max(rates) / min(rates):.2f} (goal 1.5)")
    largest = max(arguments.traders)
    periods = max(1, arguments.zip_steps // (ACTIVATIONS * largest))
    rate = laboratory(largest, periods, "zip")
    print(f"ZIP, {largest} traders: {rate:,.0f} steps/s (goal {ZIP_GOAL:,})")


def limits(traders: int) -> list[int]:
    """One side's values or costs, evenly spaced."""
    count = traders // 2
    return [LOWEST + round((HIGHEST - LOWEST) * place / max(count - 1, 1)) for place in range(count)]


def laboratory(traders: int, periods: int, strategy: str) -> float:
    """Steps a second of the laboratory."""
    side = [(limit,) for limit in limits(traders)]
    started = time.process_time()
    results = simulate_market(
        side,
        side,
        trader=strategy,
        periods=periods,
        seed=1,
        max_price=MAX_PRICE,
        activations=ACTIVATIONS * traders,
    )
    return sum(result.activations for result in results) / (time.process_time() - started)


def plain_loop(traders: int, periods: int) -> float:
    """Steps a second of a loop that does no more than the market needs."""
    side = limits(traders)
    rng = Random(1)
    started = time.process_time()
    steps = sum(_plain_period(side, ACTIVATIONS * traders, rng) for _ in range(periods))
    return steps / (time.process_time() - started)


def _plain_period(side: list[int], activations: int, rng: Random) -> int:
    draw = rng.random
    count = len(side)
    active = list(range(2 * count))
    current = [0] * (2 * count)
    bids: list[tuple[int, int, int]] = []
    asks: list[tuple[int, int, int]] = []
    for step in range(1, activations + 1):
        if not active:
            return step
        position = int(draw() * len(active))
        trader = active[position]
        buying = trader < count
        if buying:
            price = 1 + int(draw() * side[trader])
            own, other, sign = bids, asks, -1
        else:
            limit = side[trader - count]
            price = limit + int(draw() * (MAX_PRICE - limit + 1))
            own, other, sign = asks, bids, 1
        while other and current[other[0][2]] != other[0][1]:
            heappop(other)
        if other and (price >= other[0][0] if buying else price <= -other[0][0]):
            rival = heappop(other)[2]
            current[trader] = current[rival] = -1
            active.remove(trader)
            active.remove(rival)
        else:
            current[trader] = step
            heappush(own, (sign * price, step, trader))
    return activations


if __name__ == "__main__":
    main()
