"""A run that is stopped, in whatever way, goes on as if nothing had been, and pays for nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import MetaOrchestrator, RunResult, Start
from market_agents.storage import get_run, open_database
from market_agents.whole_config import stored_config
from tests.end_to_end.conftest import Calm
from tests.end_to_end.stage import SHIPPED, Shell, call, ended, fingerprint, query, status_of, until_asked
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery

IN_FLIGHT = 8
SLOW = [{"kind": "delay", "ms": 5, "jitter_ms": 15}]


def answer_until(model: FakeModel, moment: int) -> None:
    """Have only so many requests answered in all, so that no run gets further before it is stopped."""
    model.set_faults([*SLOW, {"kind": "hang", "after": moment - len(model.ledger())}])


def run(model: FakeModel, url: str) -> tuple[str, ...]:
    """The words that start the shipped run, called ``one``."""
    entries = f'llm_configs=[{{name: served, model: fake-model, base_url: "{model.base_url}"}}]'
    limits = f"request_limits={{openai: {{max_in_flight: {IN_FLIGHT}}}}}"
    flags = ("--set", entries, "--set", limits, "--database", url, "--run-id", "one")
    return ("run", str(SHIPPED), *flags)


def begin(shell: Shell, model: FakeModel, url: str, moment: int) -> subprocess.Popen[str]:
    """Start the run as a process of its own, and wait until its request of that number was seen."""
    answer_until(model, moment)
    process = shell.start(*run(model, url))
    until_asked(model, moment, process)
    return process


def kill_at(moment: int, nursery: Nursery, folder: Path, model: FakeModel, *words: str) -> None:
    """Start the program and kill it when its request of that number was seen."""
    answer_until(model, moment)
    nursery.start(folder, *words)
    until_asked(model, moment, nursery)
    os.kill(nursery.pid, signal.SIGKILL)
    assert nursery.end().code == -signal.SIGKILL


def go_on(folder: Path, url: str, model: FakeModel) -> RunResult:
    """Resume the run in this process, before a model that answers everything."""
    model.set_faults(SLOW)
    with open_database(url, create=False) as database:
        config = stored_config(get_run(database, "one"))
    start = Start(run_id="one", resume=True)
    return MetaOrchestrator(config, start=start, database=url, folder=folder).run()


def assert_as_if_nothing_had_been(url: str, model: FakeModel, calm: Calm, stops: int = 1) -> None:
    assert fingerprint(url, "one") == calm.digest
    assert status_of(url, "one") == "completed"
    requests = query(url, "SELECT request_key, attempts FROM llm_requests")
    assert len(requests) == len({row["request_key"] for row in requests}) == calm.requests
    assert calm.requests <= len(model.ledger()) <= calm.requests + stops * IN_FLIGHT


@pytest.mark.parametrize("moment", [1, 40, 90, 150])
def test_killed_on_sqlite(
    nursery: Nursery, tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm, moment: int
) -> None:
    kill_at(moment, nursery, tmp_path, fake_model, *run(fake_model, sqlite_url))
    result = go_on(tmp_path, sqlite_url, fake_model)
    assert result.replayed >= moment - IN_FLIGHT
    assert_as_if_nothing_had_been(sqlite_url, fake_model, calm)


@pytest.mark.parametrize("moment", [60, 130])
def test_killed_on_postgresql(
    nursery: Nursery, tmp_path: Path, postgres_url: str, fake_model: FakeModel, calm: Calm, moment: int
) -> None:
    kill_at(moment, nursery, tmp_path, fake_model, *run(fake_model, postgres_url))
    go_on(tmp_path, postgres_url, fake_model)
    assert_as_if_nothing_had_been(postgres_url, fake_model, calm)


def test_killed_twice(
    nursery: Nursery, tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    kill_at(50, nursery, tmp_path, fake_model, *run(fake_model, sqlite_url))
    kill_at(110, nursery, tmp_path, fake_model, "resume", "one", "--database", sqlite_url)
    shown = call(tmp_path, "runs", "show", "one", "--database", sqlite_url)
    assert "interrupted" in shown.out
    assert "resume one" in shown.out
    go_on(tmp_path, sqlite_url, fake_model)
    assert_as_if_nothing_had_been(sqlite_url, fake_model, calm, stops=2)


@pytest.fixture
def heeded_hangup() -> Iterator[None]:
    """Started programs heed SIGHUP, also where whoever started the tests has them ignore it, as ``nohup`` does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeded_hangup")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_stopped_by_a_signal_and_resumed_by_the_printed_line(
    shell: Shell, sqlite_url: str, fake_model: FakeModel, calm: Calm, number: signal.Signals, code: int
) -> None:
    process = begin(shell, fake_model, sqlite_url, 60)
    process.send_signal(number)
    stopped = ended(process)
    assert stopped.code == code, stopped.err
    assert "Traceback" not in stopped.err
    assert "stopping" in stopped.err
    assert status_of(sqlite_url, "one") == "interrupted"
    line = stopped.err.splitlines()[-1]
    assert line.startswith("go on with: ")
    if number is signal.SIGHUP:
        go_on(shell.folder, sqlite_url, fake_model)
    else:
        fake_model.set_faults(SLOW)
        resumed = shell.line(line.removeprefix("go on with: "))
        assert resumed.code == 0, resumed.err
    assert_as_if_nothing_had_been(sqlite_url, fake_model, calm)


def test_interrupted_five_times_at_once(
    shell: Shell, sqlite_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    process = begin(shell, fake_model, sqlite_url, 60)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 130
    assert "Traceback" not in stopped.err
    go_on(shell.folder, sqlite_url, fake_model)
    assert_as_if_nothing_had_been(sqlite_url, fake_model, calm)


def test_a_living_run_has_one_owner(
    nursery: Nursery, tmp_path: Path, database_url: str, fake_model: FakeModel
) -> None:
    answer_until(fake_model, 5)
    nursery.start(tmp_path, *run(fake_model, database_url))
    until_asked(fake_model, 5, nursery)
    try:
        for words in (("resume", "one"), ("replay", "one"), ("runs", "delete", "one", "--yes")):
            refused = call(tmp_path, *words, "--database", database_url)
            assert refused.code == 2, words
            assert len(refused.complaints) == 1
            assert f":{nursery.pid}:" in refused.complaints[0], "the owner is named"
        assert "running" in call(tmp_path, "runs", "--database", database_url).out
        assert len(fake_model.ledger()) <= 5 + IN_FLIGHT
    finally:
        os.kill(nursery.pid, signal.SIGKILL)
        nursery.end()


def test_interrupted_before_anything_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("market_agents.cli.import_module", pressed)
    stopped = call(tmp_path, "run")
    assert stopped.code == 130
    assert stopped.complaints == ["interrupted"]
    assert list(tmp_path.iterdir()) == []
