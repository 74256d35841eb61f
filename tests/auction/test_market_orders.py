"""Orders without a price: what they take, what they cost, what is left of them, and where they are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.agents.protocols.market_talk import conversations
from market_agents.economics.accounts import Accounts
from market_agents.economics.orders import OrderStatus, Side
from market_agents.environments.mechanisms.auction import (
    INSTITUTIONS,
    DoubleAuction,
    MarketOrderPlaced,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    TradeMade,
)
from tests.auction.builders import Market, market

BUYERS = {"ann": [100, 95, 90, 85], "amy": [80]}
SELLERS = {"bob": [10, 20, 30], "ben": [15, 25]}


def asks(institution: str = "lob", *, cash: int = 1000) -> Market:
    """Two asks, two units at 40 and one at 50."""
    made = market(buyers=BUYERS, sellers=SELLERS, institution=institution, market_orders=True, cash=cash)
    made.act("ben", "ask", 50, 1)
    made.act("bob", "ask", 40, 2)
    made.auction.take_events()
    return made


def at_market(made: Market, agent_id: str, action: str, quantity: int) -> dict[str, Any]:
    return made.say(agent_id, {"action": action, "order": "market", "quantity": quantity})


def test_it_takes_the_best_quotes_one_after_another_and_what_is_left_is_cancelled() -> None:
    made = asks()
    told = at_market(made, "ann", "bid", 4)
    assert (told["status"], told["own_orders"], told["cash"], told["cash_locked"]) == ("accepted", [], 870, 0)
    events = made.auction.take_events()
    assert events[0] == MarketOrderPlaced(1, "ann", 3, "apple", Side.BID, 4)
    assert [(e.price, e.quantity) for e in events if isinstance(e, TradeMade)] == [(40, 2), (50, 1)]
    own = [e for e in events if isinstance(e, OrderFilled) and e.order_id == 3]
    assert [(e.filled_quantity, e.status) for e in own] == [(2, "partially_filled"), (3, "partially_filled")]
    assert events[-1] == OrderCancelled(1, "ann", 3, 1, 1, 3, OrderStatus.CANCELLED)
    assert made.auction.institution.best_bid() is None


def test_an_ask_sells_to_the_best_bids() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, market_orders=True)
    made.act("ann", "bid", 60, 1)
    made.act("amy", "bid", 70, 1)
    told = at_market(made, "bob", "ask", 2)
    assert [trade["price"] for trade in told["own_trades"]] == [70.0, 60.0]
    assert (told["goods"], told["goods_locked"], told["cash"]) == (8, 0, 130)


@pytest.mark.parametrize(("cash", "units"), [(79, 1), (80, 2), (129, 2), (130, 3)])
def test_a_bid_goes_as_far_as_its_cash(cash: int, units: int) -> None:
    made = asks(cash=cash)
    told = at_market(made, "ann", "bid", 3)
    paid = {1: 40, 2: 80, 3: 130}[units]
    assert (len(told["values"]), told["cash"], told["cash_locked"]) == (4 - units, cash - paid, 0)


def test_an_ask_goes_as_far_as_its_goods() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, goods=1, market_orders=True)
    made.act("ann", "bid", 60, 3)
    told = at_market(made, "bob", "ask", 3)
    assert (len(told["costs"]), told["goods"]) == (2, 0)


def test_under_gs_it_takes_the_best_quote_alone_and_every_quote_ends() -> None:
    made = asks("gs")
    told = at_market(made, "ann", "bid", 4)
    assert [(trade["price"], trade["quantity"]) for trade in told["own_trades"]] == [(40.0, 2)]
    closed = [e for e in made.auction.take_events() if isinstance(e, OrderCancelled)]
    assert [(e.order_id, e.quantity) for e in closed] == [(3, 2), (1, 1)]
    assert made.accounts.holding("ben").locked_goods == {"apple": 0}


def test_it_replaces_the_trader_s_open_order_whose_cash_it_may_spend() -> None:
    made = asks(cash=80)
    made.act("ann", "bid", 20, 4)
    told = at_market(made, "ann", "bid", 2)
    assert (told["status"], told["own_orders"], told["cash"]) == ("accepted", [], 0)


def test_a_price_beside_it_is_not_looked_at() -> None:
    told = asks().say("ann", {"action": "bid", "order": "market", "price": 1, "quantity": 1})
    assert told["own_trades"][0]["price"] == 40.0


def test_it_need_not_improve() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, market_orders=True, must_improve=True)
    made.act("bob", "ask", 40, 1)
    made.act("amy", "bid", 39, 1)
    assert at_market(made, "ann", "bid", 1)["status"] == "accepted"


def refusal(made: Market, action: str, quantity: int, agent_id: str = "ann") -> str:
    """Why it is refused; it must leave the trader's order and its reservation alone."""
    before = made.auction.observe(agent_id) | {"last_verdict": None}
    told = at_market(made, agent_id, action, quantity)
    assert (told["status"], made.auction.observe(agent_id) | {"last_verdict": None}) == ("rejected", before)
    assert isinstance(made.auction.take_events()[-1], OrderRejected)
    return str(told["reason"])


def test_refusals_say_what_to_do() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, market_orders=True, cash=30)
    made.act("ann", "bid", 10, 1)
    made.auction.take_events()
    assert refusal(made, "bid", 1) == "there is no open ask to trade with; place an order with a price"
    assert refusal(made, "ask", 1) == "you are a buyer: you may bid, not ask"
    assert refusal(made, "bid", 5) == "you want to buy 5 but have 4 left to buy in this round"
    made.act("ben", "ask", 31, 1)
    assert refusal(made, "bid", 1) == "you have 30 in cash available, less than the best ask"
    poor = market(buyers=BUYERS, sellers=SELLERS, market_orders=True, goods=0)
    poor.act("ann", "bid", 10, 1)
    assert refusal(poor, "ask", 1, "ben") == "you have 0 apple available"


@pytest.mark.parametrize("name", sorted(set(INSTITUTIONS) - {"lob", "gs"}))
def test_without_a_continuous_book_there_are_none(name: str) -> None:
    made = market(buyers=BUYERS, sellers=SELLERS, institution=name, market_orders=True)
    assert refusal(made, "bid", 1).startswith(f"under {name} there is no continuous book")


def test_a_market_without_them_says_so() -> None:
    made = market(buyers=BUYERS, sellers=SELLERS)
    assert refusal(made, "bid", 1) == "this market takes no market orders; name a price"


@pytest.mark.parametrize("word", ["stop", "", 1, True, ["market"]])
def test_another_kind_of_order_is_not_read(word: object) -> None:
    told = asks().say("ann", {"action": "bid", "order": word, "price": 60, "quantity": 1})
    assert told["status"] == "rejected"
    assert told["reason"].startswith('"order" must be "limit" or "market", not ')


def test_a_missing_price_is_no_market_order() -> None:
    assert asks().act("ann", "bid", None, 1)["reason"] == '"price" must be a number, not None'


def test_trader_and_market_speak_of_it() -> None:
    made = asks()
    at_market(made, "ann", "bid", 1)
    at_market(made, "amy", "bid", 2)
    said = [message.content for message in conversations(made.auction.take_events(), "m", made.auction.scale)]
    assert said[:2] == ["bid 1 apple at the best open prices", "order 3 trades at once"]
    assert said[-2:] == ["bid 2 apple", "you want to buy 2 but have 1 left to buy in this round"]


@given(
    resting=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), max_size=8),
    quantity=st.integers(1, 12),
    cash=st.integers(0, 90),
)
def test_no_fill_passes_by_a_better_or_an_equal_and_earlier_order(
    resting: list[tuple[int, int]], quantity: int, cash: int
) -> None:
    accounts = Accounts(["apple"])
    auction = DoubleAuction(
        good="apple", accounts=accounts, institution="lob", market_orders=True, tick_size=Decimal(1)
    )
    accounts.open("b", cash, {})
    auction.join("b", "buyer")
    auction.open_units("b", [5] * 12)
    for number, (price, units) in enumerate(resting):
        accounts.open(f"s{number}", 0, {"apple": units})
        auction.join(f"s{number}", "seller")
        auction.open_units(f"s{number}", [1] * units)
        auction.place(f"s{number}", price, units)
    told = auction.apply("b", auction.check("b", {"action": "bid", "order": "market", "quantity": quantity}))
    # Unit by unit: the cheapest, then the earliest, until units or cash run out.
    line = sorted((price, number) for number, (price, units) in enumerate(resting) for _ in range(units))
    expected: list[tuple[int, int]] = []
    for price, number in line[:quantity]:
        if sum(paid for paid, _ in expected) + price > cash:
            break
        expected.append((price, number))
    got = [(trade.price, int(trade.seller_id[1:])) for trade in auction.trades for _ in range(trade.quantity)]
    assert got == expected
    assert (told["status"] == "accepted") == bool(expected)
    assert (told["cash"], told["cash_locked"]) == (cash - sum(paid for paid, _ in expected), 0)
    assert sum(accounts.holding(agent_id).cash for agent_id in accounts.agents) == cash
