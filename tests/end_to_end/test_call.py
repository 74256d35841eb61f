"""The price of a call market lies where the configuration says, and no other institution lets it say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import Start, load_config
from tests.end_to_end.stage import SHIPPED, play, table

AUCTION = "environment_configs.auction"


@pytest.mark.parametrize(("k", "price"), [(0.0, 5), (0.2, 8), (1.0, 20)])
def test_the_price_is_where_the_configuration_says(tmp_path: Path, k: float, price: int) -> None:
    url = f"sqlite:///{tmp_path / 'market.db'}"
    changes = {
        "num_agents": 2,
        "max_rounds": 1,
        "environment_order": ["auction"],
        "agent_config.use_llm": False,
        "agent_config.strategy": "truthful",
        "agent_config.schedule": {"kind": "lists", "buyers": [[20]], "sellers": [[5]]},
        f"{AUCTION}.institution": "call",
        f"{AUCTION}.call_k": k,
    }
    play(tmp_path, url, changes, start=Start(run_id="one"))
    assert [row["price"] for row in table(url, "trades", "one")] == [price]


@pytest.mark.parametrize(("institution", "k"), [("lob", 0.2), ("call", 1.5), ("call", float("nan"))])
def test_what_cannot_be_is_refused_by_name(institution: str, k: float) -> None:
    with pytest.raises(ConfigError, match="call_k"):
        load_config(SHIPPED, [(f"{AUCTION}.institution", institution), (f"{AUCTION}.call_k", k)])
