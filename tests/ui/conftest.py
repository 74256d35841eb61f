"""The live page as an application, asked over HTTP without a network in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from market_agents.storage import Database, Run, open_database
from market_agents.ui import Access, create_app
from tests.end_to_end.stage import play

ADDRESS = "http://127.0.0.1:8642"
SMALL: dict[str, object] = {
    "num_agents": 4,
    "max_rounds": 2,
    "seed": 7,
    "environment_configs.auction.institution": "lob",
}

Visit = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


def no_resume(_: Run) -> str:
    """For pages of which no test reads the command."""
    return ""


@asynccontextmanager
async def visitor(
    database: Database,
    access: Access | None = None,
    how_to_resume: Callable[[Run], str] = no_resume,
    address: str = ADDRESS,
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a page of its own."""
    app = create_app(database, access or Access(), how_to_resume, every=0.01)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=address) as client:
        yield client


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an SQLite database with a finished run ``one``; nobody writes to it."""
    from market_agents.meta_orchestrator import Start

    folder: Path = tmp_path_factory.mktemp("played")
    url = f"sqlite:///{folder / 'market.db'}"
    play(folder, url, SMALL, start=Start(run_id="one"))
    return url


@pytest.fixture
def database(played: str) -> Iterator[Database]:
    """The same, opened as the live page opens it."""
    with open_database(played, create=False, read_only=True) as opened:
        yield opened
