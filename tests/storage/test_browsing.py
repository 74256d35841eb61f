"""Reading while others write: nothing can be changed, and what changed is noticed."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from market_agents.errors import MarketAgentsError, RunRefused, UserError
from market_agents.storage import (
    count_runs,
    get_run,
    list_runs,
    open_database,
    pulse,
    pulse_of_all,
    select_rows,
    write_step,
)
from market_agents.storage.schema import VERSION_TABLE
from tests.storage.samples import agent, new_run, trade


def test_a_database_opened_to_read_only_takes_no_row(database_url: str) -> None:
    open_database(database_url).close()
    with open_database(database_url, read_only=True) as database:
        with pytest.raises(MarketAgentsError, match="opened to read only"):
            new_run(database, "run")
        with pytest.raises(MarketAgentsError), database.read() as connection:
            connection.execute(text("DELETE FROM runs"))
        assert count_runs(database) == 0


def test_it_is_not_made_and_not_upgraded(sqlite_url: str) -> None:
    with pytest.raises(UserError, match="there is no database"):
        open_database(sqlite_url, read_only=True)
    with open_database(sqlite_url) as database:
        database.write(
            lambda connection: connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0000'"))
        )
    with pytest.raises(
        UserError, match=r"has schema 0000, the program's is .*: run market-agents db upgrade"
    ):
        open_database(sqlite_url, read_only=True)


def test_a_pulse_changes_with_its_run(database_url: str) -> None:
    with open_database(database_url) as writing, open_database(database_url, read_only=True) as reading:
        with pytest.raises(RunRefused):
            pulse(reading, "run")
        empty = pulse_of_all(reading)
        lease = new_run(writing, "run")
        begun, all_begun = pulse(reading, "run"), pulse_of_all(reading)
        assert (begun.status, begun.steps) == ("running", 0)
        write_step(lease, "r1/end", {"agents": [agent(1, "buyer")]})
        done, all_done = pulse(reading, "run"), pulse_of_all(reading)
        assert (done.steps, done.finished) == (1, 1)
        lease.release()
        gone, all_gone = pulse(reading, "run"), pulse_of_all(reading)
        assert gone.status == "interrupted"
        assert len({begun, done, gone}) == 3
        assert len({empty, all_begun, all_done, all_gone}) == 4


def test_a_reader_in_the_middle_of_its_reading_holds_up_no_writer(database_url: str) -> None:
    with (
        open_database(database_url, patience=0) as writing,
        new_run(writing, "run") as lease,
        open_database(database_url, read_only=True) as reading,
    ):
        with reading.read() as connection:
            count = text("SELECT COUNT(*) FROM agents")
            assert connection.scalar(count) == 0
            write_step(lease, "people", {"agents": [agent(1, "buyer")]})
            assert connection.scalar(count) == 0, "a reader sees one state"
        assert len(select_rows(reading, "agents", get_run(reading, "run"))) == 1


def test_rows_come_in_the_order_and_number_asked_for(database_url: str) -> None:
    with open_database(database_url) as database, new_run(database, "run") as lease:
        rows = [trade(number, round=1 + number % 3) for number in range(1, 10)]
        write_step(lease, "rows", {"trades": rows})
        run = get_run(database, "run")
        latest = select_rows(database, "trades", run, order=("-round", "-trade_id"), limit=4)
        assert [row["trade_id"] for row in latest] == [8, 5, 2, 7]
        some = select_rows(database, "trades", run, {"round": [1, 2]}, limit=3, offset=2)
        assert [row["trade_id"] for row in some] == [4, 6, 7]


def test_runs_are_listed_page_by_page(sqlite_url: str) -> None:
    with open_database(sqlite_url) as database:
        for number in range(5):
            new_run(database, f"run-{number}").release()
        assert [run.run_id for run in list_runs(database, 2, 1)] == ["run-3", "run-2"]
        assert count_runs(database) == 5
