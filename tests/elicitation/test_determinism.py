"""The tasks decide the same whatever the database, the number of calls in flight, or who else takes part."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.meta_orchestrator import Start
from market_agents.storage.schema import metadata
from tests.end_to_end.stage import asked, change, fingerprint, in_flight, play, table
from tests.rig.fake_model_client import FakeModel

TASKS: dict[str, object] = {"num_agents": 6, "max_rounds": 1, "environment_order": ["elicitation"]}


def test_both_databases_hold_the_same(tmp_path: Path, sqlite_url: str, postgres_url: str) -> None:
    digests = {fingerprint(url, play(tmp_path, url, TASKS).run_id) for url in (sqlite_url, postgres_url)}
    assert len(digests) == 1


def test_one_call_at_a_time_or_many(tmp_path: Path, sqlite_url: str, fake_model: FakeModel) -> None:
    digests = set()
    for calls in (1, 64):
        changes = {
            **TASKS,
            "llm_configs": asked(fake_model),
            "request_limits": in_flight(calls),
            "max_abstention_share": 1.0,
        }
        digests.add(fingerprint(sqlite_url, play(tmp_path, sqlite_url, changes).run_id))
    assert len(digests) == 1


def test_one_more_agent_changes_nobodys_answers(tmp_path: Path, sqlite_url: str) -> None:
    answers = []
    for count in (6, 7):
        result = play(tmp_path, sqlite_url, {**TASKS, "num_agents": count})
        rows = table(sqlite_url, "actions", result.run_id)
        answers.append({(row["agent_id"], row["action"]): row["content"] for row in rows})
    assert answers[0].items() <= answers[1].items()
    assert len(answers[1]) == 7 * 3


def test_another_seed_gives_other_answers(tmp_path: Path, sqlite_url: str) -> None:
    digests = {
        fingerprint(sqlite_url, play(tmp_path, sqlite_url, {**TASKS, "seed": seed}).run_id) for seed in (1, 2)
    }
    assert len(digests) == 2


@pytest.mark.parametrize("kept", [0, 1, 7])
def test_a_run_that_lost_its_end_is_finished_from_where_it_was(
    tmp_path: Path, sqlite_url: str, kept: int
) -> None:
    result = play(tmp_path, sqlite_url, TASKS)
    whole = fingerprint(sqlite_url, result.run_id)
    for name in metadata.tables.keys() - {"runs", "llm_requests", "run_events"}:
        change(sqlite_url, f"DELETE FROM {name}")
    change(
        sqlite_url,
        "DELETE FROM llm_requests WHERE request_key NOT IN "
        f"(SELECT request_key FROM llm_requests ORDER BY request_key LIMIT {kept})",
    )
    change(sqlite_url, "UPDATE runs SET status = 'interrupted', finished_at = NULL")
    resumed = play(tmp_path, sqlite_url, TASKS, start=Start(run_id=result.run_id, resume=True))
    assert resumed.replayed == kept
    assert fingerprint(sqlite_url, result.run_id) == whole
    notes = [
        row for row in table(sqlite_url, "run_events", result.run_id) if row["kind"] == "persona_balance"
    ]
    assert len(notes) == 1, "noted once in a run's life"
