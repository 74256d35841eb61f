"""The views, on a run made by hand whose numbers can be checked with a pencil."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import text

from market_agents.storage import Database, Lease, Row, StoredJournal, write_step
from tests.storage.samples import agent, allocation, message, new_run, order, outcome, trade


def ask(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


@pytest.fixture(autouse=True)
def a_run(database: Database, lease: Lease) -> None:
    """Three agents: in round 1 they trade and one order is refused, in round 2 nobody does anything."""
    topic = {"environment": "group_chat", "round": 1, "cohort_id": "cohort_1", "topic": "Prices"}
    say = {"sender_id": "agent_2", "sub_round": 2}
    write_step(
        lease,
        "r1",
        {
            "agents": [agent(1, "buyer"), agent(2, "seller"), agent(3, "buyer")],
            "orders": [
                order(1, status="filled"),
                order(2, agent_id="agent_2", side="ask", status="filled"),
                order(3, status="rejected", price=None),
                order(4, status="rejected"),
                order(5, agent_id="agent_2", side="ask", status="expired"),
            ],
            "trades": [
                trade(1, buyer_surplus=Decimal("9.1"), seller_surplus=Decimal("10.2")),
                trade(2, buyer_surplus=Decimal("0.2"), seller_surplus=Decimal("0.5")),
            ],
            "allocations": [
                allocation(number, round_number) for number in (1, 2, 3) for round_number in (0, 1, 2)
            ],
            "topics": [topic],
            "messages": [
                message(12, "Second", **say, recipient_id="agent_1"),
                message(2, "First"),
                message(3, "Elsewhere", cohort_id="cohort_2", recipient_id="agent_3"),
            ],
        },
    )
    with new_run(database, "other") as other:
        write_step(
            other,
            "r1",
            {"agents": [agent(1, "seller", name="Bob")], "trades": [trade(1)], "orders": [order(1)]},
        )


def test_performance_by_agent_and_round(database: Database) -> None:
    rows = ask(
        database,
        "SELECT round, agent_id, name, role, profit, surplus_share, orders, accepted_orders, acceptance_rate "
        "FROM v_agent_performance WHERE run_id = 'run' ORDER BY round, agent_id",
    )
    rounded = [(*row[:4], round(float(str(row[4])), 6), *row[5:]) for row in rows]
    assert rounded == [
        (1, "agent_1", "Ada 1", "buyer", 9.3, pytest.approx(9.3 / 20), 3, 1, pytest.approx(1 / 3)),
        (1, "agent_2", "Ada 2", "seller", 10.7, pytest.approx(10.7 / 20), 2, 2, 1.0),
        (1, "agent_3", "Ada 3", "buyer", 0.0, 0.0, 0, 0, None),
        (2, "agent_1", "Ada 1", "buyer", 0.0, None, 0, 0, None),
        (2, "agent_2", "Ada 2", "seller", 0.0, None, 0, 0, None),
        (2, "agent_3", "Ada 3", "buyer", 0.0, None, 0, 0, None),
    ]


def unit(number: int, agent_number: int, **worth: object) -> Row:
    return {
        "round": 1,
        "agent_id": f"agent_{agent_number}",
        "good": "apple",
        "unit": number,
        **{side: None if side not in worth else Decimal(str(worth[side])) for side in ("value", "cost")},
    }


def market(environment: str, low: int, high: int, surplus: int) -> Row:
    return {
        "environment": environment,
        "round": 1,
        "good": "apple",
        "trades": 2,
        "volume": 2,
        "equilibrium_price_low": Decimal(low),
        "equilibrium_price_high": Decimal(high),
        "realized_surplus": Decimal(20),
        "maximum_surplus": Decimal(surplus),
    }


def test_the_reward_of_everybody_is_profit_over_that_at_the_equilibrium_price(
    database: Database, lease: Lease
) -> None:
    units = [
        unit(1, 1, value=110),
        unit(2, 1, value=101),
        unit(3, 1, value="99.5"),
        unit(1, 2, cost=90),
        unit(2, 2, cost=99),
        unit(3, 2, cost=120),
        unit(1, 3, value=95),
    ]
    markets = [market("auction", 99, 100, 22), market("chat", 40, 50, 20)]
    write_step(lease, "worth", {"preference_schedules": units, "auction_rounds": markets})
    rows = ask(
        database,
        "SELECT agent_id, equilibrium_profit, environment_reward FROM v_agent_performance "
        "WHERE run_id = 'run' AND round = 1 ORDER BY agent_id",
    )
    # At 99.50 the buyer would gain 10.50 and 1.50, the seller 9.50 and 0.50, and the third one nothing.
    assert [(row[0], float(str(row[1])), row[2]) for row in rows] == [
        ("agent_1", 12.0, pytest.approx(9.3 / 12)),
        ("agent_2", 10.0, pytest.approx(10.7 / 10)),
        ("agent_3", 0.0, None),
    ]


def test_profits_add_up_to_the_surplus_of_the_trades(database: Database) -> None:
    [(profit,)] = ask(database, "SELECT SUM(profit) FROM v_agent_performance WHERE run_id = 'run'")
    [(surplus,)] = ask(
        database, "SELECT SUM(buyer_surplus + seller_surplus) FROM trades WHERE run_id = 'run'"
    )
    assert float(str(profit)) == pytest.approx(float(str(surplus))) == pytest.approx(20.0)


def test_conversation_in_order_with_names_roles_and_topics(database: Database) -> None:
    rows = ask(
        database,
        "SELECT cohort_id, message_id, topic, sender_name, sender_role, recipient_id, recipient_name, content "
        "FROM v_conversation WHERE run_id = 'run'",
    )
    assert rows == [
        ("cohort_1", 2, "Prices", "Ada 1", "buyer", "all", None, "First"),
        ("cohort_1", 12, "Prices", "Ada 2", "seller", "agent_1", "Ada 1", "Second"),
        ("cohort_2", 3, None, "Ada 1", "buyer", "agent_3", "Ada 3", "Elsewhere"),
    ]


async def test_costs_by_agent_step_and_round(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1", attempts=2, cost=Decimal("0.5")))
        await journal.commit(outcome("r1/a/2", status="refused", cost=Decimal("0.25")))
        await journal.commit(outcome("r1/a/3", attempts=0, cost=Decimal(0), from_cache=1))
        await journal.commit(outcome("r1/b/1", step="perception", cost=None, unconfirmed_attempts=1))
    rows = ask(
        database,
        "SELECT agent_id, environment, round, step, model, asks, calls, from_cache, unanswered, prompt_tokens, "
        "completion_tokens, cost, unpriced, unconfirmed_calls FROM v_costs WHERE run_id = 'run' ORDER BY step",
    )
    shared = ("agent_1", "auction", 1)
    assert rows == [
        (*shared, "act", "stand-in", 3, 3, 1, 1, 360, 90, pytest.approx(Decimal("0.75")), 0, 0),
        (*shared, "perception", "stand-in", 1, 1, 0, 0, 120, 30, None, 1, 1),
    ]
