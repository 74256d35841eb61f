"""Elicitation in whole runs: rows, resumption, minds that answer badly, and configurations that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import Start, load_config
from market_agents.reporting import persona_report
from market_agents.storage import open_database
from tests.end_to_end.stage import SHIPPED, Row, asked, fingerprint, play, query, table
from tests.rig.fake_model_client import FakeModel

ENTRY = "environment_configs.elicitation"
SMALL: dict[str, object] = {
    "num_agents": 12,
    "max_rounds": 2,
    "environment_order": ["elicitation", "auction"],
    "environment_configs.auction.steps": ["action"],
}


def contents(url: str, run_id: str, name: str) -> list[tuple[Row, dict[str, object]]]:
    """The elicitation's rows of a table, with their content read."""
    rows = [row for row in table(url, name, run_id) if row["environment"] == "elicitation"]
    return [(row, read(row["content"]) or {}) for row in rows]


def read(value: object) -> dict[str, object] | None:
    """JSON as either driver gives it."""
    known: dict[str, object] | None = json.loads(value) if isinstance(value, str) else value  # type: ignore[assignment]
    return known


def test_every_agent_answers_every_task_once_before_trading(tmp_path: Path, database_url: str) -> None:
    result = play(tmp_path, database_url, SMALL)
    actions = contents(database_url, result.run_id, "actions")
    assert len(actions) == 12 * 3
    assert {row["round"] for row, _ in actions} == {1}
    by_turn = {row["sub_round"]: row["action"] for row, _ in actions}
    assert by_turn == {1: "risk", 2: "giving", 3: "patience"}
    assert {row["verdict"] for row, _ in actions} == {"accepted"}
    assert all("reasoning" in content for _, content in actions)
    keys = {row["request_key"] for row, _ in actions}
    journal = {row["request_key"] for row in table(database_url, "llm_requests", result.run_id)}
    assert len(keys) == 36
    assert keys <= journal


def test_revealed_stands_beside_assigned(tmp_path: Path, database_url: str) -> None:
    result = play(tmp_path, database_url, SMALL)
    agents = table(database_url, "agents", result.run_id)
    personas = {row["agent_id"]: read(row["persona"]) or {} for row in agents}
    observed = contents(database_url, result.run_id, "observations")
    assert len(observed) == 36
    for row, content in observed:
        assert content["assigned"] == personas[row["agent_id"]][str(content["trait"])]
        assert float(str(content["low"])) <= float(str(content["revealed"])) <= float(str(content["high"]))
    with open_database(database_url, create=False) as database:
        report = persona_report(database, result.run_id)
    assert [(check.trait, check.verdict) for check in report.checks] == [
        ("risk_aversion", "holds"),
        ("fairness", "holds"),
        ("patience", "holds"),
    ]
    assert all(check.rank_correlation and check.rank_correlation > 0.8 for check in report.checks)


def test_nothing_of_the_market_changes(tmp_path: Path, sqlite_url: str) -> None:
    trades = []
    for order in (["elicitation", "auction"], ["auction"]):
        changes = {**SMALL, "environment_order": order, "agent_config.use_llm": False}
        result = play(tmp_path, sqlite_url, changes)
        rows = query(
            sqlite_url,
            f"SELECT round, buyer_id, seller_id, price FROM trades WHERE run_id = '{result.run_id}' ORDER BY trade_id",
        )
        trades.append(rows)
    assert trades[0] == trades[1]
    assert trades[0]


def test_strategies_answer_through_their_stand_in(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, {**SMALL, "agent_config.use_llm": False})
    assert len(contents(sqlite_url, result.run_id, "actions")) == 36


def test_a_replay_computes_the_same_rows(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, SMALL)
    before = fingerprint(sqlite_url, result.run_id)
    again = play(tmp_path, sqlite_url, SMALL, start=Start(run_id=result.run_id, replay=True))
    assert again.replayed == again.asks == result.asks
    assert fingerprint(sqlite_url, result.run_id) == before


def test_tasks_repeat_in_sub_rounds_and_rounds(tmp_path: Path, sqlite_url: str) -> None:
    changes = {
        **SMALL,
        "num_agents": 4,
        f"{ENTRY}.tasks": ["patience", "risk"],
        f"{ENTRY}.sub_rounds": 2,
        f"{ENTRY}.max_rounds": None,
    }
    result = play(tmp_path, sqlite_url, changes)
    actions = [row for row, _ in contents(sqlite_url, result.run_id, "actions")]
    order = sorted({(row["round"], row["sub_round"], row["action"]) for row in actions})
    tasks = ["patience", "risk", "patience", "risk"]
    assert order == [(number, turn, task) for number in (1, 2) for turn, task in enumerate(tasks, 1)]
    with open_database(sqlite_url, create=False) as database:
        checks = persona_report(database, result.run_id).checks
    assert [(check.trait, check.answered, check.verdict) for check in checks] == [
        ("patience", 4, "too few"),
        ("risk_aversion", 4, "too few"),
    ]


def test_a_model_is_asked_by_the_door_and_bad_answers_are_passes(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    changes = {
        **SMALL,
        "num_agents": 4,
        "max_rounds": 1,
        "environment_order": ["elicitation"],
        "max_abstention_share": 1.0,
        "llm_configs": asked(fake_model),
    }
    result = play(tmp_path, sqlite_url, changes)
    actions = contents(sqlite_url, result.run_id, "actions")
    assert len(actions) == 12
    for row, content in actions:
        if row["verdict"] == "accepted":
            assert "row_10" in content or "share" in content
        else:
            assert (row["action"], row["verdict"]) == ("none", "abstained")
            assert row["reason"]
    menus = [row["verdict"] for row, _ in actions if row["sub_round"] != 2]
    assert menus == ["accepted"] * 8, "the schema leaves no row out"
    assert len(fake_model.ledger()) == result.model_calls


def test_the_balance_is_noted_once(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, SMALL)
    play(tmp_path, sqlite_url, SMALL, start=Start(run_id=result.run_id, replay=True))
    notes = [
        row for row in table(sqlite_url, "run_events", result.run_id) if row["kind"] == "persona_balance"
    ]
    assert len(notes) == 1
    traits = json.loads(notes[0]["data"])["traits"]
    assert [row["trait"] for row in traits][:3] == ["age", "experience", "risk_aversion"]
    assert set(traits[0]["means"]) == {"buyer", "seller"}
    assert notes[0]["message"].startswith("personas by role: ")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("tasks", [], "at least 1"),
        ("tasks", ["risk", "risk"], "expected each task once"),
        ("tasks", ["luck"], "one of risk, giving, patience"),
        ("steps", ["perception", "action"], "action"),
        ("stakes", 0, "0.01"),
        ("sub_rounds", 0, "1"),
        ("task", "risk", "did you mean 'tasks'?"),
    ],
)
def test_a_wrong_key_is_told(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(SHIPPED, [("environment_order", ["elicitation"]), (f"{ENTRY}.{key}", value)])
    assert said in str(refused.value)


def test_the_commented_example_of_the_reference_is_right(tmp_path: Path) -> None:
    shipped = SHIPPED.read_text("utf-8")
    start = shipped.index("  # elicitation:")
    example = shipped[start : shipped.index("\n\n", start)]
    plain = "\n".join(line.replace("  # ", "  ", 1) for line in example.splitlines())
    file = tmp_path / "example.yaml"
    file.write_text(shipped.replace(example, plain), "utf-8")
    config = load_config(file, [("environment_order", ["elicitation", "auction"])])
    written = config.environment_configs["elicitation"]
    bare = load_config(SHIPPED, [("environment_order", ["elicitation"])]).environment_configs["elicitation"]
    assert written == bare, "what the reference calls a default is one"
