"""A round as single happenings, and the book after each of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import Start
from market_agents.storage import Row, get_run, open_database
from market_agents.ui.steps_page import read_round
from market_agents.ui.timeline import Book, RoundRows, book_after, happenings
from tests.end_to_end.stage import play, query
from tests.storage.samples import message, order, trade


def event(order_id: int, status: str, sub_round: int = 1) -> Row:
    return {
        "environment": "auction",
        "order_id": order_id,
        "seq": 2,
        "round": 1,
        "sub_round": sub_round,
        "status": status,
    }


def told(parts: Sequence[RoundRows]) -> list[str]:
    return [
        f"{step.what} {step.row.get('trade_id') or step.row.get('order_id') or step.row.get('message_id')}"
        for step in happenings(parts)
    ]


def test_talk_comes_before_trade_and_environments_in_their_order() -> None:
    chat = RoundRows("group_chat", False, messages=[message(1), message(2, sub_round=2)])
    market = RoundRows("auction", True, orders=[order(1)])
    assert told([chat, market]) == ["message 1", "message 2", "order 1"]
    assert told([market, chat]) == ["order 1", "message 1", "message 2"]


def test_in_a_continuous_book_a_trade_follows_its_younger_order() -> None:
    orders = [order(1), order(2, side="ask"), order(3, side="ask")]
    part = RoundRows("auction", True, orders=orders, trades=[trade(1)])
    assert told([part]) == ["order 1", "order 2", "trade 1", "order 3"]


def test_a_call_clears_once_all_orders_are_in() -> None:
    orders = [order(1), order(2, side="ask"), order(3, side="ask")]
    events = [event(3, "expired", 2)]
    part = RoundRows("auction", False, orders=orders, trades=[trade(1)], order_events=events)
    assert told([part]) == ["order 1", "order 2", "order 3", "trade 1", "closed 3"]


def test_an_order_is_replaced_just_before_the_one_that_replaces_it() -> None:
    orders = [order(1), order(2, agent_id="agent_2"), order(3, status="rejected"), order(4)]
    part = RoundRows("auction", True, orders=orders, order_events=[event(1, "replaced")])
    assert told([part]) == ["order 1", "order 2", "refused 3", "closed 1", "order 4"]


def test_what_is_left_of_a_market_order_goes_right_after_its_trades() -> None:
    orders = [order(1, side="ask", agent_id="agent_2"), order(2, price=None, quantity=5), order(3)]
    deals = [trade(1, bid_order_id=2, ask_order_id=1)]
    part = RoundRows("auction", True, orders=orders, trades=deals, order_events=[event(2, "cancelled")])
    assert told([part]) == ["order 1", "order 2", "trade 1", "closed 2", "order 3"]


def test_the_book_after_each_happening() -> None:
    orders = [
        order(1, price=Decimal(100), quantity=3),
        order(2, agent_id="agent_2", price=Decimal(101)),
        order(3, agent_id="agent_3", price=Decimal(100)),
        order(4, agent_id="agent_4", side="ask", price=Decimal(100), quantity=3),
    ]
    deals = [trade(1, bid_order_id=2, ask_order_id=4), trade(2, bid_order_id=1, ask_order_id=4, quantity=2)]
    steps = happenings(
        [RoundRows("auction", True, orders=orders, trades=deals, order_events=[event(3, "expired", 2)])]
    )
    books = [shown(book_after(steps[:count])) for count in range(len(steps) + 1)]
    assert books == [
        ([], []),
        ([(100, 3)], []),
        ([(101, 1), (100, 3)], []),
        ([(101, 1), (100, 4)], []),
        ([(101, 1), (100, 4)], [(100, 3)]),
        ([(100, 4)], [(100, 2)]),
        ([(100, 2)], []),
        ([(100, 1)], []),
    ]


def shown(book: Book) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    bids, asks = ([(int(level.price), level.quantity) for level in side] for side in (book.bids, book.asks))
    return bids, asks


@pytest.mark.parametrize("institution", ["lob", "midpoint", "call"])
def test_books_of_a_real_run_hold_together(tmp_path: Path, institution: str) -> None:
    """Orders that outlive their round: each round begins with the book that the one before left."""
    url = f"sqlite:///{tmp_path / 'market.db'}"
    changes = {
        "num_agents": 8,
        "max_rounds": 3,
        "environment_order": ["auction"],
        "agent_config.use_llm": False,
        "environment_configs.auction.institution": institution,
        "environment_configs.auction.sub_rounds": 4,
        "environment_configs.auction.order_lifetime": "run",
    }
    play(tmp_path, url, changes, start=Start(run_id="one"))
    with open_database(url, read_only=True) as database:
        run = get_run(database, "one")
        before = Book([], [])
        for number in (1, 2, 3):
            parts = read_round(database, run, number, "")
            standing = parts[0].standing
            steps = happenings(parts)
            assert book_after([], standing) == before
            for count in range(len(steps) + 1):
                book = book_after(steps[:count], standing)
                assert all(level.quantity > 0 for level in [*book.bids, *book.asks])
                settled = count == len(steps) or steps[count].what != "trade"
                if institution == "lob" and settled and book.bids and book.asks:
                    assert book.bids[0].price < book.asks[0].price, "a book that crosses would have traded"
            before = book
        open_still = query(
            url,
            "SELECT side, SUM(quantity - filled_quantity) AS units FROM orders "
            "WHERE status IN ('open', 'partially_filled') GROUP BY side",
        )
        left = {
            "bid": sum(level.quantity for level in before.bids),
            "ask": sum(level.quantity for level in before.asks),
        }
        assert {row["side"]: row["units"] for row in open_still} == {
            side: units for side, units in left.items() if units
        }
