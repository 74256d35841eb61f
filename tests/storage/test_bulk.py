"""Rows in bulk: every awkward text through COPY and back, page after page, and one line for one row."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from market_agents.errors import MarketAgentsError
from market_agents.storage import Database, Lease, fetch, tables, write_step
from market_agents.storage import rows as rows_module
from market_agents.storage.rows import codec, content_hash, escape
from market_agents.storage.schema import messages, orders
from tests.storage.samples import message, new_run, order, stored, trade

AWKWARD = [
    "\\N",
    "\\.",
    "\n\\.\n",
    "\\",
    "\\\\",
    "\\t",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\b\f\v\x01\x7f\x85\xa0",
    "",
    " ",
    "NULL",
    "'; DROP TABLE runs; --",
    "\"quoted\", and 'quoted'",
    "%s %% %(name)s :name ?",
    "{x} $1 $$",
    "🙂 👩‍👩‍👧 e\u0301 é",
    "\ufffe\uffff\U0010ffff\ufeff",
    "\u202eright to left\u2066",
    "<script>alert(1)</script> \x1b[31m",
    "x" * 1_000_000,
    "\\\t\n" * 10_000,
]


def test_every_awkward_text_comes_back(database: Database, lease: Lease) -> None:
    given_rows = [
        message(number, content, metadata={content[:50]: content[:50]})
        for number, content in enumerate(AWKWARD)
    ]
    write_step(lease, "r1", {"messages": given_rows})
    found = list(fetch(database, "messages", "run"))
    assert [row["content"] for row in found] == AWKWARD
    assert [row["metadata"] for row in found] == [{content[:50]: content[:50]} for content in AWKWARD]


def test_every_awkward_text_survives_an_update(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(number, "before") for number in range(len(AWKWARD))]})
    parts = [
        {"environment": "group_chat", "message_id": number, "content": content, "metadata": [content[:50]]}
        for number, content in enumerate(AWKWARD)
    ]
    write_step(lease, "r2", {}, {"messages": parts})
    assert stored(database, "messages", "content", "metadata") == [
        (content, [content[:50]]) for content in AWKWARD
    ]


@pytest.mark.parametrize("size", [1, 7, 50, 51])
def test_pages_lose_and_double_nothing(
    database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rows = [order(number) for number in range(50)]
    whole = content_hash({orders: codec(orders).encode_all("run", rows)}, {})
    monkeypatch.setattr(rows_module, "PAGE_ROWS", size)
    assert content_hash({orders: codec(orders).encode_all("run", rows)}, {}) == whole
    write_step(lease, "r1", {"orders": rows})
    assert stored(database, "orders", "order_id") == [(number,) for number in range(50)]


def test_null_empty_and_the_word_null_are_three_things(database: Database, lease: Lease) -> None:
    reasons = [None, "", "NULL", "\\N", "None"]
    write_step(
        lease, "r1", {"orders": [order(number, reject_reason=told) for number, told in enumerate(reasons)]}
    )
    assert [row["reject_reason"] for row in fetch(database, "orders", "run")] == reasons
    with database.read() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM orders WHERE reject_reason IS NULL")) == 1


def test_json_null_and_absence_are_the_same_absence(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", {"messages": [message(1, metadata=None), message(2, metadata={"a": None})]})
    assert stored(database, "messages", "metadata") == [(None,), ({"a": None},)]
    with database.read() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM messages WHERE metadata IS NULL")) == 1


def test_json_numbers_keep_their_kind(database: Database, lease: Lease) -> None:
    numbers = [1, 1.0, -0.5, 2**70, 1e300, 0.1]
    write_step(
        lease, "r1", {"messages": [message(place, metadata=number) for place, number in enumerate(numbers)]}
    )
    found = [row["metadata"] for row in fetch(database, "messages", "run")]
    assert found == numbers
    assert [type(number) for number in found] == [type(number) for number in numbers]


def test_sql_calculates_with_amounts(database: Database, lease: Lease) -> None:
    prices = [Decimal("0.10"), Decimal("0.20"), Decimal(100)]
    write_step(lease, "r1", {"trades": [trade(number, price=price) for number, price in enumerate(prices)]})
    with database.read() as connection:
        total = connection.scalar(text("SELECT SUM(price) FROM trades WHERE price > 0.15"))
    assert float(str(total)) == pytest.approx(100.2)


CELLS = st.text(st.sampled_from("\\tn=\t\n\rN.a🙂"), max_size=6) | st.none()


@given(st.tuples(CELLS, CELLS, CELLS), st.tuples(CELLS, CELLS, CELLS))
def test_two_rows_have_the_same_line_only_if_they_are_the_same(
    one: tuple[str | None, ...], two: tuple[str | None, ...]
) -> None:
    def line(cells: tuple[str | None, ...]) -> str:
        side, reason, key = cells
        row = order(1, side=side, reject_reason=reason, request_key=key)
        (alone,) = codec(orders).lines([codec(orders).encode("r", row)])
        # Whoever stands beside it in a column does not change it.
        beside = codec(orders).encode_all("r", [order(2), row, order(3, side=None, reject_reason="\\")])
        assert codec(orders).lines(beside)[1] == alone
        return alone

    assert (line(one) == line(two)) == (one == two)
    assert "\n" not in line(one)


@given(st.text(st.sampled_from("\\tnr\t\n\ra"), max_size=8))
def test_escaping_can_be_undone(content: str) -> None:
    assert escape(content).encode("ascii").decode("unicode_escape") == content


def test_a_hash_tells_tables_inserts_and_updates_apart() -> None:
    row = codec(messages).encode("run", message(1))
    part = codec(orders).encode_part("run", {"environment": "a", "order_id": 1, "status": "open"})
    hashes = {
        content_hash({}, {}),
        content_hash({messages: [row]}, {}),
        content_hash({messages: [row, row]}, {}),
        content_hash({}, {orders: [part]}),
        content_hash({messages: [row]}, {orders: [part]}),
    }
    assert len(hashes) == 5


def test_a_hash_does_not_depend_on_the_runs_name() -> None:
    assert (
        len({content_hash({messages: [codec(messages).encode(name, message(1))]}, {}) for name in "ab"}) == 1
    )


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"order_id": 1, "status": "x"}, r"orders\.environment: the key of the row to update lacks it"),
        ({"environment": "a", "order_id": 1, "status": None}, r"orders\.status: a value is missing"),
        ({"environment": "a", "order_id": 1, "mood": 1}, "orders: no such column: mood"),
        ({"environment": "a", "order_id": 1, "price": 0.5}, r"orders\.price: float"),
    ],
)
def test_updates_that_make_no_sense_are_refused(part: dict[str, object], told: str) -> None:
    with pytest.raises(MarketAgentsError, match=told):
        codec(orders).encode_part("run", part)


_runs = itertools.count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(1, 9), unique=True, max_size=4)),
        min_size=1,
        max_size=8,
    )
)
def test_steps_in_any_number_and_order_leave_what_a_dictionary_would(
    database: Database, steps: list[tuple[int, list[int]]]
) -> None:
    """The first content of a step stays; the same again changes nothing; other content or a taken key fails whole."""
    known: dict[int, frozenset[int]] = {}
    run_id = f"run_{next(_runs)}"
    with new_run(database, run_id) as lease:
        for key, numbers in steps:
            content = frozenset(numbers)
            taken = frozenset().union(*known.values())
            allowed = known.get(key) == content or (key not in known and not content & taken)
            try:
                written = write_step(lease, f"step {key}", {"orders": [order(number) for number in numbers]})
            except MarketAgentsError:
                assert not allowed
            else:
                assert allowed
                assert written is (key not in known)
                known[key] = content
    expected = sorted(frozenset().union(*known.values()))
    assert [row["order_id"] for row in fetch(database, "orders", run_id)] == expected
    assert tables(database, run_id)["steps"] == len(known)
