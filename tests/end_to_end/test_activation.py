"""Acting by activation: one at a time, on the book of the moment, with the laboratory's results."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest

from market_agents.errors import ConfigError, Stopped
from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config
from tests.end_to_end.stage import SHIPPED, Changes, Row, asked, fingerprint, in_flight, play, table
from tests.rig.fake_model_client import FakeModel

AUCTION = "environment_configs.auction"
ONE_BY_ONE: Changes = {
    "environment_order": ["auction"],
    "num_agents": 6,
    f"{AUCTION}.institution": "lob",
    f"{AUCTION}.acting": "activation",
    f"{AUCTION}.sub_rounds": 3,
}
MARKET_A: Changes = {
    **ONE_BY_ONE,
    "num_agents": 22,
    "max_rounds": 5,
    "agent_config.use_llm": False,
    "agent_config.strategy": "zip",
    "agent_config.schedule": {"kind": "reference", "market": "A"},
    f"{AUCTION}.activations": 1000,
    f"{AUCTION}.max_price": 4.0,
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> list[list[Row]]:
    """Five days of ZIP on market A, as they are stored, for two seeds."""
    folder = tmp_path_factory.mktemp("zip")
    url = f"sqlite:///{folder}/zip.db"
    runs = [play(folder, url, {**MARKET_A, "seed": seed}).run_id for seed in range(2)]
    return [sorted(table(url, "auction_rounds", run), key=lambda row: row["round"]) for run in runs]


def test_zip_converges_in_a_simulation_as_in_the_literature(learned: list[list[Row]]) -> None:
    def average(column: str, day: int) -> float:
        return fmean(float(run[day - 1][column]) for run in learned)

    assert average("smith_alpha", 5) < min(9, average("smith_alpha", 1))
    assert 1.75 <= average("mean_price", 5) <= 2.2
    assert all(float(run[0]["maximum_surplus"]) == 7.5 for run in learned)
    assert average("efficiency", 5) >= 0.75


def test_each_activation_is_one_traders_who_sees_the_book_of_the_moment(
    tmp_path: Path, sqlite_url: str
) -> None:
    run = play(tmp_path, sqlite_url, ONE_BY_ONE).run_id
    acted = table(sqlite_url, "actions", run)
    per_activation = Counter((row["round"], row["sub_round"]) for row in acted)
    assert set(per_activation.values()) == {1}
    per_agent = Counter((row["round"], row["agent_id"]) for row in acted)
    assert len(set(per_agent.values())) > 1
    assert 2 < max(row["sub_round"] for row in acted) <= 18
    trades = {(row["round"], row["sub_round"]) for row in table(sqlite_url, "trades", run)}
    assert trades <= set(per_activation)
    seen = [json.loads(row["messages"]) for row in table(sqlite_url, "llm_requests", run)]
    assert any("Best open bid: none" not in messages[-1]["content"] for messages in seen)
    assert all("called one at a time, drawn by chance" in messages[0]["content"] for messages in seen)


def test_neither_concurrency_nor_interruption_decides_anything(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    changes = {**ONE_BY_ONE, "llm_configs": asked(fake_model), f"{AUCTION}.sub_rounds": 2}
    calm = fingerprint(sqlite_url, play(tmp_path, sqlite_url, {**changes, "seed": 3}).run_id)
    narrow = play(tmp_path, sqlite_url, {**changes, "seed": 3, "request_limits": in_flight(1)})
    assert fingerprint(sqlite_url, narrow.run_id) == calm
    config = load_config(SHIPPED, list({**changes, "seed": 3}.items()))
    broken = MetaOrchestrator(config, start=Start(run_id="broken"), database=sqlite_url, folder=tmp_path)
    asks = 0
    ask = broken.door.ask

    async def refuse_the_twentieth(*arguments: object, **keywords: object) -> object:
        nonlocal asks
        asks += 1
        if asks == 20:
            raise Stopped("enough")
        return await ask(*arguments, **keywords)  # type: ignore[arg-type]

    broken.door.ask = refuse_the_twentieth  # type: ignore[method-assign,assignment]
    with pytest.raises(Stopped):
        broken.run()
    resumed = play(tmp_path, sqlite_url, {**changes, "seed": 3}, start=Start(run_id="broken", resume=True))
    assert fingerprint(sqlite_url, resumed.run_id) == calm
    assert resumed.replayed == 19


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({f"{AUCTION}.institution": "aurora"}, "aurora has turns in which all quote"),
        ({f"{AUCTION}.acting": "simultaneous", f"{AUCTION}.activations": 5}, "acting: activation only"),
        ({f"{AUCTION}.activations": 0}, "expected an integer from 1 to 10,000,000"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: Changes, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(SHIPPED, list({**ONE_BY_ONE, **changes}.items()))
    assert AUCTION in str(refused.value)
    assert line in str(refused.value)


def test_models_and_strategies_trade_with_each_other(tmp_path: Path, sqlite_url: str) -> None:
    mixed = [{"strategy": "zip", "share": 0.5}]
    changes = {**ONE_BY_ONE, "num_agents": 8, "agent_config.traders": mixed}
    first, second = (play(tmp_path, sqlite_url, changes) for _ in range(2))
    assert fingerprint(sqlite_url, first.run_id) == fingerprint(sqlite_url, second.run_id)
    ruled = {row["agent_id"] for row in table(sqlite_url, "agents", first.run_id) if row["strategy"] == "zip"}
    asked_for = {row["agent_id"] for row in table(sqlite_url, "llm_requests", first.run_id)}
    assert (len(ruled), ruled & asked_for) == (4, set())
    parties = {(row["buyer_id"], row["seller_id"]) for row in table(sqlite_url, "trades", first.run_id)}
    assert any((buyer in ruled) != (seller in ruled) for buyer, seller in parties)
