"""A book that cannot be filled as it is written is refused before anything runs."""

from __future__ import annotations

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import load_config
from tests.end_to_end.stage import SHIPPED

AUCTION = "environment_configs.auction"
BID = {"side": "bid", "price": 90.0}
ASK = {"side": "ask", "price": 95.0}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"prefilled_book": [ASK, BID | {"price": 95.0}]}, r"prefilled_book\[1\].price: reaches an ask"),
        ({"prefilled_book": [BID, BID], "institution": "gs"}, "prefilled_book: two orders of one side"),
        ({"prefilled_book": [BID], "max_price": 80.0}, r"prefilled_book\[0\].price: expected at most"),
        (
            {"prefilled_book": [BID], "must_improve": True, "prefill": "each", "order_lifetime": "run"},
            "prefill: quotes must improve, so that",
        ),
    ],
)
def test_what_cannot_stand_is_refused(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_config(SHIPPED, [(f"{AUCTION}.{key}", value) for key, value in keys.items()])


@pytest.mark.parametrize(
    "change", [{"must_improve": False}, {"prefill": "first"}, {"order_lifetime": "round"}]
)
def test_each_way_out_of_a_refusal_is_one(change: dict[str, object]) -> None:
    keys = {
        "prefilled_book": [BID, ASK],
        "institution": "lob",
        "must_improve": True,
        "prefill": "each",
        "order_lifetime": "run",
    }
    load_config(SHIPPED, [(f"{AUCTION}.{key}", value) for key, value in {**keys, **change}.items()])
