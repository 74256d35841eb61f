"""What the room offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from market_agents import storage
from market_agents.storage import open_database, versions


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


def test_opening_an_existing_file_needs_no_migration_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated: list[Connection] = []

    def migrate(connection: Connection) -> None:
        migrated.append(connection)
        versions_migrate(connection)

    versions_migrate = versions._migrate
    monkeypatch.setattr(versions, "_migrate", migrate)
    for _ in range(2):
        open_database(str(tmp_path / "market.db")).close()
    assert len(migrated) == 1
