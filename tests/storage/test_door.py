"""What the room offers, and how long it takes to offer it."""

from __future__ import annotations

import time
from pathlib import Path

from market_agents import storage
from market_agents.storage import open_database


def test_every_name_that_is_offered_is_there_and_documented() -> None:
    for name in storage.__all__:
        assert getattr(storage, name) is not None
        if name not in {"SCHEMA_VERSION", "Row"}:
            assert getattr(storage, name).__doc__, name


def test_names_that_the_rest_of_the_program_relies_on() -> None:
    assert {
        "Database",
        "Lease",
        "Run",
        "RunStatus",
        "StoredJournal",
        "acquire",
        "check_database",
        "create_run",
        "delete_run",
        "digest",
        "export_run",
        "fetch",
        "get_run",
        "is_alive",
        "lineage",
        "list_runs",
        "open_database",
        "record_event",
        "set_status",
        "tables",
        "totals",
        "upgrade_database",
        "write_step",
    } <= set(storage.__all__)


def test_opening_an_existing_file_is_quick_and_needs_no_migration_tool(tmp_path: Path) -> None:
    path = str(tmp_path / "market.db")
    open_database(path).close()
    fastest = 10.0
    for _ in range(5):
        started = time.perf_counter()
        open_database(path).close()
        fastest = min(fastest, time.perf_counter() - started)
    assert fastest < 0.1
