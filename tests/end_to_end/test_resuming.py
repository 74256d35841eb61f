"""When a stored run may go on, and when it must not; and running again from the journal alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import Start
from tests.end_to_end.stage import SHIPPED, asked, call, change, fingerprint, play, query, status_of
from tests.rig.fake_model_client import FakeModel

KEY = "r1/1.auction/s1/agent_3/action/1"


@pytest.fixture
def done(tmp_path: Path, sqlite_url: str, fake_model: FakeModel) -> str:
    """The address of a database with a finished served run called ``one``."""
    changes = {"llm_configs": asked(fake_model), "num_agents": 4}
    play(tmp_path, sqlite_url, changes, start=Start(run_id="one"))
    return sqlite_url


@pytest.fixture
def stopped(done: str) -> str:
    """The same, as if it had been stopped before its end was stored."""
    change(done, "UPDATE runs SET status = 'interrupted', finished_at = NULL")
    return done


def edited(folder: Path, model: FakeModel, *edits: tuple[str, str]) -> Path:
    """The shipped file as the run used it, further edited."""
    text = SHIPPED.read_text(encoding="utf-8").replace("num_agents: 10", "num_agents: 4")
    start, end = text.index("llm_configs:\n"), text.index("# Limits under the name")
    entry = f'llm_configs: [{{name: served, model: fake-model, base_url: "{model.base_url}"}}]\n'
    text = text[:start] + entry + text[end:]
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "edited.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_completed_run_says_so(tmp_path: Path, done: str, fake_model: FakeModel) -> None:
    seen = len(fake_model.ledger())
    resumed = call(tmp_path, "resume", "one", "--database", done)
    assert resumed.code == 0
    assert "run one is completed" in resumed.out
    assert len(fake_model.ledger()) == seen


def test_an_unknown_run_is_refused_with_those_that_exist(tmp_path: Path, done: str) -> None:
    for verb in ("resume", "replay", "digest"):
        refused = call(tmp_path, verb, "two", "--database", done)
        assert refused.code == 2
        assert len(refused.complaints) == 1
        assert refused.complaints[0].endswith("the latest are: one")


def test_a_replay_asks_nothing_and_changes_nothing(tmp_path: Path, done: str, fake_model: FakeModel) -> None:
    before, seen = fingerprint(done, "one"), len(fake_model.ledger())
    fake_model.stop()
    replayed = call(tmp_path, "replay", "one", "--database", done)
    fake_model.start()
    assert replayed.code == 0, replayed.err
    assert f"{seen} from the journal" in replayed.out
    assert fingerprint(done, "one") == before
    assert status_of(done, "one") == "completed"


def test_a_replay_stops_at_the_first_request_that_the_journal_does_not_hold(
    tmp_path: Path, done: str, fake_model: FakeModel
) -> None:
    change(done, f"DELETE FROM llm_requests WHERE request_key = '{KEY}'")
    seen = len(fake_model.ledger())
    replayed = call(tmp_path, "replay", "one", "--database", done)
    assert replayed.code == 1
    assert len(replayed.complaints) == 1
    assert KEY in replayed.complaints[0]
    assert "Traceback" not in replayed.err
    assert len(fake_model.ledger()) == seen
    assert status_of(done, "one") == "completed"


def test_a_changed_answer_is_noticed(tmp_path: Path, done: str) -> None:
    change(
        done,
        f"UPDATE llm_requests SET response = replace(response, 'price', 'prize') WHERE request_key = '{KEY}'",
    )
    replayed = call(tmp_path, "replay", "one", "--database", done)
    assert replayed.code == 1
    assert KEY in replayed.complaints[0]


def test_resume_asks_only_what_is_missing(tmp_path: Path, stopped: str, fake_model: FakeModel) -> None:
    before, seen = fingerprint(stopped, "one"), len(fake_model.ledger())
    change(stopped, f"DELETE FROM llm_requests WHERE request_key = '{KEY}'")
    resumed = call(tmp_path, "resume", "one", "--database", stopped, "--quiet")
    assert resumed.code == 0, resumed.err
    assert len(fake_model.ledger()) == seen + 1
    assert fingerprint(stopped, "one") == before


def test_P11_another_treatment_is_refused_with_the_difference(
    tmp_path: Path, stopped: str, fake_model: FakeModel
) -> None:
    path = edited(tmp_path, fake_model, ("num_units: 3 ", "num_units: 2 "), ("window: 3 ", "window: 1 "))
    refused = call(tmp_path, "resume", "one", "--config", str(path), "--database", stopped)
    assert refused.code == 2
    assert "agent_config.num_units" in refused.err
    assert "memory.window" in refused.err
    assert status_of(stopped, "one") == "interrupted"


def test_other_limits_and_addresses_are_accepted(tmp_path: Path, stopped: str, fake_model: FakeModel) -> None:
    before = fingerprint(stopped, "one")
    change(stopped, f"DELETE FROM llm_requests WHERE request_key = '{KEY}'")
    path = edited(tmp_path, fake_model, ("max_in_flight: 64", "max_in_flight: 2"))
    with FakeModel() as other:
        path.write_text(
            path.read_text(encoding="utf-8").replace(fake_model.base_url, other.base_url), "utf-8"
        )
        resumed = call(tmp_path, "resume", "one", "--config", str(path), "--database", stopped)
        assert resumed.code == 0, resumed.err
        assert len(other.ledger()) == 1
    assert fingerprint(stopped, "one") == before


def test_P11_another_version_is_refused_unless_forced(tmp_path: Path, stopped: str) -> None:
    change(stopped, "UPDATE runs SET code_version = '0.0.1+prompts.old'")
    refused = call(tmp_path, "resume", "one", "--database", stopped)
    assert refused.code == 2
    assert "0.0.1+prompts.old" in refused.complaints[0]
    assert "--force" in refused.complaints[0]
    assert call(tmp_path, "resume", "one", "--force", "--database", stopped).code == 0
    events = query(stopped, "SELECT data FROM run_events WHERE kind = 'resumed'")
    assert [json.loads(row["data"])["forced"] for row in events] == [True]


def test_a_taken_id_is_refused_before_anything_is_asked(
    tmp_path: Path, done: str, fake_model: FakeModel
) -> None:
    seen, rows = len(fake_model.ledger()), query(done, "SELECT * FROM runs")
    path = edited(tmp_path, fake_model)
    refused = call(tmp_path, "run", str(path), "--run-id", "one", "--database", done)
    assert refused.code == 2
    assert refused.complaints == ["run one exists already: choose another id, or resume it"]
    assert len(fake_model.ledger()) == seen
    assert query(done, "SELECT * FROM runs") == rows


def test_a_run_goes_on_where_it_was_found_whatever_its_configuration_says(
    tmp_path: Path, stopped: str, fake_model: FakeModel
) -> None:
    """As after a database was moved, restored or copied to another server."""
    config = json.loads(query(stopped, "SELECT config FROM runs")[0]["config"])
    config["database_config"]["db_name"] = "former.db"
    change(stopped, f"UPDATE runs SET config = '{json.dumps(config)}'")
    resumed = call(tmp_path, "resume", "one", "--quiet", "--database", stopped)
    assert resumed.code == 0, resumed.err
    (tmp_path / "market.db").rename(tmp_path / "market_simulation.db")
    assert call(tmp_path, "replay", "one", "--quiet").code == 0
    words = ("fork", "one", "--at-round", "2", "--run-id", "two", "--quiet")
    assert call(tmp_path, *words).code == 0
    assert not (tmp_path / "former.db").exists()
