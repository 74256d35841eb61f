"""What a run came to, from storage alone, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, event

from market_agents.storage import (
    Asks,
    Database,
    Lease,
    Row,
    asks_by,
    has_more_rows,
    leaderboard,
    round_summaries,
    tables,
    totals,
    write_step,
)
from tests.storage.samples import agent, message, new_run, order, outcome, trade

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}
FROM_THE_INDEX = {
    "sqlite": "COVERING INDEX ix_llm_requests_sums",
    "postgresql": "Index Only Scan using ix_llm_requests_sums",
}


def market(round_number: int, **changes: object) -> Row:
    return {
        "environment": "auction",
        "round": round_number,
        "good": "apple",
        "trades": 2,
        "volume": 3,
        "mean_price": Decimal("101.5"),
        "equilibrium_price_low": Decimal(99),
        "equilibrium_price_high": Decimal(102),
        "equilibrium_quantity": 4,
        "realized_surplus": Decimal(30),
        "maximum_surplus": Decimal(40),
        "efficiency": 0.75,
        "smith_alpha": 2.5,
        "profit_dispersion": 1.0,
        **changes,
    }


def asked(round_number: int, number: int, **changes: object) -> Row:
    key = f"r{round_number}/0.auction/s1/agent_1/action/{number}"
    return outcome(key, round=round_number, created_at=datetime(2026, 1, 1, tzinfo=UTC), **changes)


@pytest.fixture
def told(lease: Lease, database: Database) -> Database:
    """Two rounds, the second without trade or price; one ask of it has no known price."""
    requests = [
        asked(
            1, 1, cost=Decimal("0.25"), attempts=1, prompt_tokens=10, completion_tokens=5, status="answered"
        ),
        asked(1, 2, cost=Decimal("0.5"), attempts=3, prompt_tokens=20, completion_tokens=5, status="refused"),
        asked(2, 1, cost=None, attempts=1, prompt_tokens=1, completion_tokens=1, status="answered"),
    ]
    write_step(
        lease,
        "rounds",
        {
            "agents": [
                agent(1, "buyer"),
                agent(2, "seller"),
                agent(3, "buyer", llm_config=None, strategy="zi_c"),
            ],
            "auction_rounds": [
                market(1),
                market(2, trades=0, volume=0, mean_price=None, efficiency=0.0, equilibrium_price_low=None),
            ],
            "messages": [message(1, round=1), message(2, round=1), message(3, round=2)],
            "trades": [
                trade(1, buyer_surplus=Decimal(5), seller_surplus=Decimal(7), quantity=2),
                trade(2, buyer_surplus=Decimal(-1), seller_surplus=Decimal(2), quantity=1),
            ],
            "orders": [
                order(1),
                order(2, status="rejected", reject_reason="no cash"),
                order(3, agent_id="agent_2"),
            ],
            "llm_requests": requests,
        },
    )
    return database


def test_a_round_s_market_talk_and_cost_are_summed(told: Database) -> None:
    first, second = round_summaries(told, "run")
    assert (first.round, first.trades, first.volume, first.messages) == (1, 2, 3, 2)
    assert first.mean_price == Decimal("101.5")
    assert first.equilibrium_price == Decimal("100.5")
    assert first.efficiency == 0.75
    assert (first.asks, first.calls, first.tokens, first.unanswered) == (2, 4, 40, 1)
    assert first.cost == Decimal("0.75")
    assert second.mean_price is None
    assert second.equilibrium_price is None
    assert second.messages == 1


def test_a_cost_is_unknown_where_one_price_is(told: Database) -> None:
    assert [entry.cost for entry in round_summaries(told, "run")] == [Decimal("0.75"), None]


def test_asks_are_summed_over_rounds_by_any_of_their_columns(told: Database) -> None:
    by_status = asks_by(told, "run", ("status",))
    assert {status: (sum_.asks, sum_.attempts, sum_.cost) for (status,), sum_ in by_status.items()} == {
        "answered": (2, 2, None),
        "refused": (1, 3, Decimal("0.5")),
    }
    assert totals(told, "run").whole == sum(by_status.values(), Asks())


def test_sums_over_asks_read_no_prompt(told: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        round_summaries(told, "run", since=2)
        totals(told, "run")
        asks_by(told, "run", ("client", "status", "attempts"))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    sums = [(text, values) for text, values in asked if "llm_requests" in text]
    assert len(sums) == 3
    with told.read() as connection:
        if told.dialect == "postgresql":  # reads a table of three rows whole, whatever index it has
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        for text, values in sums:
            plan = connection.exec_driver_sql(f"{EXPLAIN[told.dialect]} {text}", values).all()
            assert any(FROM_THE_INDEX[told.dialect] in row[-1] for row in plan), plan


def test_whether_a_run_has_more_rows(told: Database) -> None:
    count = sum(tables(told, "run").values())
    assert has_more_rows(told, "run", count - 1)
    assert not has_more_rows(told, "run", count)


def test_the_leaderboard_ranks_by_profit_and_counts_orders(told: Database) -> None:
    standings = leaderboard(told, "run")
    assert [(entry.agent_id, entry.profit, entry.units) for entry in standings] == [
        ("agent_2", Decimal(9), 3),
        ("agent_1", Decimal(4), 3),
        ("agent_3", Decimal(0), 0),
    ]
    assert [(entry.orders, entry.accepted) for entry in standings] == [(1, 1), (2, 1), (0, 0)]
    assert [entry.mind for entry in standings] == ["small", "small", "zi_c"]


def test_another_run_s_rows_do_not_count(told: Database) -> None:
    with new_run(told, "other") as other:
        write_step(other, "rounds", {"auction_rounds": [market(1, trades=99)]})
    assert [entry.trades for entry in round_summaries(told, "run")] == [2, 0]
    assert [entry.trades for entry in round_summaries(told, "other")] == [99]


def test_several_markets_of_a_round_are_weighted_by_volume(lease: Lease, database: Database) -> None:
    rows = [market(1), market(1, environment="second", volume=1, trades=1, mean_price=Decimal("97.5"))]
    write_step(lease, "rounds", {"auction_rounds": rows})
    (only,) = round_summaries(database, "run")
    assert (only.trades, only.volume) == (3, 4)
    assert only.mean_price == Decimal("100.5")


def test_a_run_without_rounds_has_no_summary(lease: Lease, database: Database) -> None:
    assert round_summaries(database, "run") == []
    assert leaderboard(database, "run") == []


def test_markets_of_several_goods_share_their_surplus_and_no_price(lease: Lease, database: Database) -> None:
    markets = [
        market(1),
        market(
            1,
            environment="pears",
            good="pear",
            trades=1,
            volume=1,
            maximum_surplus=Decimal(10),
            efficiency=1.0,
            realized_surplus=Decimal(10),
        ),
        market(2, maximum_surplus=Decimal(0), realized_surplus=Decimal(0), efficiency=None),
        market(2, environment="pears", good="pear", maximum_surplus=None, realized_surplus=Decimal(0)),
    ]
    write_step(lease, "rounds", {"auction_rounds": markets})
    first, second = round_summaries(database, lease.run_id)
    assert (first.trades, first.volume, first.efficiency) == (3, 4, 0.8)
    assert (first.mean_price, first.equilibrium_price) == (None, None)
    assert second.efficiency is None
