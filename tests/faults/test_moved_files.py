"""An SQLite file that is taken away while a run writes to it: spending stops, and nothing that was paid for is lost."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.stage import (
    SHIPPED,
    Changes,
    asked,
    call,
    fingerprint,
    in_flight,
    play,
    table,
    until_asked,
)
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery

MARKET: Changes = {
    "num_agents": 4,
    "max_rounds": 1,
    "environment_order": ["auction"],
    "request_limits": in_flight(2),
}
SLOW = [{"kind": "delay", "ms": 30}]
MOMENT = 10


@pytest.fixture(scope="session")
def calm_market(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """Digest and requests of the run that nothing disturbs."""
    url = f"sqlite:///{tmp_path_factory.mktemp('calm') / 'market.db'}"
    with FakeModel() as model:
        result = play(
            Path(url.removeprefix("sqlite:///")).parent, url, {**MARKET, "llm_configs": asked(model)}
        )
    return fingerprint(url, result.run_id), result.model_calls


def removed(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    with closing(sqlite3.connect(file.with_name("other.db"))) as other:
        other.execute("CREATE TABLE pizzas (name TEXT)")
    file.with_name("other.db").replace(file)


def folder_renamed(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def log_removed(file: Path) -> None:
    file.with_name(f"{file.name}-wal").unlink()


@pytest.mark.parametrize(
    ("misfortune", "told"),
    [
        (removed, "was removed or renamed"),
        (replaced, "was replaced by another file"),
        (folder_renamed, "was removed or renamed"),
        (log_removed, "lost its write-ahead log"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_D14_a_file_that_is_taken_away_stops_the_run_and_its_rows_are_saved(
    tmp_path: Path,
    nursery: Nursery,
    fake_model: FakeModel,
    calm_market: tuple[str, int],
    misfortune: Callable[[Path], None],
    told: str,
) -> None:
    digest, requests = calm_market
    file = tmp_path / "results" / "market.db"
    file.parent.mkdir()
    fake_model.set_faults(SLOW)
    changes = {**MARKET, "llm_configs": asked(fake_model)}
    flags = [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    words = ("--run-id", "one", "--quiet", "--database", f"sqlite:///{file}")
    nursery.start(tmp_path, "run", str(SHIPPED), *flags, *words)
    until_asked(fake_model, MOMENT, nursery)
    misfortune(file)
    stopped = nursery.end()
    assert stopped.code == 3, stopped.err
    [what, *_, how] = stopped.err.splitlines()[-2:]
    assert f"{file} {told} while the run wrote to it: all its rows were saved to" in what
    assert "Traceback" not in stopped.err
    assert len(fake_model.ledger()) < requests, "spending went on"
    command = shlex.split(how.partition("market-agents ")[2])
    assert call(tmp_path, *command, "--quiet").code == 0
    url = command[command.index("--database") + 1]
    assert fingerprint(url, "one") == digest
    assert len(table(url, "llm_requests", "one")) == requests
    # Whatever was acknowledged is there: at most what was in flight is asked again.
    assert len(fake_model.ledger()) <= requests + 2
