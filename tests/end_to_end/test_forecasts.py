"""The forecast of a run holds what the run then comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_agents.experiments.forecast import Forecast, Span, forecast
from market_agents.meta_orchestrator import load_config
from tests.end_to_end.stage import SHIPPED, asked, call, play
from tests.rig.fake_model_client import FakeModel

PRICES = {"input_price": 2.0, "output_price": 8.0}

TREATMENTS: dict[str, dict[str, Any]] = {
    "shipped": {},
    "sequential": {
        "num_agents": 7,
        "environment_configs.group_chat.turns": "sequential",
        "environment_configs.group_chat.group_size": 3,
    },
    "one-step": {
        "environment_configs.auction.steps": ["action"],
        "environment_configs.auction.sub_rounds": 2,
        "environment_order": ["auction"],
        "memory.enabled": False,
    },
    "batched": {"num_agents": 4, "max_rounds": 1, "execution": "batch", "batch.poll_interval": 0.02},
    "ending-early": {
        "num_agents": 4,
        "max_rounds": 9,
        "environment_configs.group_chat.max_rounds": 8,
        "environment_configs.elicitation": {},
        "environment_order": ["elicitation", "group_chat", "auction"],
    },
}


def planned(changes: dict[str, Any], folder: Path) -> Forecast:
    return forecast(load_config(SHIPPED, list(changes.items())), folder=folder)


def holds(span: Span | None, actual: float) -> bool:
    return span is not None and span.low <= actual <= span.high


@pytest.mark.parametrize("name", TREATMENTS)
def test_a_forecast_holds_what_the_run_then_comes_to(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, name: str
) -> None:
    changes = {"llm_configs": asked(fake_model, **PRICES), **TREATMENTS[name]}
    found = planned(changes, tmp_path)
    result = play(tmp_path, sqlite_url, changes)
    [entry] = found.entries
    assert holds(found.calls, result.model_calls)
    assert found.calls.likely == pytest.approx(result.model_calls, rel=0.05)
    assert holds(entry.prompt_tokens, result.prompt_tokens)
    assert holds(entry.completion_tokens, result.completion_tokens)
    assert holds(found.cost, float(result.cost))
    assert holds(found.cost, found.cost.likely if found.cost else -1)


def test_vectors_for_memories_are_in_the_forecast(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    vectors = asked(fake_model, name="vectors", weight=0, **PRICES)
    changes = {
        "llm_configs": [*asked(fake_model, **PRICES), *vectors],
        "num_agents": 3,
        "max_rounds": 6,
        "memory.window": 1,
        "memory.retrieval": "embeddings",
        "memory.embeddings": "vectors",
    }
    found = planned(changes, tmp_path)
    result = play(tmp_path, sqlite_url, changes)
    assert [entry.name for entry in found.entries] == ["served", "vectors"]
    assert found.entries[1].completion_tokens.high == 0
    assert holds(found.calls, result.model_calls)
    assert holds(found.cost, float(result.cost))


def test_more_agents_than_are_rehearsed_cost_in_proportion(tmp_path: Path) -> None:
    entry = {"llm_configs": asked("http://127.0.0.1:1/v1", **PRICES), "max_rounds": 1}
    few, many = (planned({**entry, "num_agents": agents}, tmp_path) for agents in (60, 600))
    assert many.rehearsed_agents == 60
    assert many.calls.likely == pytest.approx(10 * few.calls.likely)
    assert few.cost is not None
    assert many.cost is not None
    assert many.cost.likely == pytest.approx(10 * few.cost.likely, rel=1e-3)


def test_time_follows_the_limits_and_the_order_of_calls(tmp_path: Path) -> None:
    entry = {"llm_configs": asked("http://127.0.0.1:1/v1"), "environment_order": ["auction"], "max_rounds": 1}
    free = planned(entry, tmp_path)
    assert free.waves == 3
    assert (free.seconds.low, free.seconds.likely, free.seconds.high) == (3.0, 6.0, 12.0)
    spaced = planned({**entry, "request_limits": {"openai": {"max_requests_per_minute": 10}}}, tmp_path)
    assert spaced.seconds.likely == pytest.approx(180)
    narrow = planned({**entry, "request_limits": {"openai": {"max_in_flight": 5}}}, tmp_path)
    assert narrow.seconds.likely == pytest.approx(12)
    waves = planned(
        {**entry, "environment_order": ["group_chat"], "environment_configs.group_chat.turns": "sequential"},
        tmp_path,
    ).waves
    # A topic, two turns of two steps for each of four in a cohort, and one reflection for all.
    assert waves == 1 + 2 * 2 * 4 + 1


def test_plan_says_what_it_is_sure_of_and_asks_nobody(tmp_path: Path, fake_model: FakeModel) -> None:
    [entry] = asked(fake_model)
    config = tmp_path / "mine.yaml"
    config.write_text(
        f"num_agents: 4\nmax_rounds: 2\nenvironment_order: [auction]\nllm_configs: [{json.dumps(entry)}]\n"
    )
    told = call(tmp_path, "plan", "mine.yaml")
    assert told.code == 0, told.err
    assert "unknown" in told.out
    assert "no price is known for 'fake-model'; set input_price and output_price" in told.out
    priced = call(
        tmp_path, "plan", "mine.yaml", "--json", "--set", "llm_configs[0].input_price=1",
        "--set", "llm_configs[0].output_price=1",
    )  # fmt: skip
    summary = json.loads(priced.out)
    assert summary["calls"]["likely"] == 4 * 2 * 3
    assert 0 < summary["cost"]["low"] < summary["cost"]["likely"] < summary["cost"]["high"]
    assert summary["unpriced"] == []
    assert fake_model.ledger() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]
    offline = call(tmp_path, "plan", str(SHIPPED))
    assert "free" in offline.out
    assert call(tmp_path, "plan", "mine.yaml", "--latency", "-1").code == 2


def test_prices_name_source_and_day_and_what_is_unknown(tmp_path: Path) -> None:
    told = call(tmp_path, "prices", "gpt-4o-mini", "unheard-of")
    assert told.code == 0
    known, unknown = told.out.splitlines()[2:4]
    assert known.split()[:2] == ["gpt-4o-mini", "genai-prices"]
    assert unknown.split()[:2] == ["unheard-of", "unknown"]
    assert "as of 20" in told.out
    config = tmp_path / "mine.yaml"
    config.write_text(
        "num_agents: 2\nmax_rounds: 1\nenvironment_order: [auction]\n"
        "llm_configs: [{name: own, model: mine, base_url: http://localhost:1/v1, input_price: 0.1, output_price: 3}]\n"
    )
    own = call(tmp_path, "prices", "--config", "mine.yaml").out.splitlines()[2]
    assert own.split() == ["mine", "llm_configs", "0.1", "–", "3"]
