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
    "mixed_models_and_zi_c.yaml": {"max_rounds": 2},
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
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    quoted = "SELECT MIN(price) AS low, MAX(price) AS high FROM orders WHERE side = "
    assert query(url, f"{quoted} 'bid'")[0]["low"] < 0.25
    assert query(url, f"{quoted} 'ask'")[0]["high"] > 3.9
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


def told_query(folder: Path, table: str) -> list[Row]:
    """What the README's query that reads ``table`` first finds in ``folder``'s database."""
    statements = re.findall(r"```sql\n(.*?)```", (EXAMPLES / "README.md").read_text("utf-8"), re.DOTALL)
    (statement,) = (text for text in statements if f"FROM {table} " in text)
    return query(f"sqlite:///{folder / 'runs.db'}", statement.strip().rstrip(";"))


def test_models_and_zi_c_have_the_same_values_and_costs(tmp_path: Path) -> None:
    for row in rounds(tmp_path, "mixed_models_and_zi_c.yaml"):
        assert (row["equilibrium_price_low"], row["equilibrium_price_high"]) == (1.75, 2.25)
        assert (row["equilibrium_quantity"], row["maximum_surplus"]) == (6, 9)
        assert row["trades"] > 0
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    for role in ("buyer", "seller"):
        units = query(
            url,
            "SELECT a.strategy, COALESCE(p.value, p.cost) AS worth "
            "FROM preference_schedules p JOIN agents a ON a.agent_id = p.agent_id "
            f"WHERE a.role = '{role}' AND p.round = 1",
        )
        expected = [0.75, 1.25, 1.75, 2.25, 2.75, 3.25]
        for strategy in ("zi_c", None):
            assert sorted(unit["worth"] for unit in units if unit["strategy"] == strategy) == expected


def test_the_query_that_compares_minds_finds_all_that_was_gained(tmp_path: Path) -> None:
    gained = {row["round"]: row["realized_surplus"] for row in rounds(tmp_path, "mixed_models_and_zi_c.yaml")}
    found = told_query(tmp_path, "trades")
    assert {row["mind"] for row in found} == {"model", "zi_c"}
    for number, surplus in gained.items():
        assert sum(row["gained"] for row in found if row["round"] == number) == pytest.approx(surplus)


def test_the_query_that_compares_treatments_answers(tmp_path: Path) -> None:
    rounds(tmp_path, "collusion.yaml")
    found = told_query(tmp_path, "orders")
    assert [row["round"] for row in found] == [1, 2]
    assert all(80 <= row["mean_ask"] <= 120 for row in found)
