"""Learning that shows: with memory markets become more efficient over the rounds, without it they do not."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from tests.minds.runs import played, rows

ROUNDS = 6
SEEDS = (1, 2, 3, 4)
MARKET = {"num_agents": 10, "max_rounds": ROUNDS, "environment_order": ["auction"]}
STRATEGIES = {
    **MARKET,
    "agent_config.use_llm": False,
    "environment_configs.auction.institution": "lob",
    "environment_configs.auction.sub_rounds": 3,
}
MINDS = {
    "stand_in": {**MARKET, "environment_configs.auction.steps": ["action", "reflection"]},
    "zip": {**STRATEGIES, "agent_config.strategy": "zip"},
}


def efficiencies(folder: Path, changes: dict[str, object], *, memory: bool) -> list[list[float]]:
    """By seed, the efficiency of each round."""
    found = []
    for seed in SEEDS:
        file = played(folder / f"{memory}-{seed}.db", {**changes, "seed": seed, "memory.enabled": memory})
        read = rows(file, "SELECT efficiency FROM auction_rounds ORDER BY round")
        found.append([row["efficiency"] for row in read])
    return found


@pytest.mark.parametrize("mind", MINDS)
def test_memory_shows_in_the_efficiency_of_later_rounds(tmp_path: Path, mind: str) -> None:
    on = efficiencies(tmp_path, MINDS[mind], memory=True)
    off = efficiencies(tmp_path, MINDS[mind], memory=False)
    assert [rounds[0] for rounds in on] == [rounds[0] for rounds in off], (
        "nobody remembers in the first round"
    )
    later_on, later_off = (fmean(value for rounds in found for value in rounds[1:]) for found in (on, off))
    assert later_on > later_off + 0.08
    better = [fmean(with_it[1:]) > fmean(without[1:]) for with_it, without in zip(on, off, strict=True)]
    assert sum(better) >= len(SEEDS) - 1


def test_what_is_learned_is_kept_by_round(tmp_path: Path) -> None:
    file = played(tmp_path / "run.db", {**MINDS["stand_in"], "seed": 1})
    found = rows(file, "SELECT round, strategy_update, self_reward, environment_reward FROM reflections")
    assert {row["round"] for row in found} == set(range(1, ROUNDS + 1))
    assert all(0 <= row["self_reward"] <= 1 and row["strategy_update"] for row in found)
    assert any(row["environment_reward"] is not None for row in found)
    assert any("Give way by" in row["strategy_update"] for row in found)
