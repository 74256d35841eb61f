"""Whole runs with market orders: the same on both kinds of database, and sensible in the tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import load_config
from tests.end_to_end.stage import SHIPPED, fingerprint, play, table

AUCTION = "environment_configs.auction"
CHANGES: dict[str, object] = {
    "environment_order": ["auction"],
    "num_agents": 8,
    "agent_config.use_llm": False,
    "agent_config.strategy": f"{__name__}:Impatient",
    f"{AUCTION}.institution": "lob",
    f"{AUCTION}.market_orders": True,
    f"{AUCTION}.sub_rounds": 4,
}


class Impatient:
    """Quotes its limit in one half of its acts, and takes what there is in the other."""

    def act(self, observation: Mapping[str, Any], rng: Random) -> dict[str, Any]:
        buying = observation["role"] == "buyer"
        units = observation["values" if buying else "costs"]
        side = "bid" if buying else "ask"
        if not units:
            return {"action": "hold"}
        if rng.random() < 0.5:
            return {"action": side, "order": "market", "quantity": len(units)}
        return {"action": side, "price": units[0], "quantity": 1}


def test_they_are_stored_without_a_price_and_traded_at_the_prices_they_met(
    tmp_path: Path, sqlite_url: str, postgres_url: str
) -> None:
    digests = set()
    for url in (sqlite_url, postgres_url):
        run = play(tmp_path, url, CHANGES).run_id
        digests.add(fingerprint(url, run))
        orders = {row["order_id"]: row for row in table(url, "orders", run)}
        taking = {
            number for number, row in orders.items() if row["price"] is None and row["status"] != "rejected"
        }
        assert {orders[number]["status"] for number in taking} == {"filled", "cancelled"}
        traded = dict.fromkeys(taking, 0)
        for trade in table(url, "trades", run):
            bid, ask = orders[trade["bid_order_id"]], orders[trade["ask_order_id"]]
            resting = min(bid, ask, key=lambda row: row["order_id"])
            assert trade["price"] == resting["price"]
            for order in (bid, ask):
                if order["order_id"] in taking:
                    traded[order["order_id"]] += trade["quantity"]
        assert traded == {number: orders[number]["filled_quantity"] for number in taking}
        assert min(traded.values()) >= 1
        ended = [row for row in table(url, "order_events", run) if row["order_id"] in taking]
        assert {row["status"] for row in ended} <= {"open", "partially_filled", "filled", "cancelled"}
        assert all(row["price"] is None for row in ended if row["status"] == "open")
    assert len(digests) == 1


def test_without_a_continuous_book_the_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="market_orders: midpoint has no continuous book; expected false"):
        load_config(SHIPPED, [(f"{AUCTION}.market_orders", True)])
