"""How traders come to act within a period, one function per kind of institution."""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random

from market_agents.laboratory.floor import Floor, Seat

Protocol = Callable[[Floor, Random, int], int]
"""Runs a period with chance from a stream, for at most so many activations; returns how many there were."""


def activate(floor: Floor, rng: Random, activations: int) -> int:
    """`activation` where the floor carries out every act itself; here and below, all seats have strategies."""
    calls = activation(floor, rng, activations)
    while True:
        try:
            seat = next(calls)
        except StopIteration as end:
            return int(end.value)
        raise ValueError(f"nobody carries out what {seat.agent_id} does")


def activation(floor: Floor, rng: Random, activations: int) -> Generator[Seat, None, int]:
    """One trader with units left at a time, drawn uniformly, acts on the book of the moment.

    Where all are told how eager they are, the draw is in proportion to that, and nobody eager ends the period.

    Args:
        floor: which is open.
        rng: where the draws come from.
        activations: the most in the period.

    Yields:
        Each trader drawn that acts outside; it has acted, and the floor has heard it, when the next one is asked for.

    Returns:
        How many activations there were.
    """
    market, active, draw, heard = floor.market, floor.active, rng.random, floor.heard
    if floor.is_over():
        return 0
    eager = all(_eagerness(seat) is not None for seat in active)
    act = floor.quote_and_look if market.watches_book else floor.quote
    trades, traded, present = market.trades, 0, len(active)
    for number in range(1, activations + 1):
        seat = _most_eager(active, rng) if eager else active[int(draw() * present)]
        if seat is None:
            return number - 1
        seat.view.progress = number / activations
        if seat.inside is None:
            yield seat
            if len(trades) == traded:
                continue
        else:
            price = act(seat)
            if price is None:
                continue
            if len(trades) == traded:
                if heard:
                    floor.shout(bid=seat.buying, price=price, accepted=False)
                continue
            floor.settle(number)
            floor.shout(bid=seat.buying, price=trades[-1].price, accepted=True)
        traded = len(trades)
        present = len(active)
        if floor.is_over():
            return number
    return activations


def _most_eager(active: list[Seat], rng: Random) -> Seat | None:
    """One seat drawn in proportion to eagerness; None if nobody is eager."""
    weights = [_eagerness(seat) or 0.0 for seat in active]
    if not any(weights):
        return None
    return rng.choices(active, weights)[0]


def _eagerness(seat: Seat) -> float | None:
    return None if seat.strategy is None else seat.strategy.eagerness(seat.view)


def quote_and_deal(floor: Floor, rng: Random, steps: int) -> int:
    """AURORA: in each step first the buyers, then the sellers quote in random order, then the two best may deal."""
    market = floor.market
    for step in range(1, steps + 1):
        if floor.is_over():
            return step - 1
        for buying in (True, False):
            side = [seat for seat in floor.active if seat.buying == buying]
            rng.shuffle(side)
            for seat in side:
                seat.view.progress = step / steps
                price = floor.quote(seat)
                if price is not None:
                    floor.shout(bid=buying, price=price, accepted=False)
        market.end_turn()
        _deal(floor, rng, step)
        market.end_turn()
    return steps


def _deal(floor: Floor, rng: Random, step: int) -> None:
    """Let the holders of the best quotes accept, in random order, until one does."""
    market = floor.market
    prices = {True: market.institution.best_ask(), False: market.institution.best_bid()}
    if None in prices.values():
        return
    holders = [seat for seat in floor.active if market.has_open_order(seat.agent_id)]
    rng.shuffle(holders)
    for seat in holders:
        price = prices[seat.buying]
        if price is None or seat.strategy is None or not seat.strategy.accepts(seat.view):
            continue
        if market.place(seat.agent_id, price) is None:
            floor.settle(step)
            floor.shout(bid=seat.buying, price=price, accepted=True)
            return


def call_once_per_unit(floor: Floor, rng: Random, activations: int) -> int:
    """A clearing house: all quote, in random order, and it clears; once for each unit that somebody may have."""
    calls = max((seat.view.units_left for seat in floor.active), default=0)
    return _clear_repeatedly(floor, rng, activations, calls)


def clear_turn_by_turn(floor: Floor, rng: Random, activations: int) -> int:
    """Simultaneous turns: all quote, in random order, and the market clears, until nobody can gain."""
    return _clear_repeatedly(floor, rng, activations, activations)


def _clear_repeatedly(floor: Floor, rng: Random, activations: int, turns: int) -> int:
    used = 0
    for _ in range(turns):
        order = list(floor.active)
        if floor.is_over() or used + len(order) > activations:
            break
        rng.shuffle(order)
        for seat in order:
            used += 1
            seat.view.progress = used / activations
            price = floor.quote(seat)
            if price is not None:
                floor.shout(bid=seat.buying, price=price, accepted=False)
        before = len(floor.times)
        floor.market.clear()
        floor.market.look()
        floor.settle(used)
        for trade in floor.market.trades[before:]:
            floor.shout(bid=True, price=trade.price, accepted=True)
    return used


PROTOCOLS: dict[str, Protocol] = {
    "aurora": quote_and_deal,
    "call": call_once_per_unit,
    "gs": activate,
    "lob": activate,
    "mcafee": call_once_per_unit,
    "midpoint": clear_turn_by_turn,
}
"""By institution."""
