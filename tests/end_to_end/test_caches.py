"""Answers kept for later runs: the same run again for nothing, and the same digest."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.end_to_end.conftest import Calm
from tests.end_to_end.stage import asked, call, fingerprint, play, table
from tests.rig.fake_model_client import FakeModel


def test_a_second_run_costs_nothing_and_is_the_same(
    tmp_path: Path, database_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    changes = {"llm_configs": asked(fake_model, use_cache=True, input_price=1.0, output_price=1.0)}
    first = play(tmp_path, database_url, changes)
    assert first.from_cache == 0
    assert len(fake_model.ledger()) == calm.requests
    second = play(tmp_path, database_url, changes)
    assert len(fake_model.ledger()) == calm.requests
    assert (second.model_calls, float(second.cost), second.from_cache) == (0, 0.0, second.asks)
    digests = {fingerprint(database_url, run.run_id) for run in (first, second)}
    assert digests == {calm.digest}
    rows = table(database_url, "llm_requests", second.run_id)
    assert {(row["from_cache"], row["attempts"], row["cost"]) for row in rows} == {(1, 0, 0)}

    told = call(tmp_path, "cache", "stats", "--database", database_url)
    assert told.code == 0, told.err
    assert f"{calm.requests} asks of runs" in told.out
    assert "fake-model" in told.out
    assert call(tmp_path, "cache", "clear", "--model", "other", "--database", database_url).out.startswith(
        "0 answers"
    )
    cleared = call(tmp_path, "cache", "clear", "--database", database_url)
    assert cleared.out == f"{calm.requests} answers forgotten; the journals of runs keep theirs\n"
    assert "no answers are kept" in call(tmp_path, "cache", "stats", "--database", database_url).out
    assert call(tmp_path, "replay", second.run_id, "--quiet", "--database", database_url).code == 0
    play(tmp_path, database_url, {**changes, "num_agents": 2, "max_rounds": 1})
    assert len(fake_model.ledger()) > calm.requests


def test_two_runs_may_keep_the_same_answers_at_once(
    tmp_path: Path, database_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "delay", "ms": 5, "jitter_ms": 10}])
    changes = {"llm_configs": asked(fake_model, use_cache=True), "num_agents": 4}
    digests: list[str] = []

    def run() -> None:
        digests.append(fingerprint(database_url, play(tmp_path, database_url, changes).run_id))

    play(tmp_path, database_url, {"num_agents": 2, "max_rounds": 1})  # makes the database
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 2
    assert len(set(digests)) == 1
