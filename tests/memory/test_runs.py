"""Memory in whole runs: bounded prompts, records of what came back, and the same after resume and replay."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config
from market_agents.storage import digest, open_database
from tests.minds.runs import SHIPPED, played, prompts_of, rows
from tests.rig.fake_model_client import FakeModel

SMALL = {"num_agents": 2, "environment_configs.group_chat.sub_rounds": 1, "seed": 5}


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty rounds of two agents."""
    changes = {**SMALL, "max_rounds": 60, "memory.scratchpad": True, "memory.scratchpad_length": 200}
    return played(tmp_path_factory.mktemp("long") / "run.db", changes)


def test_prompts_of_round_60_are_as_long_as_those_of_round_6(long_run: Path) -> None:
    lengths: dict[tuple[int, str, str, str], int] = {}
    for prompt in prompts_of(long_run):
        lengths[prompt.round, prompt.agent_id, prompt.environment, prompt.step] = prompt.length
    compared = 0
    for (number, *place), length in lengths.items():
        if number == 60:
            early = max(lengths.get((earlier, *place), 0) for earlier in (6, 7, 8))  # type: ignore[arg-type]
            if early:
                assert length <= early * 1.15, place
                compared += 1
    assert compared > 6


def test_what_came_back_is_recorded_and_shown(long_run: Path) -> None:
    kept = {
        (row["agent_id"], row["round"], row["seq"]): row
        for row in rows(long_run, "SELECT agent_id, round, seq, kind, content FROM agent_memories")
    }
    shown = defaultdict(set)
    for prompt in prompts_of(long_run):
        for line in prompt.user.splitlines():
            if line.startswith("- From round "):
                shown[prompt.agent_id, prompt.environment, prompt.round].add(line.split(": ", 1)[1])
    found = rows(long_run, "SELECT * FROM recollections")
    came_back = 0
    for row in found:
        contents = {
            kept[row["agent_id"], number, seq]["content"] for number, seq in json.loads(row["recalled"])
        }
        assert contents == shown.get((row["agent_id"], row["environment"], row["round"]), set())
        came_back += len(contents)
    assert came_back > 50


def test_what_was_left_out_grows_while_prompts_do_not(long_run: Path) -> None:
    left = [
        row["left_out"]
        for row in rows(
            long_run,
            "SELECT left_out FROM recollections WHERE agent_id = 'agent_1' AND environment = 'auction' ORDER BY round",
        )
    ]
    assert left == sorted(left)
    assert left[-1] > 100


def test_the_log_tells_once_that_prompts_leave_memories_out(long_run: Path) -> None:
    events = rows(long_run, "SELECT message FROM run_events WHERE kind = 'memory_trimmed'")
    assert len(events) == 2
    assert "recollections" in events[0]["message"]


def test_a_private_note_is_shown_to_its_owner_alone_and_stored(long_run: Path) -> None:
    notes = defaultdict(list)
    for row in rows(
        long_run, "SELECT agent_id, content FROM agent_memories WHERE kind = 'note' ORDER BY round, seq"
    ):
        notes[row["agent_id"]].append(row["content"])
    assert set(notes) == {"agent_1", "agent_2"}
    shown = 0
    for prompt in prompts_of(long_run):
        for line in prompt.user.splitlines():
            if line.startswith("Your private note: "):
                note = line.removeprefix("Your private note: ")
                assert note in notes[prompt.agent_id]
                assert len(note) <= 200
                shown += 1
    assert shown > 100


def embedding(model: FakeModel) -> dict[str, object]:
    entry = {"name": "vectors", "model": "embedder", "base_url": model.base_url, "weight": 0}
    return {
        **SMALL,
        "max_rounds": 5,
        "memory.retrieval": "embeddings",
        "memory.embeddings": "vectors",
        "memory.window": 1,
        "llm_configs": [{"name": "offline", "client": "offline"}, entry],
    }


def run(folder: Path, changes: dict[str, object], *, resume: bool = False, replay: bool = False) -> str:
    config = load_config(SHIPPED, list(changes.items()))
    start = Start(run_id="one", resume=resume, replay=replay)
    address = f"sqlite:///{folder / 'run.db'}"
    MetaOrchestrator(config, start=start, database=address, folder=folder).run()
    with open_database(address, create=False) as database:
        return digest(database, "one")


def test_embeddings_are_asked_once_whatever_happens_to_the_run(tmp_path: Path, fake_model: FakeModel) -> None:
    changes = embedding(fake_model)
    first = run(tmp_path, changes)
    asked = len(fake_model.ledger())
    assert asked > 4
    stored = rows(
        tmp_path / "run.db", "SELECT agent_id, step, requested_model FROM llm_requests WHERE step = 'memory'"
    )
    assert len(stored) == asked
    assert {row["requested_model"] for row in stored} == {"embedder"}
    assert run(tmp_path, changes, replay=True) == first
    assert len(fake_model.ledger()) == asked


def test_a_run_that_stopped_asks_only_for_the_vectors_that_it_lacks(
    tmp_path: Path, fake_model: FakeModel
) -> None:
    changes = embedding(fake_model)
    first = run(tmp_path, changes)
    with closing(sqlite3.connect(tmp_path / "run.db")) as database, database:
        database.execute("UPDATE runs SET status = 'interrupted', finished_at = NULL")
        gone = database.execute("DELETE FROM llm_requests WHERE step = 'memory' AND round = 5").rowcount
    before = len(fake_model.ledger())
    assert run(tmp_path, changes, resume=True) == first
    assert len(fake_model.ledger()) - before == gone > 0


def test_where_no_vectors_come_words_decide_and_the_run_goes_on(
    tmp_path: Path, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "status", "code": 422, "match": "embedder", "every": 2}])
    run(tmp_path, embedding(fake_model))
    stored = rows(tmp_path / "run.db", "SELECT status FROM llm_requests WHERE step = 'memory'")
    assert "failed" in {row["status"] for row in stored}
    assert rows(tmp_path / "run.db", "SELECT status FROM runs") == [{"status": "completed"}]


def test_the_stand_in_makes_vectors_too(tmp_path: Path) -> None:
    changes = {**SMALL, "max_rounds": 5, "memory.window": 1, "memory.retrieval": "embeddings"}
    run(tmp_path, {**changes, "memory.embeddings": "offline"})
    found = rows(tmp_path / "run.db", "SELECT count(*) AS n FROM llm_requests WHERE step = 'memory'")
    assert found[0]["n"] > 4


def test_ways_of_remembering_remember_differently(tmp_path: Path) -> None:
    found = {}
    for retrieval in ("bm25", "recent"):
        changes = {**SMALL, "max_rounds": 12, "memory.window": 1, "memory.retrieval": retrieval}
        file = played(tmp_path / f"{retrieval}.db", changes)
        found[retrieval] = rows(file, "SELECT agent_id, environment, round, recalled FROM recollections")
    assert found["bm25"] != found["recent"]
