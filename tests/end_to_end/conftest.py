"""Finished runs of several treatments on both databases, made once and looked at by many tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.stage import CANARY, Shell, asked, fingerprint, play
from tests.end_to_end.treatments import TREATMENTS, Books, read_books
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery
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


class Shelf(dict[str, Books]):
    """Finished runs by database and treatment, ``sqlite:served`` for example; made when first asked for."""

    def __init__(self, folder: Path, postgres: str, model: FakeModel) -> None:
        super().__init__()
        self._folder = folder
        self._postgres = postgres
        self._model = model

    def __missing__(self, key: str) -> Books:
        kind, _, name = key.partition(":")
        url = f"sqlite:///{self._folder / 'runs.db'}" if kind == "sqlite" else self._postgres
        changes = dict(TREATMENTS[name])
        if changes.pop("served", False):
            changes["llm_configs"] = asked(self._model)
        self[key] = read_books(name, url, play(self._folder, url, changes))
        return self[key]


@pytest.fixture(scope="session")
def shelf(folder: Path, postgres_runs: str) -> Iterator[Shelf]:
    """All finished runs of the session."""
    with FakeModel() as model:
        yield Shelf(folder, postgres_runs, model)


@pytest.fixture(
    scope="session", params=[f"{kind}:{name}" for name in TREATMENTS for kind in ("sqlite", "postgresql")]
)
def books(request: pytest.FixtureRequest, shelf: Shelf) -> Books:
    """The rows of a finished run, for each treatment on each database."""
    return shelf[request.param]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts the program without loading its libraries each time."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The program in an empty folder, with a key in its environment."""
    return Shell(tmp_path, CANARY_KEY=CANARY)


@dataclass(frozen=True)
class Calm:
    """What a served run comes to when nothing disturbs it."""

    digest: str
    requests: int


@pytest.fixture(scope="session")
def calm(shelf: Shelf) -> Calm:
    """The undisturbed run of the shipped file against the fake model."""
    books = shelf["sqlite:served"]
    return Calm(fingerprint(books.url, books.result.run_id), books.result.model_calls)
