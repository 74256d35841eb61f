"""Models that answer nonsense: their agents abstain, the reason is kept, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.stage import SHIPPED, asked, call, in_flight, play, query, table
from tests.rig.fake_model_client import FakeModel

VICTIM = "agent_3"
MATCH = f"You are {VICTIM},"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "malformed", "body": "plain_prose"}, "invalid"),
        ({"kind": "malformed", "body": "deep_100000"}, "invalid"),
        ({"kind": "malformed", "body": "list"}, "invalid"),
        ({"kind": "malformed", "body": "empty"}, "invalid"),
        ({"kind": "refusal"}, "refused"),
        ({"kind": "content_filter"}, "refused"),
        ({"kind": "truncate"}, "truncated"),
        ({"kind": "enum_wrong"}, "invalid"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_L12_one_agent_abstains_and_the_others_trade(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, fault: dict[str, str], words: str
) -> None:
    fake_model.set_faults([{**fault, "match": MATCH}])
    result = play(tmp_path, sqlite_url, {"llm_configs": asked(fake_model), "max_rounds": 1})
    assert result.status == "completed"
    actions = table(sqlite_url, "actions", result.run_id)
    own = [row for row in actions if row["agent_id"] == VICTIM]
    if fault["kind"] != "enum_wrong":
        assert {row["verdict"] for row in own} == {"abstained"}
    else:
        assert "abstained" in {row["verdict"] for row in own}
    for row in own:
        if row["verdict"] == "abstained":
            assert words in row["reason"]
            assert row["reason"].partition(": ")[2], "the reason says more than a status"
            assert row["request_key"]
    assert not [row for row in table(sqlite_url, "orders", result.run_id) if row["agent_id"] == VICTIM]
    assert table(sqlite_url, "trades", result.run_id)
    others = [row for row in actions if row["agent_id"] != VICTIM]
    assert {row["verdict"] for row in others} <= {"accepted", "rejected"}
    requests = table(sqlite_url, "llm_requests", result.run_id)
    assert sum(row["attempts"] for row in requests) == len(fake_model.ledger())
    asks_per_step = [row for row in requests if row["agent_id"] == VICTIM and row["step"] == "perception"]
    assert len(asks_per_step) <= 2 * 3, "at most max_asks asks for one decision"


def test_an_endpoint_that_fails_one_agent_alone_costs_that_agent_its_turn(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "status", "code": 400, "match": MATCH}])
    result = play(tmp_path, sqlite_url, {"llm_configs": asked(fake_model), "max_rounds": 1})
    actions = table(sqlite_url, "actions", result.run_id)
    own = [row for row in actions if row["agent_id"] == VICTIM]
    assert {row["verdict"] for row in own} == {"abstained"}
    assert all("HTTP 400" in row["reason"] for row in own)
    assert table(sqlite_url, "trades", result.run_id)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "malformed", "body": "not_json"}, "a reply that is no JSON"),
        ({"kind": "malformed", "body": "html"}, "a reply that is no JSON"),
        ({"kind": "hang"}, "no answer from"),
        ({"kind": "status", "code": 500}, "HTTP 500"),
    ],
    ids=["not_json", "html", "hang", "http_500"],
)
def test_an_agent_that_gets_no_reply_does_not_stop_the_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, fault: dict[str, object], words: str
) -> None:
    """The endpoint is known to be alive from the first round, and each ask has the deadline for itself."""
    fake_model.set_faults([{**fault, "match": [MATCH, "Round 2 of 2"]}])
    model = {**asked(fake_model)[0], "timeout": 1.5, "total_timeout": 1.5}
    changes = {
        "llm_configs": [model],
        "request_limits": in_flight(1),
        "max_rounds": 2,
        "environment_order": ["auction"],
    }
    result = play(tmp_path, sqlite_url, changes)
    assert result.status == "completed"
    last = {
        name: [row for row in table(sqlite_url, name, result.run_id) if row["round"] == 2]
        for name in ("actions", "llm_requests", "trades")
    }
    own = [row for row in last["actions"] if row["agent_id"] == VICTIM]
    assert [row["verdict"] for row in own] == ["abstained"]
    assert words in own[0]["reason"]
    asks = [row for row in last["llm_requests"] if row["agent_id"] == VICTIM]
    assert [row["step"] for row in asks] == ["perception", "reflection"], (
        "silence is not asked twice in a turn"
    )
    assert last["trades"]


def test_a_round_in_which_most_say_nothing_fails_the_run(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "refusal"}])
    entries = f'llm_configs=[{{name: served, model: fake-model, base_url: "{fake_model.base_url}"}}]'
    flags = ("--set", entries, "--database", sqlite_url, "--run-id", "one")
    done = call(tmp_path, "run", str(SHIPPED), *flags, "--set", "num_agents=4")
    assert done.code == 1
    assert len(done.complaints) == 1
    assert "max_abstention_share" in done.complaints[0]
    assert "Traceback" not in done.err
    stored = query(sqlite_url, "SELECT status, error FROM runs")[0]
    assert stored["status"] == "failed"
    assert "max_abstention_share" in stored["error"]
    shown = call(tmp_path, "runs", "show", "one", "--database", sqlite_url)
    assert "max_abstention_share" in shown.out


def test_the_share_that_is_borne_is_configuration(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "refusal"}])
    changes = {"llm_configs": asked(fake_model), "num_agents": 4, "max_abstention_share": 1.0}
    result = play(tmp_path, sqlite_url, changes)
    assert result.status == "completed"
    assert not table(sqlite_url, "trades", result.run_id)
    assert {row["verdict"] for row in table(sqlite_url, "actions", result.run_id)} == {"abstained"}
