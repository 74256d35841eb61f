"""Finished runs of several treatments on both databases, made once and looked at by many tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.stage import CANARY, Shell, asked, play
from tests.end_to_end.treatments import TREATMENTS, Books, read_books
from tests.rig.fake_model_client import FakeModel
from tests.rig.postgres import PostgresServer


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the finished runs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def postgres_runs(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database that lasts for the session."""
    name = f"runs_{secrets.token_hex(6)}"
    yield postgres_server.create_database(name)
    if not postgres_server.running:
        postgres_server.start()
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def books_of(folder: Path, postgres_runs: str, postgres_server: PostgresServer) -> Iterator[dict[str, Books]]:
    """Finished runs by name and database; filled as they are asked for."""
    known: dict[str, Books] = {}
    with FakeModel() as model:

        class Shelf(dict[str, Books]):
            def __missing__(self, key: str) -> Books:
                kind, _, name = key.partition(":")
                url = f"sqlite:///{folder / 'runs.db'}" if kind == "sqlite" else postgres_runs
                if not postgres_server.running:
                    postgres_server.start()
                changes = {**TREATMENTS[name]}
                if changes.pop("served", False):
                    changes["llm_configs"] = asked(model)
                result = play(folder, url, changes)
                self[key] = read_books(name, url, result)
                return self[key]

        known = Shelf()
        yield known


@pytest.fixture(
    scope="session", params=[f"{kind}:{name}" for name in TREATMENTS for kind in ("sqlite", "postgresql")]
)
def books(request: pytest.FixtureRequest, books_of: dict[str, Books]) -> Books:
    """The rows of a finished run, for each treatment on each database."""
    return books_of[request.param]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The program in an empty folder, with a key in its environment."""
    return Shell(tmp_path, CANARY_KEY=CANARY)
