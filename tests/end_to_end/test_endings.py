"""How runs end: with the exit code and the last line that fit what is stored, and with everything that was paid for."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from market_agents.interruption import stoppable, to_the_end
from market_agents.storage import open_database, spending
from tests.end_to_end.stage import SECONDS, SHIPPED, Shell, call, ended, query, status_of, until_asked
from tests.rig.fake_model_client import FakeModel

REFUSING = [{"kind": "status", "code": 401}]
JUDGE = "{model: m0, rubric: {tone: 'Are they polite?'}, what: perceptions}"


def begun(model: FakeModel, url: str, *others: FakeModel, **changes: object) -> list[str]:
    """The words that run the shipped file, called ``one``, smaller, with an entry for each model."""
    entries = ", ".join(
        f'{{name: m{number}, model: fake-model, base_url: "{served.base_url}"}}'
        for number, served in enumerate((model, *others))
    )
    settings = [f"llm_configs=[{entries}]", "num_agents=6", "environment_order=[auction]"]
    settings += [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    words = ["run", str(SHIPPED), "--quiet", "--database", url, "--run-id", "one"]
    return words + [word for setting in settings for word in ("--set", setting)]


def paid(*models: FakeModel) -> int:
    """Requests that were answered, as the servers know them."""
    return sum(entry["status"] == 200 for model in models for entry in model.ledger())


def answers(url: str) -> int:
    """Answers that are kept, whether or not they could be used."""
    return len(query(url, "SELECT request_key FROM llm_requests WHERE returned_model <> ''"))


def test_L06_a_key_refused_beside_answers_that_were_paid_for_stops_the_run_resumably(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    with FakeModel(faults=REFUSING) as other:
        stopped = call(tmp_path, *begun(fake_model, sqlite_url, other))
        assert stopped.code == 3
        assert "nothing was spent" not in stopped.err
        assert stopped.err.splitlines()[-1].startswith("go on with: ")
        assert status_of(sqlite_url, "one") == "interrupted"
        assert answers(sqlite_url) == paid(fake_model) > 0
        other.set_faults([])
        before = paid(fake_model)
        resumed = call(tmp_path, "resume", "one", "--quiet", "--database", sqlite_url)
        assert resumed.code == 0, resumed.err
        assert answers(sqlite_url) == paid(fake_model, other) > before


def test_L06_a_key_refused_when_a_run_goes_on_leaves_it_resumable(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    assert call(tmp_path, *begun(fake_model, sqlite_url, budget__max_calls=9)).code == 3
    fake_model.set_faults(REFUSING)
    words = ("resume", "one", "--quiet", "--database", sqlite_url, "--set", "budget.max_calls=1000")
    stopped = call(tmp_path, *words)
    assert stopped.code == 3
    assert "--set budget.max_calls=1000" in stopped.err.splitlines()[-1]
    assert "go on with" in call(tmp_path, "runs", "show", "one", "--database", sqlite_url).out
    fake_model.set_faults([])
    assert call(tmp_path, *words).code == 0


def test_what_judges_were_paid_for_is_kept_when_one_of_them_stops_the_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    refused_once = {**REFUSING[0], "match": "You judge an experiment", "first": 1}
    fake_model.set_faults([refused_once, {"kind": "delay", "ms": 100}])
    stopped = call(tmp_path, *begun(fake_model, sqlite_url, judge=JUDGE))
    assert stopped.code == 3
    judged = query(sqlite_url, "SELECT request_key FROM llm_requests WHERE step = 'judge'")
    assert len(judged) > 1
    assert answers(sqlite_url) == paid(fake_model)


def test_a_fork_begins_with_its_whole_budget(tmp_path: Path, sqlite_url: str, fake_model: FakeModel) -> None:
    """What attempts of its parent may have cost counts for the parent alone."""
    fake_model.set_faults([{"kind": "reset_mid_body", "first": 3}])
    assert call(tmp_path, *begun(fake_model, sqlite_url)).code == 0
    words = ("fork", "one", "--at-round", "2", "--run-id", "two", "--quiet", "--database", sqlite_url)
    assert call(tmp_path, *words).code == 0
    columns = "sum(unconfirmed_attempts) + sum(unconfirmed_tokens) + sum(unconfirmed_cost) AS perhaps"
    taken = query(sqlite_url, f"SELECT {columns} FROM llm_requests WHERE run_id = 'two' AND round = 1")
    assert taken[0]["perhaps"] == 0
    with open_database(sqlite_url) as database:
        assert spending(database, "two").tokens < spending(database, "one").tokens


def test_P05_who_insists_is_not_kept_waiting_by_a_locked_database(
    shell: Shell, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 50}])
    process = shell.start(*begun(fake_model, sqlite_url))
    until_asked(fake_model, 5, process)
    assert process.stderr is not None
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=SECONDS)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        process.send_signal(signal.SIGINT)
        assert "stopping" in process.stderr.readline()
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    stopped = ended(process)
    assert stopped.code == 130
    assert "Traceback" not in stopped.err
    assert stopped.err.splitlines()[-1].startswith("go on with: ")


async def test_P06_a_hangup_that_is_ignored_stays_ignored() -> None:
    """As under ``nohup``; afterwards every signal is handled as before."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(signal.SIGHUP, signal.SIG_IGN), *map(signal.getsignal, numbers[1:])]
    try:
        with stoppable() as stop:
            assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN, stop, stop]
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN, *before[1:]]
    finally:
        signal.signal(signal.SIGHUP, before[0])


async def test_P05_what_ends_a_run_is_not_cancelled() -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> str:
        entered.set()
        leave.wait(SECONDS)
        return "stored"

    ending = asyncio.create_task(to_the_end(work))
    assert await asyncio.to_thread(entered.wait, SECONDS)
    ending.cancel()
    await asyncio.sleep(0)
    leave.set()
    assert await ending == "stored"


def test_X02_what_a_server_calls_its_model_forges_no_line(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults(
        [{"kind": "wrong_model", "model": "other\nRun one failed; paste: rm\n" + "x" * 999}]
    )
    done = call(tmp_path, *begun(fake_model, sqlite_url))
    assert done.code == 0
    assert len(done.out.splitlines()) == 2
    assert all(len(line) < 300 for line in done.out.splitlines())


def test_C01_what_the_environment_says_of_connections_is_the_users_mistake(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "::::")
    refused = call(tmp_path, *begun(fake_model, sqlite_url))
    assert refused.code == 2
    (complaint,) = refused.complaints
    assert "HTTP_PROXY" in complaint
    assert fake_model.ledger() == []
    assert query(sqlite_url, "SELECT run_id FROM runs") == []


@pytest.mark.parametrize("cap", ["max_calls", "max_tokens"])
def test_L17_a_run_that_a_raised_cap_stopped_is_shown_with_one_that_has_room(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, cap: str
) -> None:
    first, then = {"max_calls": (3, 12), "max_tokens": (9_000, 14_000)}[cap]
    stopped = call(tmp_path, *begun(fake_model, sqlite_url, **{f"budget__{cap}": first}))
    for words in (
        [],
        ["resume", "one", "--quiet", "--database", sqlite_url, "--set", f"budget.{cap}={then}"],
    ):
        stopped = call(tmp_path, *words) if words else stopped
        assert stopped.code == 3
        shown = call(tmp_path, "runs", "show", "one", "--database", sqlite_url).out
        (line,) = [line for line in shown.splitlines() if line.startswith("go on with: ")]
        assert line == stopped.err.splitlines()[-1]
