"""The schema's version: made by the revisions exactly as described, migrated with a copy, or refused."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect, text

from market_agents.errors import SchemaVersionError
from market_agents.storage import (
    SCHEMA_VERSION,
    Database,
    check_database,
    open_database,
    upgrade_database,
    versions,
)
from market_agents.storage.answers import shared_metadata
from market_agents.storage.columns import Name
from market_agents.storage.schema import VERSION_TABLE, metadata
from tests.storage.samples import new_run, stored

NEXT = f"{int(SCHEMA_VERSION) + 1:04}"

LATER = f'''"""A test's next revision."""
import sqlalchemy as sa
from alembic import op
revision = "{NEXT}"
down_revision = "{SCHEMA_VERSION}"
def upgrade() -> None:
    op.add_column("topics", sa.Column("mood", sa.Text(), nullable=True))
'''


def stamp(database: Database, version: str) -> None:
    database.write(
        lambda connection: connection.execute(
            text(f"UPDATE {VERSION_TABLE} SET version_num = :version"), {"version": version}
        )
    )


def foreign(url: str) -> None:
    """Make a table that is not ours."""
    statement = "CREATE TABLE orders (id INTEGER, pizza TEXT)"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.execute(statement)
        return
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()


def test_the_revisions_make_what_the_schema_describes(database: Database) -> None:
    whole = MetaData(naming_convention=metadata.naming_convention)
    for table in [*metadata.tables.values(), *shared_metadata.tables.values()]:
        table.to_metadata(whole)
    with database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE},
        )
        assert compare_metadata(context, whole) == []


def test_keys_checks_and_cascades_are_what_the_schema_describes(database: Database) -> None:
    with database.read() as connection:
        inspector = inspect(connection)
        for name, table in metadata.tables.items():
            key = inspector.get_pk_constraint(name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key]
            assert key[0] == "run_id"
            described = {str(check.name) for check in table.constraints if str(check.name).startswith("ck_")}
            assert {check["name"] for check in inspector.get_check_constraints(name)} == described
            cascades = [
                (found["constrained_columns"], found["options"].get("ondelete"))
                for found in inspector.get_foreign_keys(name)
            ]
            assert cascades == ([(["parent_run_id"], None)] if name == "runs" else [(["run_id"], "CASCADE")])
        assert set(inspector.get_view_names()) == {"v_agent_performance", "v_conversation", "v_costs"}


def test_names_are_ordered_by_code_point_whatever_the_locale(postgres_url: str) -> None:
    query = text(
        "SELECT collation_name FROM information_schema.columns WHERE table_name = :table AND column_name = :name"
    )
    with open_database(postgres_url) as database, database.read() as connection:
        for table in metadata.tables.values():
            for column in table.columns:
                collation = connection.scalar(query, {"table": table.name, "name": column.name})
                assert (collation == "C") == isinstance(column.type, Name), column


def test_the_schema_version_is_the_last_revision() -> None:
    scripts = ScriptDirectory(str(versions.MIGRATIONS))
    assert scripts.get_heads() == [SCHEMA_VERSION]
    assert all(len(script.revision) == 4 for script in scripts.walk_revisions()), (
        "versions are compared as text"
    )


def test_D12_a_database_of_another_program_is_left_alone(database_url: str) -> None:
    foreign(database_url)
    for attempt in (open_database, check_database, upgrade_database):
        with pytest.raises(SchemaVersionError, match="tables of another program"):
            attempt(database_url)
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)
            assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]
        assert [found for found in path.parent.iterdir() if "backup" in found.name] == []


def test_D12_a_newer_database_is_refused_by_name(database_url: str) -> None:
    with open_database(database_url) as database:
        stamp(database, "0999")
    for attempt in (open_database, check_database, upgrade_database):
        with pytest.raises(
            SchemaVersionError,
            match=rf"has schema 0999, this program knows {SCHEMA_VERSION}.*install the newer",
        ):
            attempt(database_url)


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a later version of the program would know: one revision more."""
    folder = tmp_path / "later % migrations"
    shutil.copytree(versions.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT}_next.py").write_text(LATER)
    monkeypatch.setattr(versions, "MIGRATIONS", folder)
    for module in ("versions", "database"):
        monkeypatch.setattr(f"market_agents.storage.{module}.SCHEMA_VERSION", NEXT)


def old_database(url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "MIGRATIONS", Path(versions.__file__).parent / "migrations")
        patch.setattr(versions, "SCHEMA_VERSION", SCHEMA_VERSION)
        with open_database(url) as database:
            new_run(database, "run").release()


def test_an_older_database_is_brought_up_to_date(database_url: str, next_version: None) -> None:
    old_database(database_url)
    assert (
        f"has schema {SCHEMA_VERSION}, the program's is {NEXT}: run market-agents db upgrade"
        in check_database(database_url)
    )
    assert f"schema {NEXT}, up to date" in upgrade_database(database_url)
    with open_database(database_url) as database:
        assert stored(database, "runs", "run_id") == [("run",)]
        with database.read() as connection:
            assert connection.scalars(text("SELECT mood FROM topics")).all() == []


def test_an_older_file_is_copied_first_and_the_copy_is_named(
    sqlite_url: str, next_version: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old_database(sqlite_url)
    taken = tmp_path / f"market.db.schema-{SCHEMA_VERSION}.backup"
    taken.write_text("an earlier copy")
    open_database(sqlite_url).close()
    copy = tmp_path / f"market.db.schema-{SCHEMA_VERSION}.backup-2"
    assert str(copy) in caplog.text
    assert taken.read_text() == "an earlier copy"
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT run_id FROM runs").fetchall() == [("run",)]
        assert old.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() == [(SCHEMA_VERSION,)]
    open_database(sqlite_url).close()
    assert len([found for found in tmp_path.iterdir() if "backup" in found.name]) == 2


def test_a_migration_that_fails_changes_nothing(database_url: str, next_version: None) -> None:
    old_database(database_url)
    broken = versions.MIGRATIONS / "versions" / f"{NEXT}_next.py"
    broken.write_text(LATER + '    raise RuntimeError("power cut")\n')
    with pytest.raises(RuntimeError, match="power cut"):
        open_database(database_url)
    assert f"has schema {SCHEMA_VERSION}" in check_database(database_url)
    broken.write_text(LATER)
    with open_database(database_url) as database:
        assert stored(database, "runs", "run_id") == [("run",)]


def test_an_empty_database_is_told_from_one_that_is_up_to_date(postgres_url: str) -> None:
    assert "is empty" in check_database(postgres_url)
    assert "is empty" in check_database(postgres_url)
    upgrade_database(postgres_url)
    assert check_database(postgres_url).endswith(f"schema {SCHEMA_VERSION}, up to date")


def test_D12_a_copy_that_breaks_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(str(tmp_path / "market.db")).close()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("market_agents.storage.files.os.fsync", full)
    before = set(tmp_path.iterdir())
    with pytest.raises(OSError, match="No space left"):
        versions.back_up(tmp_path / "market.db", "0001")
    assert set(tmp_path.iterdir()) == before
