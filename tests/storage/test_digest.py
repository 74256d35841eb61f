"""The digest: equal where the decisions are equal, whatever database, order of writing, names and clocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_agents.errors import RunRefused
from market_agents.storage import (
    Database,
    Lease,
    Row,
    RunStatus,
    digest,
    fetch,
    open_database,
    record_event,
    set_status,
    write_step,
)
from tests.storage.samples import message, new_run, one_of_each, order, trade

TEXT = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30
) | st.sampled_from(
    [
        "\\N",
        "\\.",
        "\\",
        "\\\\",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "",
        " ",
        "%s %(x)s",
        "🙂👩‍👩‍👧",
        "\ufffe",
        "\u2028",
        "''\"",
        "NULL",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
AMOUNTS = st.decimals(0, 10**9, allow_nan=False, places=6) | st.integers(0, 10**13)
REALS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def pair(sqlite_url: str, postgres_url: str) -> Iterator[tuple[Database, Database]]:
    """An SQLite file and a PostgreSQL database."""
    with open_database(sqlite_url) as sqlite, open_database(postgres_url) as postgresql:
        yield sqlite, postgresql


_run_numbers = itertools.count()


def same_run(pair: tuple[Database, Database], rows: dict[str, list[Row]]) -> tuple[str, str]:
    """Write the same rows into both databases; their digests."""
    run_id = f"run_{next(_run_numbers)}"
    digests = []
    for database in pair:
        with new_run(database, run_id) as lease:
            write_step(lease, "r1", rows)
        digests.append(digest(database, run_id))
    return digests[0], digests[1]


def test_both_databases_give_the_same_digest(pair: tuple[Database, Database]) -> None:
    sqlite, postgresql = same_run(pair, one_of_each())
    assert sqlite == postgresql


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXT, min_size=1, max_size=4),
    metadata=JSON,
    amounts=st.lists(AMOUNTS, min_size=3, max_size=3),
    real=REALS,
)
def test_whatever_is_said_and_priced_is_the_same_in_both(
    pair: tuple[Database, Database],
    texts: list[str],
    metadata: object,
    amounts: list[Decimal | int],
    real: float,
) -> None:
    price, value, surplus = amounts
    rows: dict[str, list[Row]] = {
        "messages": [
            message(number, content, metadata=metadata) for number, content in enumerate(texts, start=1)
        ],
        "trades": [trade(1, price=price, buyer_value=value, buyer_surplus=surplus)],
        "perceptions": [
            {
                "environment": f"e{texts[0]}",
                "round": 1,
                "sub_round": 1,
                "agent_id": texts[-1],
                "monologue": texts[0],
                "key_observations": metadata,
                "confidence": real,
            }
        ],
    }
    sqlite, postgresql = same_run(pair, rows)
    assert sqlite == postgresql
    run_id = f"run_{next(_run_numbers) - 1}"
    for database in pair:
        assert [row["content"] for row in fetch(database, "messages", run_id)] == texts
        [perception] = fetch(database, "perceptions", run_id)
        assert perception["agent_id"] == texts[-1]
        assert perception["confidence"] == real
        assert perception["key_observations"] == metadata
        assert [row["price"] for row in fetch(database, "trades", run_id)] == [price]


def test_keys_stand_in_the_same_order_in_both(pair: tuple[Database, Database]) -> None:
    names = ["b", "B", "é", "e", "🙂", "\ufffd", "a b", "a_b", "ab", "a-b", "Z", "10", "2", ""]
    here = {"environment": "group_chat", "round": 1, "cohort_id": "c"}
    same_run(pair, {"cohorts": [{**here, "agent_id": name} for name in names]})
    run_id = f"run_{next(_run_numbers) - 1}"
    for database in pair:
        assert [row["agent_id"] for row in fetch(database, "cohorts", run_id)] == sorted(names)


def test_names_clocks_and_requests_leave_the_digest_alone(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", one_of_each())
    with new_run(database, "other", seed=8, config={"x": 1}) as other:
        rows = one_of_each()
        write_step(other, "first", {name: rows[name] for name in ("orders", "messages")})
        record_event(other, level="info", kind="resumed", message="after a pause")
        del rows["orders"], rows["messages"]
        write_step(other, "second", rows)
        set_status(other, RunStatus.COMPLETED)
    assert digest(database, "run") == digest(database, "other")


def test_request_keys_are_not_decisions(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"orders": [order(1, request_key="one")]})
    with new_run(database, "other") as other:
        write_step(other, "r1", {"orders": [order(1, request_key=None)]})
    assert digest(database, "run") == digest(database, "other")


@pytest.mark.parametrize(
    "change",
    [
        {"price": Decimal("101.500001")},
        {"status": "filled"},
        {"reject_reason": ""},
        {"sub_round": 2},
        {"good": "apple\tstatus=open"},
    ],
)
def test_every_decision_counts(database: Database, lease: Lease, change: dict[str, object]) -> None:
    write_step(lease, "r1", {"orders": [order(1)]})
    with new_run(database, "other") as other:
        write_step(other, "r1", {"orders": [order(1, **change)]})
    assert digest(database, "run") != digest(database, "other")


def test_a_digest_is_reproducible_and_of_one_run(database: Database, lease: Lease) -> None:
    empty = digest(database, "run")
    assert len(empty) == 64
    with new_run(database, "other") as other:
        write_step(other, "r1", one_of_each())
    assert digest(database, "run") == empty
    with pytest.raises(RunRefused, match="no run 'absent'"):
        digest(database, "absent")
