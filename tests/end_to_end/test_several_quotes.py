"""Whole runs in which traders have several open orders: the same on both kinds of database, and never too many."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import load_config
from tests.end_to_end.stage import SHIPPED, Row, fingerprint, play, table

AUCTION = "environment_configs.auction"
CHANGES: dict[str, object] = {
    "environment_order": ["auction"],
    "num_agents": 6,
    "max_rounds": 2,
    "agent_config.num_units": 4,
    "agent_config.traders": [{"strategy": "zi_c", "share": 0.5}],
    f"{AUCTION}.institution": "lob",
    f"{AUCTION}.acting": "activation",
    f"{AUCTION}.activations": 60,
    f"{AUCTION}.quotes_per_trader": 2,
    f"{AUCTION}.steps": ["action"],
}


def when(event: Row) -> tuple[int, ...]:
    """In one activation what gives way ends before what takes its place stands, and perhaps trades."""
    place = int(event["round"]), int(event["sub_round"])
    return *place, event["status"] != "replaced", int(event["order_id"]), int(event["seq"])


def test_nobody_has_more_orders_open_than_the_key_allows(
    tmp_path: Path, sqlite_url: str, postgres_url: str
) -> None:
    digests = set()
    for url in (sqlite_url, postgres_url):
        run = play(tmp_path, url, CHANGES).run_id
        digests.add(fingerprint(url, run))
        owners = {row["order_id"]: row["agent_id"] for row in table(url, "orders", run)}
        standing: dict[str, set[int]] = defaultdict(set)
        most = 0
        for event in sorted(table(url, "order_events", run), key=when):
            own = standing[owners[event["order_id"]]]
            if event["status"] in ("open", "partially_filled"):
                own.add(event["order_id"])
            else:
                own.discard(event["order_id"])
            most = max(most, len(own))
        assert most == 2
        assert "replaced" in {row["status"] for row in table(url, "orders", run)}
    assert len(digests) == 1


def test_where_one_quote_of_each_side_stands_the_key_is_refused() -> None:
    changes = [(f"{AUCTION}.institution", "aurora"), (f"{AUCTION}.quotes_per_trader", 2)]
    with pytest.raises(ConfigError, match="quotes_per_trader: under aurora one quote of each side stands"):
        load_config(SHIPPED, changes)
