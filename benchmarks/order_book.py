"""What an order costs: the limit order book beside plain Python heaps, in one run, on a workload with a known outcome.

    python -m benchmarks.order_book [--repeat 5]

200 periods of 1,000 unit orders each, drawn with ``random.Random(42)``, a new book each period. Every right book
makes 24,803 trades with a price sum of 2,493,670. The plain heaps hold whole order objects and write a record of
each trade; the institution's book also knows states, partial fills and cancellation. CPU time of matching alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from market_agents.economics.orders import Order, Side
from market_agents.environments.mechanisms.auction import INSTITUTIONS

CHECKSUM = (24_803, 2_493_670)
GOAL = 0.6
Flow = list[tuple[int, bool, int]]
"""Number, whether it is a bid, price."""


def main() -> None:
    """Measure, check and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5, help="the best of so many runs counts; default: 5")
    repeat = parser.parse_args().repeat
    flows = workload()
    orders = sum(map(len, flows))
    rates = {}
    for name, run in (("plain heaps of objects", plain_heaps), ("limit order book", limit_order_book)):
        best = float("inf")
        for _ in range(repeat):
            started = time.process_time()
            outcome = run(flows)
            best = min(best, time.process_time() - started)
            if outcome != CHECKSUM:
                raise SystemExit(f"{name}: trades and price sum are {outcome}, not {CHECKSUM}")
        rates[name] = orders / best
        print(f"{name:<24} {rates[name]:>11,.0f} orders/s")
    plain, ours = rates.values()
    print(f"ratio {ours / plain:.2f} (goal {GOAL}); trades and price sum {CHECKSUM} right")


def workload() -> list[Flow]:
    """The orders of all periods."""
    rng = Random(42)
    flows = []
    for _ in range(200):
        bidding = [1] * 500 + [0] * 500
        rng.shuffle(bidding)
        flow = []
        for number, is_bid in enumerate(bidding, 1):
            limit = rng.randint(1, 200)
            flow.append((number, bool(is_bid), rng.randint(1, limit) if is_bid else rng.randint(limit, 200)))
        flows.append(flow)
    return flows


def limit_order_book(flows: list[Flow]) -> tuple[int, int]:
    """The institution ``lob``."""
    trades = price_sum = 0
    bid, ask = Side.BID, Side.ASK
    for flow in flows:
        book = INSTITUTIONS["lob"]()
        for number, is_bid, price in flow:
            for fill in book.submit(Order(number, "agent", bid if is_bid else ask, price, 1)):
                trades += fill.quantity
                price_sum += fill.price
    return trades, price_sum


@dataclass(slots=True)
class PlainOrder:
    """What an order is at least."""

    number: int
    agent_id: str
    is_bid: bool
    price: int
    remaining: int


@dataclass(slots=True)
class PlainTrade:
    """What a trade is at least."""

    bid: PlainOrder
    ask: PlainOrder
    price: int
    quantity: int


def plain_heaps(flows: list[Flow]) -> tuple[int, int]:
    """Two heaps, order objects and trade records, nothing else."""
    trades: list[PlainTrade] = []
    for flow in flows:
        bids: list[tuple[int, int, PlainOrder]] = []
        asks: list[tuple[int, int, PlainOrder]] = []
        for number, is_bid, price in flow:
            order = PlainOrder(number, "agent", is_bid, price, 1)
            own, other, sign = (bids, asks, -1) if is_bid else (asks, bids, 1)
            while order.remaining and other and sign * price <= -other[0][0]:
                rival = other[0][2]
                quantity = min(order.remaining, rival.remaining)
                order.remaining -= quantity
                rival.remaining -= quantity
                pair = (order, rival) if is_bid else (rival, order)
                trades.append(PlainTrade(*pair, rival.price, quantity))
                if not rival.remaining:
                    heappop(other)
            if order.remaining:
                heappush(own, (sign * price, number, order))
    return len(trades), sum(trade.price * trade.quantity for trade in trades)


if __name__ == "__main__":
    main()
