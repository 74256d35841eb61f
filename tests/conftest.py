"""Fixtures for every test: databases, the fake model server, and a guard that keeps tests on this machine."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from market_agents.storage import open_database
from tests.rig.fake_model_client import FakeModel
from tests.rig.fault_table import ids_of
from tests.rig.loopback import forbid_outside_connections, forget_real_services
from tests.rig.postgres import PostgresServer

# The same examples every time, so that a change lands or fails for its own reasons, on a busy machine too.
# `scripts/test --hypothesis-profile=default` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that hold an address in memory: workers that share the tests would not agree on them."""
    unstable = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if unstable:
        raise pytest.UsageError(f"give the parameters of {unstable[0]} ids of their own")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let ``-k L01`` find the tests that the table of faults names, whatever they are called."""
    item.extra_keyword_matches.update(ids_of(item.path, getattr(item, "originalname", None) or item.name))


@pytest.fixture(scope="session", autouse=True)
def on_this_machine() -> Iterator[None]:
    """No connection but to loopback, and no key, database or proxy from the environment, for the session."""
    with pytest.MonkeyPatch.context() as patch:
        forget_real_services(patch)
        forbid_outside_connections(patch)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL server, one for each worker process of the test run."""
    with PostgresServer() as server:
        yield server


@contextmanager
def fresh_database(server: PostgresServer, template: str = "template0") -> Iterator[str]:
    """The address of a database for one test; the server is up again if a test left it down."""
    if not server.running:
        server.start()
    name = f"market_{secrets.token_hex(6)}"
    yield server.create_database(name, template)
    if not server.running:
        server.start()
    server.drop_database(name)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'market.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database; the test runs once on SQLite and once on PostgreSQL."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the present schema and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("made") / "market.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def made_database(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with the present schema and nothing in it, to be copied."""
    if not postgres_server.running:
        postgres_server.start()
    open_database(postgres_server.create_database("made")).close()
    return "made"


@pytest.fixture(params=["sqlite", "postgresql"])
def made_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As ``database_url``, but the schema is there already, so that it need not be made for each test."""
    if request.param == "sqlite":
        path = tmp_path / "market.db"
        shutil.copyfile(request.getfixturevalue("made_file"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server, request.getfixturevalue("made_database")) as url:
        yield url


@pytest.fixture(scope="session")
def fake_model_server() -> Iterator[FakeModel]:
    """A fake model, one for each worker process of the test run; tests take ``fake_model`` instead."""
    with FakeModel() as model:
        yield model


@pytest.fixture
def fake_model(fake_model_server: FakeModel) -> FakeModel:
    """A fake model with seed 0, no faults and an empty ledger."""
    return _as_new(fake_model_server)


@pytest.fixture(scope="module")
def fake_model_of_module(fake_model_server: FakeModel) -> FakeModel:
    """The same for what the tests of a module share, whatever tests of others have left behind."""
    return _as_new(fake_model_server)


def _as_new(model: FakeModel) -> FakeModel:
    if not model.running:
        model.start()
    model.reset()
    return model
