"""A step is written whole or not at all, once however often, and only with the same content."""

from __future__ import annotations

from decimal import Decimal

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from market_agents.errors import MarketAgentsError, WriteConflict
from market_agents.storage import Database, Lease, fetch, record_event, tables, write_step
from tests.storage.samples import message, new_run, one_of_each, order, stored, trade


def test_every_table_takes_its_rows_and_gives_them_back(database: Database, lease: Lease) -> None:
    rows = one_of_each()
    assert write_step(lease, "r1", rows) is True
    for name, given in rows.items():
        found = list(fetch(database, name, "run"))
        assert len(found) == len(given), name
        for row, expected in zip(found, given, strict=True):
            assert {key: row[key] for key in expected} == expected
            assert {row[key] for key in row.keys() - expected.keys() - {"run_id"}} <= {None}


def test_the_same_step_again_is_a_no_op(database: Database, lease: Lease) -> None:
    assert write_step(lease, "r1", one_of_each()) is True
    before = tables(database, "run")
    assert write_step(lease, "r1", one_of_each()) is False
    assert tables(database, "run") == before


def test_the_order_of_rows_columns_and_tables_is_no_content(lease: Lease) -> None:
    assert write_step(lease, "r1", {"orders": [order(1), order(2)], "trades": [trade(1)]})
    turned = [dict(reversed(list(order(number).items()))) for number in (2, 1)]
    assert write_step(lease, "r1", {"trades": [trade(1)], "orders": turned}) is False


def test_equal_amounts_written_differently_are_the_same_content(lease: Lease) -> None:
    assert write_step(lease, "r1", {"trades": [trade(1, price=Decimal(100))]})
    assert write_step(lease, "r1", {"trades": [trade(1, price=100)]}) is False
    assert write_step(lease, "r1", {"trades": [trade(1, price=Decimal("1.0E2"))]}) is False


@pytest.mark.parametrize(
    "other",
    [
        {"orders": [order(1, price=Decimal("101.6"))]},
        {"orders": [order(1), order(2)]},
        {"orders": [order(1, reject_reason="")]},
        {},
    ],
)
def test_the_same_step_with_other_content_is_refused(
    database: Database, lease: Lease, other: dict[str, list[dict[str, object]]]
) -> None:
    write_step(lease, "r1/auction", {"orders": [order(1)]})
    with pytest.raises(WriteConflict, match=r"step r1/auction is stored with other content.*changed"):
        write_step(lease, "r1/auction", other)
    assert stored(database, "orders", "order_id", "price") == [(1, Decimal("101.5"))]


def test_a_key_that_another_step_took_is_refused_and_nothing_of_the_step_stays(
    database: Database, lease: Lease
) -> None:
    write_step(lease, "r1", {"orders": [order(1)]})
    with pytest.raises(WriteConflict, match="orders"):
        write_step(lease, "r2", {"messages": [message(1)], "orders": [order(1)], "trades": [trade(1)]})
    assert tables(database, "run")["messages"] == 0
    assert tables(database, "run")["trades"] == 0
    assert stored(database, "steps", "step_key") == [("r1",)]


def test_updates_change_the_named_columns_of_the_row_with_that_key(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"orders": [order(1, reject_reason="x"), order(2), order(3)]})
    key = {"environment": "auction"}
    changes: dict[str, list[dict[str, object]]] = {
        "orders": [
            {**key, "order_id": 1, "status": "filled", "filled_quantity": 1, "reject_reason": None},
            {**key, "order_id": 2, "status": "filled", "filled_quantity": 2, "reject_reason": "%s \\N"},
            {**key, "order_id": 3, "price": None},
        ]
    }
    assert write_step(lease, "r2", {"trades": [trade(1)]}, changes) is True
    assert write_step(lease, "r2", {"trades": [trade(1)]}, changes) is False
    columns = ("order_id", "status", "filled_quantity", "reject_reason", "price")
    assert stored(database, "orders", *columns) == [
        (1, "filled", 1, None, Decimal("101.5")),
        (2, "filled", 2, "%s \\N", Decimal("101.5")),
        (3, "open", 0, None, None),
    ]


def test_json_can_be_updated_too(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(1)]})
    part = {"environment": "group_chat", "message_id": 1, "metadata": {"quote": 'it\'s "%" \\ 🙂'}}
    write_step(lease, "r2", {}, {"messages": [part]})
    assert stored(database, "messages", "metadata") == [({"quote": 'it\'s "%" \\ 🙂'},)]


def test_an_update_of_a_row_that_is_not_there_is_refused(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"orders": [order(1)]})
    absent = {"environment": "auction", "order_id": 9, "status": "filled"}
    with pytest.raises(WriteConflict, match="1 of 2 rows to be updated are not in orders"):
        write_step(lease, "r2", {"trades": [trade(1)]}, {"orders": [{**absent, "order_id": 1}, absent]})
    assert stored(database, "orders", "status") == [("open",)]
    assert tables(database, "run")["trades"] == 0


def test_to_set_null_is_other_content_than_to_leave_alone(lease: Lease) -> None:
    write_step(lease, "r1", {"orders": [order(1)]})
    part = {"environment": "auction", "order_id": 1, "status": "filled"}
    write_step(lease, "r2", {}, {"orders": [part]})
    with pytest.raises(WriteConflict):
        write_step(lease, "r2", {}, {"orders": [{**part, "reject_reason": None}]})


@pytest.mark.parametrize(
    ("table", "row", "told"),
    [
        ("orders", order(1, colour="red"), "orders: no such column: colour"),
        ("orders", order(1, run_id="other"), "no such column: run_id"),
        ("orders", order(1, status=None), r"orders\.status: a value is missing"),
        ("orders", order(1, price=1.5), r"orders\.price: float is not an amount"),
        ("orders", order(1, price=Decimal("NaN")), r"orders\.price: NaN"),
        ("orders", order(1, quantity=True), r"orders\.quantity: bool"),
        ("orders", order(1, quantity=2**63), r"orders\.quantity: a number of 64 bits"),
        ("messages", message(1, "a\x00b"), r"messages\.content: .*NUL"),
        ("messages", message(1, "a\ud800b"), r"messages\.content: .*surrogate"),
        ("messages", message(1, metadata={"x": float("nan")}), r"messages\.metadata"),
        ("messages", message(1, metadata={"x": object()}), r"messages\.metadata: object is not JSON"),
        ("spells", {}, "no such table"),
        ("steps", {}, "no such table"),
        ("runs", {}, "no such table"),
    ],
)
def test_what_no_column_can_hold_is_refused_by_name(
    database: Database, lease: Lease, table: str, row: dict[str, object], told: str
) -> None:
    with pytest.raises(MarketAgentsError, match=told) as refusal:
        write_step(lease, "r1", {table: [row]})
    assert "\n" not in str(refusal.value)
    assert tables(database, "run")["steps"] == 0


@pytest.mark.parametrize(
    "row",
    [
        trade(1, price=Decimal("-0.01")),
        trade(1, quantity=0),
        trade(1, seller_id="agent_1"),
    ],
)
def test_rules_of_the_schema_stop_impossible_trades(
    database: Database, lease: Lease, row: dict[str, object]
) -> None:
    with pytest.raises(MarketAgentsError, match="breaks a rule of the schema"):
        write_step(lease, "r1", {"trades": [row]})
    assert tables(database, "run")["trades"] == 0


def test_a_lost_acknowledgement_leaves_the_step_once(database: Database, lease: Lease) -> None:
    lost: list[str] = []

    def lose_the_first(point: str) -> None:
        if point == "after_commit" and not lost:
            lost.append(point)
            gone = psycopg2.OperationalError("server closed the connection unexpectedly")
            raise OperationalError("COMMIT", {}, gone)

    database.reach = lose_the_first
    write_step(lease, "r1", one_of_each())
    assert lost == ["after_commit"]
    assert tables(database, "run")["orders"] == 2
    assert tables(database, "run")["steps"] == 1


def test_a_connection_cut_before_the_commit_is_made_again(postgres_url: str) -> None:
    from market_agents.storage import open_database

    with (
        open_database(postgres_url) as database,
        open_database(postgres_url) as other,
        new_run(database, "run") as lease,
    ):
        cut: list[int] = []

        def cut_the_first(point: str) -> None:
            if point == "before_commit" and not cut:
                victim = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
                end = text("SELECT pg_terminate_backend(:pid)")
                with other.read() as connection:
                    cut.append(connection.scalars(victim).one())
                    connection.execute(end, {"pid": cut[0]})

        database.reach = cut_the_first
        assert write_step(lease, "r1", one_of_each()) is True
        assert len(cut) == 1
        assert tables(other, "run")["trades"] == 1


def test_runs_in_one_database_never_touch(database: Database, lease: Lease) -> None:
    with new_run(database, "another") as second:
        write_step(lease, "r1", {"orders": [order(1)]})
        write_step(second, "r1", {"orders": [order(1, price=Decimal(5)), order(2)]})
        key = {"environment": "auction", "order_id": 1, "status": "filled"}
        write_step(second, "r2", {}, {"orders": [key]})
    assert stored(database, "orders", "run_id", "order_id", "status") == [
        ("another", 1, "filled"),
        ("another", 2, "open"),
        ("run", 1, "open"),
    ]


def test_events_are_numbered_and_kept_once_when_an_acknowledgement_is_lost(
    database: Database, lease: Lease
) -> None:
    assert record_event(lease, level="info", kind="start", message="begun") == 1
    lost: list[str] = []

    def lose_the_first(point: str) -> None:
        if point == "after_commit" and not lost:
            lost.append(point)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    database.reach = lose_the_first
    assert record_event(lease, level="warning", kind="slow", message="line\ttab", data={"seconds": 1.5}) == 2
    assert record_event(lease, level="info", kind="end", message="done") == 3
    assert stored(database, "run_events", "seq", "kind", "message", "data") == [
        (1, "start", "begun", None),
        (2, "slow", "line\ttab", {"seconds": 1.5}),
        (3, "end", "done", None),
    ]
