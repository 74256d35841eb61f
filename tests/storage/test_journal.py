"""The journal: durable before it answers, many commits in one, one row for one key, found again by the page."""

from __future__ import annotations

import asyncio
import gc
import threading
from decimal import Decimal
from functools import partial

import psycopg2
import pytest
from sqlalchemy import event

from market_agents.errors import DatabaseAway, JournalError, MarketAgentsError, WriteConflict
from market_agents.storage import (
    Asks,
    Database,
    Lease,
    Row,
    Spending,
    StoredJournal,
    Unconfirmed,
    acquire,
    lineage,
    spending,
    totals,
    unconfirmed,
)
from tests.storage.samples import new_run, outcome, stored


def intent(key: str, **changes: object) -> Row:
    return {
        "request_key": key,
        "request_hash": "h1",
        "batch": None,
        "attempts": 0,
        "unconfirmed_attempts": 0,
        "unconfirmed_tokens": 0,
        "unconfirmed_cost": Decimal(0),
        "reserved_calls": 1,
        "reserved_tokens": 100,
        "reserved_cost": Decimal(1),
        **changes,
    }


def batch(number: int, **changes: object) -> Row:
    return {
        "batch": number,
        "token": "t",
        "llm_config": "small",
        "requested_model": "stand-in",
        "requests": 2,
        "status": "intended",
        "completed": 0,
        "failed": 0,
        **changes,
    }


def keys(database: Database) -> list[object]:
    return [key for (key,) in stored(database, "llm_requests", "request_key")]


class Counter:
    """Counts the statements that an open database sends, by how they begin."""

    def __init__(self, database: Database, beginning: str) -> None:
        self.count = 0
        self._beginning = beginning
        event.listen(database._engine, "before_cursor_execute", self._see)

    def _see(self, connection: object, cursor: object, statement: str, *rest: object) -> None:
        self.count += statement.startswith(self._beginning)


async def test_an_outcome_is_found_again_with_everything_but_its_messages(lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1"))
        found = await journal.find("r1/a/1")
        assert found is not None
        expected = {name: value for name, value in outcome("r1/a/1").items() if name != "messages"}
        assert {name: found[name] for name in expected} == expected
        assert "messages" not in found
        assert await journal.find("r1/a/2") is None
        assert journal.completed_calls() == 1


async def test_commit_returns_only_when_the_row_is_there_for_others(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        for number in range(5):
            await journal.commit(outcome(f"r1/a/{number}"))
            assert len(keys(database)) == number + 1


async def test_200_commits_at_once_share_a_few_transactions(database: Database, lease: Lease) -> None:
    commits: list[str] = []
    database.reach = commits.append
    with StoredJournal(lease) as journal:
        await asyncio.gather(*(journal.commit(outcome(f"r1/a/{number:03}")) for number in range(200)))
        assert keys(database) == [f"r1/a/{number:03}" for number in range(200)]
    assert commits.count("after_commit") <= 10


async def test_the_same_outcome_again_is_a_no_op_and_another_a_conflict(
    database: Database, lease: Lease
) -> None:
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1"))
        await journal.commit(outcome("r1/a/1", latency_ms=99.0, attempts=3))
        for other in ({"response": "no"}, {"request_hash": "h2"}, {"status": "refused"}):
            with pytest.raises(WriteConflict, match="r1/a/1"):
                await journal.commit(outcome("r1/a/1", **other))
    assert stored(database, "llm_requests", "response", "attempts") == [('{"action": "bid"}', 1)]


async def test_a_conflict_in_a_group_hurts_nobody_else(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        rows = [outcome(f"r1/a/{number}") for number in range(20)]
        twice = [outcome("r1/a/7", response="other"), outcome("r1/a/8")]
        results = await asyncio.gather(*(journal.commit(row) for row in rows + twice), return_exceptions=True)
    assert [type(result) for result in results].count(WriteConflict) == 1
    assert isinstance(results[20], WriteConflict)
    assert len(keys(database)) == 20


async def test_a_row_that_cannot_be_stored_is_refused_at_once(lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        with pytest.raises(MarketAgentsError, match=r"llm_requests\.response"):
            await journal.commit(outcome("r1/a/1", response="\ud800"))
        with pytest.raises(MarketAgentsError, match="no such column"):
            await journal.commit(outcome("r1/a/1", mood="good"))
        assert journal.completed_calls() == 0


async def test_an_intent_stays_until_its_outcome_is_there(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        for attempts in (0, 1):
            await journal.intend(intent("r1/a/1", attempts=attempts))
        await journal.intend(intent("r1/a/2"))
        assert stored(database, "llm_intents", "request_key", "attempts") == [("r1/a/1", 1), ("r1/a/2", 0)]
        await journal.commit(outcome("r1/a/1"))
    with StoredJournal(lease) as later:
        assert [row["request_key"] for row in await later.intents()] == ["r1/a/2"]
        await later.commit(outcome("r1/a/2"))
        assert await later.intents() == []


async def test_what_is_to_be_kept_soon_is_there_in_a_moment_and_gone_with_its_outcome(
    database: Database, lease: Lease
) -> None:
    with StoredJournal(lease) as journal:
        for attempts in (0, 1):
            journal.intend_soon("r1/a/1", partial(intent, "r1/a/1", attempts=attempts))
        while not (
            found := await asyncio.to_thread(stored, database, "llm_intents", "request_key", "attempts")
        ):
            pass
        assert found == [("r1/a/1", 1)]
        journal.intend_soon("r1/a/1", partial(intent, "r1/a/1", attempts=2))
        journal.intend_soon("r1/a/2", partial(intent, "r1/a/2"))
        await journal.commit(outcome("r1/a/3"))
        expected = [("r1/a/1", 2), ("r1/a/2", 0)]
        assert stored(database, "llm_intents", "request_key", "attempts") == expected, "along with a commit"
        await journal.commit(outcome("r1/a/1"))
        assert stored(database, "llm_intents", "request_key") == [("r1/a/2",)]
        journal.intend_soon("r1/a/4", partial(intent, "r1/a/4"))
    assert stored(database, "llm_intents", "request_key") == [("r1/a/2",), ("r1/a/4",)], "at the end at last"


async def test_a_lost_acknowledgement_doubles_no_intent(database: Database, lease: Lease) -> None:
    lost: list[str] = []

    def lose_the_first(point: str) -> None:
        if point == "after_commit" and not lost:
            lost.append(point)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    with StoredJournal(lease) as journal:
        database.reach = lose_the_first
        journal.intend_soon("r1/a/1", partial(intent, "r1/a/1"))
        await journal.commit(outcome("r1/a/2"))
    assert lost
    assert stored(database, "llm_intents", "request_key") == [("r1/a/1",)]


async def test_a_batch_is_kept_with_its_asks_or_not_at_all(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        with pytest.raises(MarketAgentsError, match=r"llm_intents\.attempts"):
            await journal.keep_batch(batch(1), [intent("r1/a/1"), intent("r1/a/2", attempts="many")])
        assert await journal.batches() == []
        await journal.keep_batch(batch(1), [intent("r1/a/1", batch=1), intent("r1/a/2", batch=1)])
        await journal.keep_batch(batch(1, batch_id="batch_7", status="in_progress"))
        [kept] = await journal.batches()
        assert (kept["batch_id"], kept["status"]) == ("batch_7", "in_progress")
        assert [row["batch"] for row in await journal.intents()] == [1, 1]


async def test_what_a_run_spent_counts_calls_in_flight_at_their_worst_and_batches_not_yet(
    database: Database, lease: Lease
) -> None:
    lost = {"unconfirmed_attempts": 1, "unconfirmed_tokens": 50, "unconfirmed_cost": Decimal("0.5")}
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1", attempts=2, cost=Decimal("0.25"), **lost))
        await journal.intend(intent("r1/a/2", attempts=1, **lost))
        await journal.keep_batch(batch(1), [intent("r1/a/3", batch=1)])
    assert spending(database, "run") == Spending(2 + 1 + 1, 150 + 50 + 50 + 100, Decimal("2.25"))
    assert unconfirmed(database, "run") == Unconfirmed(("r1/a/1", "r1/a/2"), 3, 200, Decimal(2))


async def test_a_lost_acknowledgement_leaves_one_row(database: Database, lease: Lease) -> None:
    lost: list[str] = []

    def lose_the_first(point: str) -> None:
        if point == "after_commit" and not lost:
            lost.append(point)
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    with StoredJournal(lease) as journal:
        database.reach = lose_the_first
        await journal.commit(outcome("r1/a/1"))
    assert lost
    assert keys(database) == ["r1/a/1"]


async def test_every_waiter_hears_that_the_database_is_away(database: Database, lease: Lease) -> None:
    def away(point: str) -> None:
        if point == "before_commit":
            raise psycopg2.OperationalError("connection refused")

    with StoredJournal(lease) as journal:
        database.patience = 0.0
        database.reach = away
        results = await asyncio.gather(
            *(journal.commit(outcome(f"r1/a/{number}")) for number in range(10)), return_exceptions=True
        )
        assert {type(result) for result in results} == {DatabaseAway}
        database.reach = lambda point: None
        await journal.commit(outcome("r1/a/1"))
    assert keys(database) == ["r1/a/1"]


async def test_a_cancelled_caller_does_not_take_its_row_back(database: Database, lease: Lease) -> None:
    hold = threading.Event()
    reached = threading.Event()

    def wait(point: str) -> None:
        if point == "before_commit":
            reached.set()
            hold.wait(600)

    with StoredJournal(lease) as journal:
        database.reach = wait
        calls = [asyncio.create_task(journal.commit(outcome(f"r1/a/{number}"))) for number in range(3)]
        await asyncio.to_thread(reached.wait, 600)
        for call in calls:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}
        hold.set()
    assert keys(database) == ["r1/a/0", "r1/a/1", "r1/a/2"]


def test_one_journal_serves_several_event_loops(database: Database, lease: Lease) -> None:
    async def talk(name: str) -> None:
        await asyncio.gather(*(journal.commit(outcome(f"r1/{name}/{number}")) for number in range(20)))
        assert (await journal.find(f"r1/{name}/3")) is not None

    with StoredJournal(lease) as journal:
        for name in ("a", "b"):
            asyncio.run(talk(name))
        threads = [threading.Thread(target=lambda name=name: asyncio.run(talk(name))) for name in "cdef"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(keys(database)) == 120


def test_a_loop_that_closed_meanwhile_costs_nobody_anything(database: Database, lease: Lease) -> None:
    hold = threading.Event()

    def wait(point: str) -> None:
        if point == "before_commit":
            hold.wait(600)

    database.reach = wait
    journal = StoredJournal(lease)
    loop = asyncio.new_event_loop()
    task = loop.create_task(journal.commit(outcome("r1/a/1")))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    hold.set()
    journal.close()
    gc.collect()
    assert keys(database) == ["r1/a/1"]


async def test_close_writes_what_still_waits_and_then_refuses(database: Database, lease: Lease) -> None:
    journal = StoredJournal(lease)
    calls = [asyncio.create_task(journal.commit(outcome(f"r1/a/{number:04}"))) for number in range(1200)]
    await asyncio.sleep(0)
    await asyncio.to_thread(journal.close)
    await asyncio.gather(*calls)
    assert len(keys(database)) == 1200
    with pytest.raises(JournalError, match="closed"):
        await journal.commit(outcome("r1/b/1"))
    with pytest.raises(JournalError, match="closed"):
        await journal.find("r9/b/1")
    journal.close()


async def test_a_fresh_run_knows_that_its_journal_is_empty(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        assert await journal.find("r1/a/1") is None
        selects = Counter(database, "SELECT")
        for number in range(50):
            assert await journal.find(f"r1/a/{number}") is None
        assert selects.count == 0
        assert await journal.find("r2/a/1") is None
        assert selects.count == 0


async def test_a_page_is_loaded_once_and_holds_its_round_alone(database: Database, lease: Lease) -> None:
    names = ["r1/a/1", "r1/b/1", "r10/a/1", "r2/a/1", "r1", "outside/1", "R1/a/1"]
    with StoredJournal(lease) as journal:
        await asyncio.gather(*(journal.commit(outcome(name)) for name in names))
    lease.release()
    with acquire(database, "run") as again, StoredJournal(again) as journal:
        selects = Counter(database, "SELECT llm_requests")
        found = await asyncio.gather(*(journal.find(name) for name in ("r1/a/1", "r1/b/1", "r1/c/1", "r1")))
        assert [row is not None for row in found] == [True, True, False, True]
        assert selects.count <= 2
        assert set(journal._page.rows) == {"r1/a/1", "r1/b/1", "r1"}
        for name in names:
            row = await journal.find(name)
            assert row is not None
            assert row["request_key"] == name


async def test_what_was_committed_in_this_process_is_found_on_pages_opened_before_and_after(
    lease: Lease,
) -> None:
    with StoredJournal(lease) as journal:
        assert await journal.find("r1/a/1") is None
        await journal.commit(outcome("r1/a/1"))
        await journal.commit(outcome("r2/a/1"))
        for key in ("r1/a/1", "r2/a/1", "r1/a/1"):
            found = await journal.find(key)
            assert found is not None
            assert found["request_key"] == key


async def test_a_fork_takes_over_what_its_parent_asked_before(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        for number in (1, 2, 3):
            await journal.commit(
                outcome(f"r{number}/a/1", round=number, response=f"old {number}", attempts=2)
            )
    with (
        new_run(database, "child", parent_run_id="run", fork_round=3) as child,
        StoredJournal(child) as journal,
    ):
        await journal.commit(outcome("r3/a/1", round=3, response="new 3"))
    with (
        new_run(database, "grandchild", parent_run_id="child", fork_round=4) as grandchild,
        StoredJournal(grandchild) as journal,
    ):
        found = [await journal.find(f"r{number}/a/1") for number in (1, 2, 3, 4)]
    assert [row and row["response"] for row in found] == ["old 1", "old 2", "new 3", None]
    assert [row and row["source_run_id"] for row in found] == ["run", "run", "child", None]
    assert totals(database, "grandchild").whole == Asks(3)
    assert totals(database, "child").whole == Asks(3, 1, 120, 30, 0, Decimal("0.0000123456"))
    assert [(known.run.run_id, known.before_round) for known in lineage(database, "grandchild")] == [
        ("child", 4),
        ("run", 3),
    ]


async def test_a_journal_opened_on_a_database_is_for_reading(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1"))
    with StoredJournal(database, "run") as journal:
        assert await journal.find("r1/a/1") is not None
        with pytest.raises(JournalError, match="reading only"):
            await journal.commit(outcome("r1/a/2"))
    with pytest.raises(MarketAgentsError, match="belongs to one run"):
        StoredJournal(database)
    with pytest.raises(MarketAgentsError, match="belongs to one run"):
        StoredJournal(lease, "other")


async def test_a_former_owner_cannot_commit(database: Database, lease: Lease) -> None:
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1"))
        lease.release()
        with acquire(database, "run"), pytest.raises(WriteConflict):
            await journal.commit(outcome("r1/a/2"))
    assert keys(database) == ["r1/a/1"]


async def test_totals_sum_up_by_round_and_name_an_unknown_price(database: Database, lease: Lease) -> None:
    assert totals(database, "run").whole == Asks()
    with StoredJournal(lease) as journal:
        await journal.commit(outcome("r1/a/1", attempts=2))
        await journal.commit(outcome("r1/a/2", cached_tokens=5))
        await journal.commit(outcome("r2/a/1", round=2, cost=None))
    summary = totals(database, "run")
    assert summary.by_round[1] == Asks(2, 3, 240, 60, 5, Decimal("0.0000246912"))
    assert summary.by_round[2] == Asks(1, 1, 120, 30, 0, None)
    assert summary.whole == Asks(3, 4, 360, 90, 5, None)
