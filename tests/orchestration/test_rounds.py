"""Which environments take part in which rounds, in which order, and what is said of an idle round."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.meta_orchestrator import RunResult
from tests.end_to_end.stage import asked, play, query, table
from tests.rig.fake_model_client import FakeModel

SMALL = {"num_agents": 4, "max_rounds": 3}


def rounds_of(url: str, result: RunResult, name: str) -> set[int]:
    return {row["round"] for row in table(url, name, result.run_id)}


def test_an_environments_own_max_rounds_caps_its_part(tmp_path: Path, sqlite_url: str) -> None:
    changes = {
        **SMALL,
        "environment_configs.group_chat.max_rounds": 1,
        "environment_configs.auction.max_rounds": 2,
    }
    result = play(tmp_path, sqlite_url, changes)
    assert result.rounds == 3
    assert rounds_of(sqlite_url, result, "messages") == {1}
    assert rounds_of(sqlite_url, result, "auction_rounds") == {1, 2}
    assert rounds_of(sqlite_url, result, "allocations") == {0, 1, 2, 3}


def test_a_cap_beyond_the_run_does_not_lengthen_it(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, {**SMALL, "environment_configs.auction.max_rounds": 9})
    assert rounds_of(sqlite_url, result, "auction_rounds") == {1, 2, 3}


def test_what_is_first_in_the_order_is_heard_by_what_follows(tmp_path: Path, sqlite_url: str) -> None:
    heard = {}
    for order in (["group_chat", "auction"], ["auction", "group_chat"]):
        result = play(tmp_path, sqlite_url, {**SMALL, "max_rounds": 1, "environment_order": order})
        requests = table(sqlite_url, "llm_requests", result.run_id)
        heard[order[0]] = [
            "What was said before the market opened" in str(row["messages"])
            for row in requests
            if row["environment"] == "auction" and row["step"] == "perception"
        ]
        assert {row["request_key"].split("/")[1] for row in requests} == {
            f"{i}.{name}" for i, name in enumerate(order)
        }
    assert all(heard["group_chat"])
    assert not any(heard["auction"])


def test_one_environment_alone(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, {**SMALL, "environment_order": ["group_chat"]})
    assert rounds_of(sqlite_url, result, "messages") == {1, 2, 3}
    assert rounds_of(sqlite_url, result, "auction_rounds") == set()


def test_one_kind_runs_twice_under_two_names(tmp_path: Path, sqlite_url: str) -> None:
    changes = {
        **SMALL,
        "environment_order": ["before", "auction", "after"],
        "environment_configs.before": {"type": "group_chat", "initial_topic": "Plans", "sub_rounds": 1},
        "environment_configs.after": {"type": "group_chat", "initial_topic": "Lessons", "sub_rounds": 1},
    }
    result = play(tmp_path, sqlite_url, changes)
    spoken = table(sqlite_url, "messages", result.run_id)
    assert {row["environment"] for row in spoken} == {"before", "after"}
    assert len(spoken) == 2 * 4 * 3


def test_a_round_in_which_nothing_was_accepted_is_told_and_kept(
    tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    poor = {"agent_config.buyer_initial_cash": 0.0, "agent_config.seller_initial_goods": 0}
    changes = {
        **SMALL,
        **poor,
        "environment_order": ["auction"],
        "agent_config.use_llm": False,
        "max_rounds": 2,
    }
    result = play(tmp_path, sqlite_url, changes)
    assert result.status == "completed"
    assert not table(sqlite_url, "trades", result.run_id)
    orders = table(sqlite_url, "orders", result.run_id)
    assert {row["status"] for row in orders} == {"rejected"}
    told = [row for row in table(sqlite_url, "run_events", result.run_id) if row["level"] == "warning"]
    assert [row["kind"] for row in told] == ["empty_round"] * 2
    for number in (1, 2):
        assert f"round {number} of auction: nothing that anybody did was accepted" in caplog.text


def test_a_round_of_refusals_warns(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    fake_model.set_faults([{"kind": "refusal"}])
    changes = {**SMALL, "llm_configs": asked(fake_model), "max_abstention_share": 1.0, "max_rounds": 1}
    result = play(tmp_path, sqlite_url, changes)
    for name in ("group_chat", "auction"):
        assert f"round 1 of {name}: nothing that anybody did was accepted" in caplog.text
    kept = query(sqlite_url, "SELECT kind, message FROM run_events WHERE level = 'warning'")
    assert len(kept) == 2
    assert result.rounds == 1


def test_a_lively_round_does_not_warn(
    tmp_path: Path, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    play(tmp_path, sqlite_url, SMALL)
    assert "nothing that anybody did" not in caplog.text
