"""The experiments that come ready to run: each runs at small size, and its market is the one that it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import load_config
from tests.end_to_end.stage import ROOT, Row, play, query, table

EXAMPLES = ROOT / "examples"
SUB_ROUNDS = "environment_configs.auction.sub_rounds"
CHAT = "environment_configs.group_chat"
SMALL: dict[str, dict[str, object]] = {
    "smith_1962.yaml": {"max_rounds": 2, SUB_ROUNDS: 3},
    "gode_sunder_1993.yaml": {"max_rounds": 2, SUB_ROUNDS: 60},
    "zip_demand_shock.yaml": {"max_rounds": 12, SUB_ROUNDS: 12},
    "collusion.yaml": {"max_rounds": 2},
}


def rounds(folder: Path, file: str, **changes: object) -> list[Row]:
    """The rounds of a market after a small run into ``folder``'s database, in order."""
    url = f"sqlite:///{folder / 'runs.db'}"
    result = play(folder, url, SMALL[file] | changes, config=EXAMPLES / file)
    assert result.status == "completed"
    return sorted(table(url, "auction_rounds", result.run_id), key=lambda row: int(row["round"]))


@pytest.mark.parametrize("file", SMALL)
def test_every_file_is_right_as_it_stands(file: str) -> None:
    config = load_config(EXAMPLES / file)
    assert config.max_rounds >= 5
    assert all(entry.client == "offline" for entry in config.llm_configs)


def test_every_experiment_is_told_of_and_tried() -> None:
    told = set(re.findall(r"`(\w+\.yaml)`", (EXAMPLES / "README.md").read_text("utf-8")))
    assert told == {path.name for path in EXAMPLES.glob("*.yaml")}
    assert told == {*SMALL, "beauty_contest.yaml"}


def test_smiths_first_market(tmp_path: Path) -> None:
    for row in rounds(tmp_path, "smith_1962.yaml"):
        assert (row["equilibrium_price_low"], row["equilibrium_price_high"]) == (2, 2)
        assert (row["equilibrium_quantity_min"], row["equilibrium_quantity"]) == (5, 6)
        assert row["maximum_surplus"] == 7.5
        assert row["trades"] > 0


def test_a_budget_constraint_makes_zero_intelligence_efficient(tmp_path: Path) -> None:
    constrained = rounds(tmp_path, "gode_sunder_1993.yaml")
    free = rounds(tmp_path, "gode_sunder_1993.yaml", **{"agent_config.strategy": "zi_u"})
    assert all(row["efficiency"] > 0.7 for row in constrained)
    assert all(row["efficiency"] == pytest.approx(0) for row in free)
    assert all(row["trades"] == 11 for row in free)


def test_demand_shifts_after_ten_rounds(tmp_path: Path) -> None:
    told = rounds(tmp_path, "zip_demand_shock.yaml")
    assert [row["equilibrium_price_low"] for row in told] == [2] * 10 + [2.25] * 2
    assert told[9]["smith_alpha"] < told[0]["smith_alpha"]
    assert told[11]["mean_price"] > told[9]["mean_price"]


@pytest.mark.parametrize(
    ("changes", "talkers"),
    [
        ({}, {"seller"}),
        ({f"{CHAT}.enabled": False}, set()),
        ({f"{CHAT}.participants": "buyers"}, {"buyer"}),
        ({f"{CHAT}.moderator": {"block": ["price", "ask"]}}, {"seller"}),
    ],
    ids=["chat", "silent", "buyers", "oversight"],
)
def test_treatments_of_the_collusion_experiment(
    tmp_path: Path, changes: dict[str, object], talkers: set[str]
) -> None:
    for row in rounds(tmp_path, "collusion.yaml", **changes):
        assert (row["equilibrium_price_low"], row["equilibrium_price_high"]) == (80, 100)
        assert (row["equilibrium_quantity"], row["maximum_surplus"]) == (5, 100)
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    said = query(url, "SELECT DISTINCT a.role FROM messages m JOIN agents a ON a.agent_id = m.sender_id")
    assert {row["role"] for row in said} == talkers


def test_the_query_that_compares_treatments_answers(tmp_path: Path) -> None:
    rounds(tmp_path, "collusion.yaml")
    (statement,) = re.findall(r"```sql\n(.*?)```", (EXAMPLES / "README.md").read_text("utf-8"), re.DOTALL)
    found = query(f"sqlite:///{tmp_path / 'runs.db'}", statement.strip().rstrip(";"))
    assert [row["round"] for row in found] == [1, 2]
    assert all(80 <= row["mean_ask"] <= 120 for row in found)
