"""A judge in the configuration: asked after each round through the journal, and without influence on what it judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import Start
from tests.end_to_end.stage import asked, call, change, play, query
from tests.rig.fake_model_client import FakeModel

RUBRIC = {"collusion": "Do they try to agree on a fair price?", "copy": "Does anybody mention zebras?"}
SMALL = {"num_agents": 4, "seed": 3}


def judged(what: str, model: str = "offline", **more: object) -> dict[str, object]:
    return {**SMALL, "judge": {"model": model, "rubric": RUBRIC, "what": what, **more}}


@pytest.mark.parametrize(
    ("what", "subjects"),
    [("messages", {"cohort"}), ("perceptions", {"agent"}), ("reflections", {"agent"})],
)
def test_every_subject_of_a_round_is_scored_on_the_scale(
    tmp_path: Path, sqlite_url: str, what: str, subjects: set[str]
) -> None:
    play(tmp_path, sqlite_url, judged(what, lowest=0, highest=10), start=Start(run_id="one"))
    rows = query(sqlite_url, "SELECT * FROM judgements")
    assert {row["round"] for row in rows} == {1, 2}
    assert {row["what"] for row in rows} == {what}
    assert {str(row["subject"]).split("_")[0].rstrip("0123456789-") for row in rows} <= subjects | {"c"}
    by_criterion = {name: [row["score"] for row in rows if row["criterion"] == name] for name in RUBRIC}
    assert set(by_criterion["copy"]) == {0}
    assert all(0 <= score <= 10 for score in by_criterion["collusion"])
    assert max(by_criterion["collusion"]) > 0
    assert {row["judge"] for row in rows} == {"offline (rule-based stand-in)"}
    asks = query(sqlite_url, "SELECT request_key FROM llm_requests WHERE step = 'judge'")
    assert {row["request_key"] for row in rows} == {row["request_key"] for row in asks}
    shown = call(tmp_path, "conversation", "one", "--database", sqlite_url)
    assert "collusion" in shown.out
    assert "rule-based" in shown.out
    told = json.loads(call(tmp_path, "conversation", "one", "--json", "--database", sqlite_url).out)
    assert len(told["judgements"]) == len(rows) / len(RUBRIC)


def test_a_judge_changes_nothing_that_it_judges(tmp_path: Path, sqlite_url: str) -> None:
    play(tmp_path, sqlite_url, judged("messages"), start=Start(run_id="with"))
    play(tmp_path, sqlite_url, SMALL, start=Start(run_id="without"))
    for table in ("messages", "orders", "trades", "reflections"):
        found = [
            [{k: v for k, v in row.items() if k != "run_id"} for row in query(sqlite_url, statement)]
            for run in ("with", "without")
            if (statement := f"SELECT * FROM {table} WHERE run_id = '{run}'")
        ]
        assert found[0] == found[1] != []


def test_no_agent_pays_for_its_judge(tmp_path: Path, sqlite_url: str) -> None:
    """Each agent may ask so often that a call more would be refused."""
    own = {**SMALL, "max_rounds": 2, "environment_order": ["auction"], "budget.agent.max_calls": 6}
    play(tmp_path, sqlite_url, {**own, "judge": judged("perceptions")["judge"]}, start=Start(run_id="one"))
    assert query(sqlite_url, "SELECT * FROM judgements WHERE score IS NULL") == []
    assert {row["status"] for row in query(sqlite_url, "SELECT status FROM llm_requests")} == {"answered"}


def test_what_was_withheld_is_not_judged(tmp_path: Path, sqlite_url: str) -> None:
    block = {"environment_configs.group_chat.moderator": {"block": ["price"]}}
    play(tmp_path, sqlite_url, {**judged("messages"), "max_rounds": 1, **block}, start=Start(run_id="one"))
    said = query(sqlite_url, "SELECT verdict, content FROM messages")
    withheld = {row["content"] for row in said if row["verdict"] == "withheld"}
    read = " ".join(
        str(row["messages"]) for row in query(sqlite_url, "SELECT * FROM llm_requests WHERE step = 'judge'")
    )
    assert withheld
    assert not any(content in read for content in withheld)


def test_a_served_judge_is_asked_once_whatever_happens_to_the_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    served = {**asked(fake_model)[0], "weight": 0}
    changes = {
        **judged("messages", "served"),
        "llm_configs": [{"name": "offline", "client": "offline"}, served],
    }
    play(tmp_path, sqlite_url, changes, start=Start(run_id="one"))
    before, seen = query(sqlite_url, "SELECT * FROM judgements"), len(fake_model.ledger())
    assert seen > 0
    assert {row["judge"] for row in before} == {"served"}
    assert call(tmp_path, "replay", "one", "--quiet", "--database", sqlite_url).code == 0
    change(sqlite_url, "UPDATE runs SET status = 'interrupted', finished_at = NULL")
    assert call(tmp_path, "resume", "one", "--quiet", "--database", sqlite_url).code == 0
    assert len(fake_model.ledger()) == seen
    assert query(sqlite_url, "SELECT * FROM judgements") == before


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        ({"model": "oflfine", "rubric": RUBRIC}, "judge.model: no llm_configs entry"),
        ({"model": "offline", "rubric": {}}, "judge.rubric"),
        ({"model": "offline", "rubric": {"Not a name": "?"}}, "judge.rubric"),
        (
            {"model": "offline", "rubric": RUBRIC, "lowest": 5, "highest": 1},
            "judge.highest: expected above lowest",
        ),
        ({"model": "offline", "rubric": RUBRIC, "what": "dreams"}, "judge.what"),
    ],
)
def test_mistakes_are_told_with_their_key(
    tmp_path: Path, sqlite_url: str, judge: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        play(tmp_path, sqlite_url, {**SMALL, "judge": judge})
    assert told in str(refused.value)
