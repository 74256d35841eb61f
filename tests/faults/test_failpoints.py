"""Killed at every named moment, once and again, a run goes on as if nothing had been."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from market_agents.errors import UserError
from market_agents.failpoints import POINTS, VARIABLE, armed
from tests.end_to_end.stage import SHIPPED, Shell, call, fingerprint, query, status_of
from tests.rig.nursery import Nursery

RUN = (
    "run", str(SHIPPED), "--set", "num_agents=4", "--set", "budget.max_calls=100000", "--run-id", "one", "--quiet",
)  # fmt: skip
RESUME = ("resume", "one", "--quiet")
BESIDES = {"backup.written", "migration.copied", *(point for point in POINTS if point.startswith("batch."))}
"""Moments that a run with calls in a new database does not come to; `test_batches` and `test_killed_copies` do."""


def killed(nursery: Nursery, folder: Path, where: str, *words: str) -> None:
    """Start the program, which must die at a moment."""
    assert nursery.run(folder, *words, **{VARIABLE: where}).code == -signal.SIGKILL, where


@pytest.mark.parametrize("point", sorted(POINTS - BESIDES))
def test_P01_killed_at_a_named_moment(
    tmp_path: Path, sqlite_url: str, nursery: Nursery, undisturbed: str, point: str
) -> None:
    check_killed_at(point, tmp_path, sqlite_url, nursery, undisturbed)


@pytest.mark.parametrize("point", ["migration.commit.before", "step.commit.before", "journal.commit.before"])
def test_P02_killed_on_postgresql(
    tmp_path: Path, postgres_url: str, nursery: Nursery, undisturbed: str, point: str
) -> None:
    check_killed_at(point, tmp_path, postgres_url, nursery, undisturbed)


def check_killed_at(point: str, folder: Path, url: str, nursery: Nursery, undisturbed: str) -> None:
    flags = ("--database", url)
    killed(nursery, folder, point, *RUN, *flags)
    done = call(folder, *(RUN if point == "migration.commit.before" else RESUME), *flags)
    assert done.code == 0, done.err
    assert_whole(url, undisturbed)


def test_P02_killed_again_and_again_while_it_resumes(
    tmp_path: Path, database_url: str, nursery: Nursery, undisturbed: str
) -> None:
    flags = ("--database", database_url)
    killed(nursery, tmp_path, "step.insert:1", *RUN, *flags)
    for where in ("run.owned", "journal.commit.before:2", "step.commit.before:4"):
        killed(nursery, tmp_path, where, *RESUME, *flags)
    assert "interrupted" in call(tmp_path, "runs", "show", "one", *flags).out
    done = call(tmp_path, *RESUME, *flags)
    assert done.code == 0, done.err
    assert_whole(database_url, undisturbed)


def assert_whole(url: str, undisturbed: str) -> None:
    assert fingerprint(url, "one") == undisturbed
    assert status_of(url, "one") == "completed"
    keys = [row["request_key"] for row in query(url, "SELECT request_key FROM llm_requests")]
    assert len(keys) == len(set(keys))


def test_without_the_variable_no_moment_is_fatal() -> None:
    reach = armed({})
    for point in POINTS:
        reach(point)


@pytest.mark.parametrize(
    "value", ["nowhere", "run.owned:often", "run.owned:-1", "run.owned:0", "run.owned:²", ":1"]
)
def test_a_moment_that_does_not_exist_is_told(value: str) -> None:
    with pytest.raises(UserError, match=VARIABLE):
        armed({VARIABLE: value})


def test_a_moment_that_does_not_exist_is_told_in_one_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.environment[VARIABLE] = "nowhere"
    done = shell.run("runs")
    assert done.code == 2
    [line] = done.err.splitlines()
    assert line.startswith(f"market-agents: {VARIABLE}: 'nowhere' is not POINT[:COUNT]; unset it")
