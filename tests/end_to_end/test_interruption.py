"""A run that is stopped, in whatever way, goes on as if nothing had been, and pays for nothing twice."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import MetaOrchestrator, RunResult, Start
from market_agents.storage import get_run, open_database
from market_agents.whole_config import stored_config
from tests.end_to_end.conftest import Calm
from tests.end_to_end.stage import SHIPPED, Shell, call, ended, fingerprint, query, status_of, until_asked
from tests.rig.fake_model_client import FakeModel

IN_FLIGHT = 8
SLOW = [{"kind": "delay", "ms": 5, "jitter_ms": 15}]


@pytest.fixture
def slow_model(fake_model: FakeModel) -> FakeModel:
    """A fake model that leaves time to stop a run in its middle."""
    fake_model.set_faults(SLOW)
    return fake_model


def begin(shell: Shell, model: FakeModel, url: str) -> subprocess.Popen[str]:
    """Start the shipped run, called ``one``, as a process."""
    entries = f'llm_configs=[{{name: served, model: fake-model, base_url: "{model.base_url}"}}]'
    limits = f"request_limits={{openai: {{max_in_flight: {IN_FLIGHT}}}}}"
    flags = ("--set", entries, "--set", limits, "--database", url, "--run-id", "one")
    return shell.start("run", str(SHIPPED), *flags)


def go_on(folder: Path, url: str) -> RunResult:
    """Resume the run in this process."""
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
    shell: Shell, sqlite_url: str, slow_model: FakeModel, calm: Calm, moment: int
) -> None:
    process = begin(shell, slow_model, sqlite_url)
    until_asked(slow_model, moment, process)
    process.kill()
    assert ended(process).code == -signal.SIGKILL
    result = go_on(shell.folder, sqlite_url)
    assert result.replayed >= moment - IN_FLIGHT
    assert_as_if_nothing_had_been(sqlite_url, slow_model, calm)


@pytest.mark.parametrize("moment", [60, 130])
def test_killed_on_postgresql(
    shell: Shell, postgres_url: str, slow_model: FakeModel, calm: Calm, moment: int
) -> None:
    process = begin(shell, slow_model, postgres_url)
    until_asked(slow_model, moment, process)
    process.kill()
    ended(process)
    go_on(shell.folder, postgres_url)
    assert_as_if_nothing_had_been(postgres_url, slow_model, calm)


def test_killed_twice(shell: Shell, sqlite_url: str, slow_model: FakeModel, calm: Calm) -> None:
    process = begin(shell, slow_model, sqlite_url)
    for moment in (50, 110):
        until_asked(slow_model, moment, process)
        process.kill()
        ended(process)
        if moment == 50:
            process = shell.start("resume", "one", "--database", sqlite_url)
    shown = call(shell.folder, "runs", "show", "one", "--database", sqlite_url)
    assert "interrupted" in shown.out
    assert "resume one" in shown.out
    go_on(shell.folder, sqlite_url)
    assert_as_if_nothing_had_been(sqlite_url, slow_model, calm, stops=2)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_stopped_by_a_signal_and_resumed_by_the_printed_line(
    shell: Shell, sqlite_url: str, slow_model: FakeModel, calm: Calm, number: signal.Signals, code: int
) -> None:
    process = begin(shell, slow_model, sqlite_url)
    until_asked(slow_model, 60, process)
    process.send_signal(number)
    stopped = ended(process)
    assert stopped.code == code
    assert "Traceback" not in stopped.err
    assert "stopping" in stopped.err
    assert status_of(sqlite_url, "one") == "interrupted"
    line = stopped.err.splitlines()[-1]
    assert line.startswith("go on with: ")
    if number is signal.SIGHUP:
        go_on(shell.folder, sqlite_url)
    else:
        resumed = shell.line(line.removeprefix("go on with: "))
        assert resumed.code == 0, resumed.err
    assert_as_if_nothing_had_been(sqlite_url, slow_model, calm)


def test_interrupted_five_times_at_once(
    shell: Shell, sqlite_url: str, slow_model: FakeModel, calm: Calm
) -> None:
    process = begin(shell, slow_model, sqlite_url)
    until_asked(slow_model, 60, process)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 130
    assert "Traceback" not in stopped.err
    go_on(shell.folder, sqlite_url)
    assert_as_if_nothing_had_been(sqlite_url, slow_model, calm)


def test_a_living_run_has_one_owner(shell: Shell, database_url: str, slow_model: FakeModel) -> None:
    process = begin(shell, slow_model, database_url)
    until_asked(slow_model, 5, process)
    slow_model.set_faults([{"kind": "hang"}])
    seen = len(slow_model.ledger())
    try:
        for words in (("resume", "one"), ("replay", "one"), ("runs", "delete", "one", "--yes")):
            refused = call(shell.folder, *words, "--database", database_url)
            assert refused.code == 2, words
            assert len(refused.complaints) == 1
            assert f":{process.pid}:" in refused.complaints[0], "the owner is named"
        assert "running" in call(shell.folder, "runs", "--database", database_url).out
        assert len(slow_model.ledger()) <= seen + IN_FLIGHT
    finally:
        process.kill()
        ended(process)


def test_interrupted_before_anything_has_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("market_agents.cli.import_module", pressed)
    stopped = call(tmp_path, "run")
    assert stopped.code == 130
    assert stopped.complaints == ["interrupted"]
    assert list(tmp_path.iterdir()) == []
