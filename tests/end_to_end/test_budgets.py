"""Runs under caps: never passed, resumable with more, and the same run in the end."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Calm
from tests.end_to_end.stage import SHIPPED, asked, call, fingerprint, play, query, status_of, table
from tests.rig.fake_model_client import FakeModel

PRICES = {"input_price": 2.0, "output_price": 8.0}
FIFTY = "request_limits={openai: {max_in_flight: 50}}"


def served(model: FakeModel, **entry: object) -> str:
    [described] = asked(model, **entry)
    return (
        "llm_configs=[{"
        + ", ".join(
            f'{key}: "{value}"' if isinstance(value, str) else f"{key}: {value}"
            for key, value in described.items()
        )
        + "}]"
    )


@pytest.mark.parametrize("key", ["max_calls", "max_tokens", "max_cost"])
def test_l17_budget_reached_with_fifty_calls_in_flight(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm: Calm, key: str
) -> None:
    """No overshoot, exit 3, and the line that is printed leads to the very run that no cap disturbed."""
    cap = {"max_calls": "60", "max_tokens": "60000", "max_cost": "0.15"}[key]
    fake_model.set_faults([{"kind": "delay", "ms": 5, "jitter_ms": 20}])
    settings = ("--set", served(fake_model, **PRICES), "--set", FIFTY)
    stopped = call(
        tmp_path, "run", str(SHIPPED), "--run-id", "one", "--database", sqlite_url, "--quiet", *settings,
        "--set", f"budget.{key}={cap}",
    )  # fmt: skip
    assert stopped.code == 3, stopped.err
    assert status_of(sqlite_url, "one") == "budget_exhausted"
    [complaint] = stopped.complaints
    assert f"budget.{key} of" in complaint
    rows = table(sqlite_url, "llm_requests", "one")
    spent = {
        "max_calls": len(fake_model.ledger()),
        "max_tokens": sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows),
        "max_cost": sum(Decimal(str(row["cost"])) for row in rows),
    }[key]
    assert Decimal(cap) * 6 / 10 < spent <= Decimal(cap)
    assert len(rows) == sum(entry["paid"] for entry in fake_model.ledger())

    [hint] = [line for line in stopped.err.splitlines() if line.startswith("go on with")]
    words = hint.split("resume ", 1)[1].split()
    assert words[:2] == ["one", "--set"]
    assert call(tmp_path, "runs", "show", "one", "--database", sqlite_url).out.count(f"budget.{key}=") == 1
    for _ in range(5):
        resumed = call(tmp_path, "resume", *words, "--quiet")
        if resumed.code == 0:
            break
        assert resumed.code == 3, resumed.err
        [hint] = [line for line in resumed.err.splitlines() if line.startswith("go on with")]
        words = hint.split("resume ", 1)[1].split()
    assert fingerprint(sqlite_url, "one") == calm.digest
    assert sum(entry["paid"] for entry in fake_model.ledger()) == calm.requests


def test_an_agents_cap_is_the_same_abstention_for_any_concurrency(
    tmp_path: Path, sqlite_url: str, postgres_url: str, fake_model: FakeModel
) -> None:
    caps = {"budget": {"agent": {"max_calls": 9}}, "num_agents": 4, "max_abstention_share": 1.0}
    digests = set()
    for url, most in ((sqlite_url, 1), (postgres_url, 50)):
        changes = {"llm_configs": asked(fake_model), "request_limits": {"openai": {"max_in_flight": most}}}
        result = play(tmp_path, url, {**caps, **changes})
        digests.add(fingerprint(url, result.run_id))
        capped = query(
            url,
            "SELECT agent_id, COUNT(*) AS asks FROM llm_requests WHERE status <> 'capped' GROUP BY agent_id",
        )
        assert {row["asks"] for row in capped} == {9}
        reasons = {
            row["reason"] for row in table(url, "actions", result.run_id) if row["verdict"] == "abstained"
        }
        assert reasons == {
            "capped: the agent's cap leaves no room for another call (budget.agent.max_calls: 9)"
        }
    assert len(digests) == 1


def test_a_cap_on_cost_without_a_price_is_refused_before_anything_is_asked(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    refused = call(
        tmp_path, "run", str(SHIPPED), "--database", sqlite_url, "--set", served(fake_model),
        "--set", "budget.max_cost=1",
    )  # fmt: skip
    assert refused.code == 2
    [complaint] = refused.complaints
    assert "'fake-model'" in complaint
    assert "input_price" in complaint
    assert fake_model.ledger() == []


@pytest.mark.parametrize("kind", ["usage_missing", "usage_nan", "usage_negative"])
def test_l16_usage_that_cannot_be_leaves_the_budget_finite(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, kind: str
) -> None:
    fake_model.set_faults([{"kind": kind}])
    changes = {"llm_configs": asked(fake_model, **PRICES), "num_agents": 2, "budget": {"max_cost": 1.0}}
    result = play(tmp_path, sqlite_url, changes)
    rows = table(sqlite_url, "llm_requests", result.run_id)
    assert all(row["prompt_tokens"] > 0 and row["completion_tokens"] > 0 for row in rows)
    assert 0 < result.cost < 1
