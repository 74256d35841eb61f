"""Whole runs of minds that are told little of their market."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.stage import play, table

AUCTION = "environment_configs.auction"


@pytest.mark.parametrize("told", [[], ["best_quotes"]])
def test_minds_that_are_told_no_prices_remember_those_of_their_own_trades_alone(
    told: list[str], tmp_path: Path, sqlite_url: str
) -> None:
    changes: dict[str, object] = {
        "environment_order": ["auction"],
        "max_rounds": 3,
        f"{AUCTION}.institution": "lob",
        f"{AUCTION}.information": told,
        f"{AUCTION}.steps": ["action"],
    }
    run = play(tmp_path, sqlite_url, changes).run_id
    trades = table(sqlite_url, "trades", run)
    traders = {trade[party] for trade in trades for party in ("buyer_id", "seller_id")}
    told_a_price = {
        row["agent_id"]
        for row in table(sqlite_url, "agent_memories", run)
        if row["kind"] == "event" and "last price" in row["content"]
    }
    assert trades
    assert told_a_price <= traders
