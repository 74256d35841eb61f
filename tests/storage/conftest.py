"""An open database of either kind, and a run in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from market_agents.storage import Database, Lease, open_database
from tests.storage.samples import new_run


@pytest.fixture
def database(made_database_url: str) -> Iterator[Database]:
    """A fresh database; the test runs once on SQLite and once on PostgreSQL."""
    with open_database(made_database_url) as database:
        yield database


@pytest.fixture
def lease(database: Database) -> Iterator[Lease]:
    """A run called ``run`` in that database, owned by the test."""
    with new_run(database, "run") as lease:
        yield lease
