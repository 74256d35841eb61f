"""Every institution does, order by order, what its plain restatement does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_agents.economics.orders import Order, OrderStatus, Side
from market_agents.environments.mechanisms.auction import INSTITUTIONS
from tests.auction.builders import Book, Match
from tests.auction.naive_book import NAIVE_BOOKS

sides = st.sampled_from(Side)
prices = st.integers(1, 12)
quantities = st.integers(1, 4)
flows = st.lists(st.tuples(sides, prices, quantities), max_size=14)
QUEUES = ["call", "lob", "mcafee", "midpoint"]
names = st.sampled_from(QUEUES)


class AgainstNaiveBook(RuleBasedStateMachine):
    """Orders, cancellations, clearings and expiries in any sequence, in both books at once."""

    name = "lob"

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(self.name)
        self.naive = NAIVE_BOOKS[self.name]()
        self.unpriced: set[int] = set()
        self.final: dict[int, tuple[OrderStatus, int]] = {}

    def live(self) -> list[Order]:
        return [order for order in self.book.orders if order.live]

    @rule(side=sides, price=prices, quantity=quantities)
    def submit(self, side: Side, price: int, quantity: int) -> None:
        admitted = self.book.admits(side, price)
        assert admitted == self.naive.admits(side, price)
        if not admitted:
            return
        order = self.book.submit(side, price, quantity)
        self.naive.submit(order.order_id, side, price, quantity)

    @precondition(lambda self: self.book.institution.continuous)
    @rule(side=sides, quantity=quantities, cash=st.integers(0, 60), goods=st.integers(0, 5))
    def take(self, side: Side, quantity: int, cash: int, goods: int) -> None:
        order = self.book.take(side, quantity, cash=cash, goods=goods)
        self.unpriced.add(order.order_id)
        self.naive.take(order.order_id, side, quantity, cash, goods)
        taken = [match for match in self.book.matches if order.order_id in match[:2]]
        assert not order.live
        assert order.filled == sum(match[3] for match in taken) == quantity - order.remaining
        assert side is Side.ASK or sum(match[2] * match[3] for match in taken) <= cash
        assert side is Side.BID or order.filled <= goods

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.live()))
        self.book.institution.cancel(order)
        self.naive.cancel(order.order_id)

    @rule()
    def clear(self) -> None:
        self.book.clear()
        self.naive.clear()

    @rule(first=st.integers(0, 9))
    def expire(self, first: int) -> None:
        # Seldom, so that books have time to grow.
        if first == 0:
            gone = [order.order_id for order in self.book.institution.expire()]
            assert gone == self.naive.expire()

    @invariant()
    def both_books_tell_the_same(self) -> None:
        assert self.book.matches == self.naive.matches
        assert self.book.depth() == (self.naive.depth(Side.BID), self.naive.depth(Side.ASK))
        assert {order.order_id: order.remaining for order in self.live()} == {
            order.number: order.left for order in self.naive.orders if order.left > 0
        }

    @invariant()
    def open_units_are_counted(self) -> None:
        for side in Side:
            seen = sum(order.left for order in self.naive.queue(side, visible_only=True))
            assert self.book.institution.open_units(side) == (None if self.book.institution.sealed else seen)

    @invariant()
    def what_is_seen_does_not_cross(self) -> None:
        bid, ask = self.book.institution.best_bid(), self.book.institution.best_ask()
        assert bid is None or ask is None or bid < ask

    @invariant()
    def final_states_are_final_and_units_add_up(self) -> None:
        for order in self.book.orders:
            traded = sum(match[3] for match in self.book.matches if order.order_id in match[:2])
            assert order.filled == traded
            if order.status.is_final:
                assert self.final.setdefault(order.order_id, (order.status, traded)) == (order.status, traded)
            else:
                assert order.order_id not in self.final

    @invariant()
    def prices_lie_between_the_limits(self) -> None:
        for bid, ask, price, _ in self.book.matches:
            assert ask in self.unpriced or self.book.orders[ask - 1].price <= price
            assert bid in self.unpriced or price <= self.book.orders[bid - 1].price


class MidpointAgainstNaiveBook(AgainstNaiveBook):
    name = "midpoint"


class ClearingAgainstNaiveBook(AgainstNaiveBook):
    name = "gs"


class CallAgainstNaiveBook(AgainstNaiveBook):
    name = "call"


class TradeReductionAgainstNaiveBook(AgainstNaiveBook):
    name = "mcafee"


TestLimitOrderBook = AgainstNaiveBook.TestCase
TestMidpoint = MidpointAgainstNaiveBook.TestCase
TestClearingBook = ClearingAgainstNaiveBook.TestCase
TestCall = CallAgainstNaiveBook.TestCase
TestTradeReduction = TradeReductionAgainstNaiveBook.TestCase
for case in (TestLimitOrderBook, TestMidpoint, TestClearingBook, TestCall, TestTradeReduction):
    case.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
del case  # which would be collected once more


def traded(name: str, flow: Sequence[tuple[Side, int, int]]) -> list[Match]:
    made = Book(name)
    for side, price, quantity in flow:
        made.submit(side, price, quantity)
    made.clear()
    return made.matches


@given(names, flows, st.integers(2, 50))
def test_scaling_all_prices_scales_the_trades(
    name: str, flow: list[tuple[Side, int, int]], factor: int
) -> None:
    # Even prices, because a half tick cannot be scaled.
    even = [(side, 2 * price, quantity) for side, price, quantity in flow]
    scaled = [(side, factor * price, quantity) for side, price, quantity in even]
    assert traded(name, scaled) == [
        (bid, ask, factor * price, q) for bid, ask, price, q in traded(name, even)
    ]


@given(st.sampled_from(["call", "lob", "midpoint"]), flows, sides, quantities)
def test_an_order_that_cannot_match_leaves_the_trades_unchanged(
    name: str, flow: list[tuple[Side, int, int]], side: Side, quantity: int
) -> None:
    flow = [(own, price + 1, units) for own, price, units in flow]
    hopeless = (side, 1 if side is Side.BID else 99, quantity)
    assert traded(name, [*flow, hopeless]) == traded(name, flow)


@given(names, flows)
def test_no_fill_passes_by_a_better_or_equal_and_earlier_order(
    name: str, flow: list[tuple[Side, int, int]]
) -> None:
    left = {number: quantity for number, (_, _, quantity) in enumerate(flow, 1)}
    made = Book(name)
    for side, price, quantity in flow:
        made.submit(side, price, quantity)
    made.clear()
    for bid, ask, _, quantity in made.matches:
        # On a continuous book only what arrived before the fill could have been passed by.
        there = max(bid, ask) if name == "lob" else len(flow)
        for taken in (bid, ask):
            side, price, _ = flow[taken - 1]
            better = [
                number
                for number, (own, other, _) in enumerate(flow[:there], 1)
                if own is side and left[number] and (other > price if side is Side.BID else other < price)
            ]
            earlier = [
                number
                for number, (own, other, _) in enumerate(flow[: taken - 1], 1)
                if own is side and left[number] and other == price
            ]
            assert (better, earlier) == ([], [])
        left[bid] -= quantity
        left[ask] -= quantity


@settings(deadline=None)
@given(flows, st.randoms(use_true_random=False))
def test_a_call_market_does_not_care_who_came_first(flow: list[tuple[Side, int, int]], rng: Random) -> None:
    shuffled = list(flow)
    rng.shuffle(shuffled)
    one, other = traded("call", flow), traded("call", shuffled)
    assert {match[2] for match in one} == {match[2] for match in other}
    assert sum(match[3] for match in one) == sum(match[3] for match in other)


@pytest.mark.parametrize("name", QUEUES)
def test_the_same_orders_give_the_same_trades(name: str) -> None:
    rng = Random(5)
    flow = [(rng.choice([*Side]), rng.randint(1, 90), rng.randint(1, 5)) for _ in range(400)]
    assert traded(name, flow) == traded(name, flow)
    assert len(traded(name, flow)) > 50


@pytest.mark.parametrize("name", sorted(INSTITUTIONS))
def test_institutions_are_known_by_their_own_name(name: str) -> None:
    assert INSTITUTIONS[name].name == name
