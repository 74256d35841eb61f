"""A run in batches is the run with calls: on both databases, whatever batches do, and killed wherever it waits."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from market_agents.failpoints import POINTS, VARIABLE
from market_agents.inference.batches import LOOKS_BEFORE_LOST
from tests.end_to_end.stage import (
    SHIPPED,
    Changes,
    Shell,
    asked,
    call,
    ended,
    fingerprint,
    play,
    query,
    status_of,
    table,
)
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery

SMALL = {"num_agents": 4, "max_rounds": 1}
QUICK = {"poll_interval": 0.02}
ROUGH: list[dict[str, Any]] = [
    {"kind": "batch_waits", "polls": 1},
    {"kind": "batch_slow", "polls": 2},
    {"kind": "batch_shuffled"},
    {"kind": "batch_expired", "every": 3},
    {"kind": "line_missing", "every": 7},
    {"kind": "line_twice", "every": 5},
]


MARKET = {**SMALL, "environment_order": ["auction"]}


def in_batches(model: FakeModel, run: Changes = SMALL) -> Changes:
    return {**run, "llm_configs": asked(model), "execution": "batch", "batch": QUICK}


def words(changes: Changes) -> list[str]:
    return [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def paid(model: FakeModel) -> int:
    return sum(entry["paid"] for entry in model.ledger())


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The digest of the small run with calls, and how many it paid."""
    return with_calls(tmp_path_factory.mktemp("live"), SMALL)


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The same of its market alone."""
    return with_calls(tmp_path_factory.mktemp("market"), MARKET)


def with_calls(folder: Path, run: Changes) -> tuple[str, int]:
    url = f"sqlite:///{folder / 'market.db'}"
    with FakeModel() as model:
        result = play(folder, url, {**run, "llm_configs": asked(model)})
        return fingerprint(url, result.run_id), paid(model)


def test_batches_give_the_same_run_on_both_databases(
    tmp_path: Path, database_url: str, fake_model: FakeModel, live: tuple[str, int]
) -> None:
    result = play(tmp_path, database_url, in_batches(fake_model))
    assert (fingerprint(database_url, result.run_id), paid(fake_model)) == live
    batches = table(database_url, "llm_batches", result.run_id)
    assert sum(row["requests"] for row in batches) == result.asks
    assert {row["status"] for row in batches} == {"completed"}
    assert table(database_url, "llm_intents", result.run_id) == []
    # Every step of all agents at the same time is one batch.
    steps = query(
        database_url,
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT environment, sub_round, step FROM llm_requests) AS s",
    )
    assert len(batches) == steps[0]["n"]


def test_batches_that_behave_badly_give_the_same_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, live: tuple[str, int]
) -> None:
    fake_model.set_faults(ROUGH)
    result = play(tmp_path, sqlite_url, in_batches(fake_model))
    assert fingerprint(sqlite_url, result.run_id) == live[0]
    missing = sum("line_missing" in entry["faults"] for entry in fake_model.ledger())
    assert missing > 0
    assert paid(fake_model) == live[1] + missing


def killed(nursery: Nursery, folder: Path, where: str, *words: str) -> None:
    assert nursery.run(folder, *words, **{VARIABLE: where}).code == -signal.SIGKILL, where


BATCH_POINTS = sorted(point for point in POINTS if point.startswith("batch."))


@pytest.mark.parametrize("point", [*BATCH_POINTS, "journal.commit.before:2"])
def test_killed_while_a_batch_is_on_its_way_nothing_is_paid_twice(
    tmp_path: Path,
    sqlite_url: str,
    nursery: Nursery,
    fake_model: FakeModel,
    market: tuple[str, int],
    point: str,
) -> None:
    check_killed(point, tmp_path, sqlite_url, nursery, fake_model, market)


@pytest.mark.parametrize("point", ["batch.created"])
def test_killed_while_a_batch_is_on_its_way_on_postgresql(
    tmp_path: Path,
    postgres_url: str,
    nursery: Nursery,
    fake_model: FakeModel,
    market: tuple[str, int],
    point: str,
) -> None:
    check_killed(point, tmp_path, postgres_url, nursery, fake_model, market)


def check_killed(
    point: str, folder: Path, url: str, nursery: Nursery, model: FakeModel, calm: tuple[str, int]
) -> None:
    """Killed there, and in one case once more as it resumes; then a resume leads to the run that nothing disturbed."""
    model.set_faults([{"kind": "batch_slow", "polls": 1}, {"kind": "batch_shuffled"}])
    place = ("--database", url, "--quiet")
    caps = {"budget": {"max_calls": calm[1]}}
    killed(
        nursery,
        folder,
        point,
        "run",
        str(SHIPPED),
        "--run-id",
        "one",
        *words({**in_batches(model, MARKET), **caps}),
        *place,
    )
    if point == "batch.created":
        killed(nursery, folder, "batch.fetched", "resume", "one", *place)
    done = call(folder, "resume", "one", *place)
    assert done.code == 0, done.err
    assert status_of(url, "one") == "completed"
    assert (fingerprint(url, "one"), paid(model)) == calm
    assert table(url, "llm_intents", "one") == []
    made = {row["batch_id"] for row in table(url, "llm_batches", "one")} - {None}
    assert made == {batch["id"] for batch in model.batches()}
    assert "may have been paid" not in done.out


def test_ctrl_c_while_a_batch_is_waited_for_says_that_it_goes_on_and_how_to_fetch_it(
    shell: Shell, sqlite_url: str, fake_model: FakeModel, live: tuple[str, int]
) -> None:
    fake_model.set_faults([{"kind": "batch_slow", "polls": 10_000}])
    process = shell.start(
        "run", str(SHIPPED), "--run-id", "one", "--database", sqlite_url, *words(in_batches(fake_model))
    )
    assert process.stderr is not None
    shown = next(line for line in process.stderr if "asks sent" in line)
    assert "batch_000001" in shown
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 130
    [told] = [line for line in stopped.err.splitlines() if "goes on at" in line]
    assert "batch_000001" in told
    assert fake_model.base_url in told
    assert "market-agents resume one" in stopped.err
    assert status_of(sqlite_url, "one") == "interrupted"
    assert (
        "waits for batch batch_000001"
        in call(shell.folder, "runs", "show", "one", "--database", sqlite_url).out
    )
    fake_model.set_faults([])
    finished = fake_model.cancel_batch("batch_000001")
    assert finished["status"] == "cancelled"
    done = call(shell.folder, "resume", "one", "--database", sqlite_url, "--set", "execution=live", "--quiet")
    assert done.code == 0, done.err
    assert (fingerprint(sqlite_url, "one"), paid(fake_model)) == live


def test_a_batch_that_the_provider_knows_no_more_is_asked_again_where_that_is_wanted(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, market: tuple[str, int]
) -> None:
    fake_model.set_faults([{"kind": "batch_status", "on": "look", "code": 404}])
    place = ("--database", sqlite_url, "--quiet")
    lost = call(
        tmp_path, "run", str(SHIPPED), "--run-id", "one", *words(in_batches(fake_model, MARKET)), *place
    )
    assert lost.code == 3
    [told] = [line for line in lost.err.splitlines() if "batch_000001 is lost" in line]
    assert "--set batch.if_lost=resend" in told
    again = call(tmp_path, "resume", "one", *place)
    assert again.code == 3, "without the word nothing is paid twice"
    assert len(fake_model.batches()) == 1
    fake_model.set_faults([{"kind": "batch_status", "on": "look", "code": 404, "first": LOOKS_BEFORE_LOST}])
    done = call(tmp_path, "resume", "one", "--set", "batch.if_lost=resend", *place)
    assert done.code == 0, done.err
    assert fingerprint(sqlite_url, "one") == market[0]
    asks = query(sqlite_url, "SELECT SUM(unconfirmed_attempts) AS n FROM llm_requests")[0]["n"]
    first, *others = table(sqlite_url, "llm_batches", "one")
    assert asks == first["requests"]
    assert [first["status"], *(batch["status"] for batch in others)] == ["lost"] + ["completed"] * len(others)
    shown = call(tmp_path, "runs", "show", "one", "--database", sqlite_url).out
    assert f"{asks} calls without an answer may have been paid" in shown
    assert "waits for batch" not in shown


def test_turns_one_after_another_are_refused_with_what_to_set(tmp_path: Path, fake_model: FakeModel) -> None:
    changes = {**in_batches(fake_model), "environment_configs.group_chat.turns": "round_robin"}
    refused = call(tmp_path, "run", str(SHIPPED), *words(changes))
    assert refused.code == 2
    [complaint] = refused.complaints
    assert "environment_configs.group_chat.execution" in complaint
    assert "turns: round_robin" in complaint
    assert fake_model.ledger() == []
    mixed = {**changes, "environment_configs.group_chat.execution": "live"}
    assert call(tmp_path, "validate", str(SHIPPED), *words(mixed)).code == 0


def test_an_environment_or_an_entry_that_says_live_is_asked_live(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, live: tuple[str, int]
) -> None:
    changes = {**in_batches(fake_model), "environment_configs.group_chat.execution": "live"}
    result = play(tmp_path, sqlite_url, changes)
    assert fingerprint(sqlite_url, result.run_id) == live[0]
    asks = query(sqlite_url, "SELECT COUNT(*) AS n FROM llm_requests WHERE environment = 'auction'")[0]["n"]
    assert sum(row["requests"] for row in table(sqlite_url, "llm_batches", result.run_id)) == asks
