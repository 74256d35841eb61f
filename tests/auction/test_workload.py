from random import Random

from market_agents.economics.orders import Order, Side
from market_agents.environments.mechanisms.auction import INSTITUTIONS


def test_the_reference_workload_gives_the_known_trades() -> None:
    rng = Random(42)
    trades = price_sum = 0
    for _ in range(200):
        book = INSTITUTIONS["lob"]()
        bidding = [1] * 500 + [0] * 500
        rng.shuffle(bidding)
        for number, is_bid in enumerate(bidding, 1):
            limit = rng.randint(1, 200)
            price = rng.randint(1, limit) if is_bid else rng.randint(limit, 200)
            side = Side.BID if is_bid else Side.ASK
            for fill in book.submit(Order(number, f"agent_{number}", side, price, 1)):
                trades += fill.quantity
                price_sum += fill.price
    assert (trades, price_sum) == (24_803, 2_493_670)
