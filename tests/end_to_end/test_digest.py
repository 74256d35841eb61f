"""What a run decides depends on its configuration, its seed and the replies, and on nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Calm, Shelf
from tests.end_to_end.stage import SHIPPED, Shell, asked, call, fingerprint, in_flight, play, table
from tests.rig.fake_model_client import FakeModel

JITTER = [{"kind": "delay", "ms": 0, "jitter_ms": 25}]


@pytest.mark.parametrize("calls", [1, 3, 64])
@pytest.mark.parametrize("jitter", [False, True])
def test_M02_order_of_arrival_decides_nothing(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm, calls: int, jitter: bool
) -> None:
    fake_model.set_faults(JITTER if jitter and calls > 1 else [])
    changes = {"llm_configs": asked(fake_model), "request_limits": in_flight(calls)}
    result = play(tmp_path, sqlite_url, changes)
    assert fingerprint(sqlite_url, result.run_id) == calm.digest


def test_the_kind_of_database_decides_nothing(shelf: Shelf) -> None:
    for name in ("served", "zi_lob_none", "stand_in_lob_run"):
        here, there = (shelf[f"{kind}:{name}"] for kind in ("sqlite", "postgresql"))
        assert fingerprint(here.url, here.result.run_id) == fingerprint(there.url, there.result.run_id)


def test_M02_the_order_of_sets_decides_nothing(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    shell = Shell(tmp_path, PYTHONHASHSEED="4242")  # that of this process is drawn
    entries = f'llm_configs=[{{name: served, model: fake-model, base_url: "{fake_model.base_url}"}}]'
    done = shell.run(
        "run", str(SHIPPED), "--set", entries, "--database", sqlite_url, "--run-id", "one", "--quiet"
    )
    assert done.code == 0, done.err
    assert call(tmp_path, "digest", "one", "--database", sqlite_url).out.strip() == calm.digest


def test_faults_on_the_way_decide_nothing(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    fake_model.set_faults([{"kind": "lost_reply", "every": 40}, {"kind": "reset_before", "every": 31}])
    result = play(tmp_path, sqlite_url, {"llm_configs": asked(fake_model)})
    assert fingerprint(sqlite_url, result.run_id) == calm.digest
    assert result.model_calls > calm.requests


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 43},
        {"memory.enabled": False},
        {"agent_config.noise_factor": 0.06},
        {"environment_configs.group_chat.group_size": 5},
        {"environment_order": ["auction", "group_chat"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_treatment_is_another_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm, changes: dict[str, object]
) -> None:
    result = play(tmp_path, sqlite_url, {"llm_configs": asked(fake_model), **changes})
    assert fingerprint(sqlite_url, result.run_id) != calm.digest


def test_one_more_agent_changes_nobody_elses_beginning(tmp_path: Path, sqlite_url: str) -> None:
    few = play(tmp_path, sqlite_url, {"num_agents": 4, "max_rounds": 1})
    more = play(tmp_path, sqlite_url, {"num_agents": 5, "max_rounds": 1})
    for name in ("agents", "preference_schedules"):
        before, after = (
            {
                str(sorted((k, str(v)) for k, v in row.items() if k != "run_id"))
                for row in table(sqlite_url, name, run)
            }
            for run in (few.run_id, more.run_id)
        )
        assert before < after
