from __future__ import annotations

from decimal import Decimal

import pytest

from market_agents.inference import Usage
from market_agents.inference.prices import cost_of

MODEL = "gpt-4o-mini"
USAGE = Usage(prompt_tokens=1000, completion_tokens=100)


def test_a_known_model_has_a_price() -> None:
    cost = cost_of(USAGE, MODEL, None)
    assert cost is not None
    assert Decimal(0) < cost < Decimal("0.01")
    assert cost_of(USAGE, MODEL, "https://api.openai.com/v1") == cost


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert cost_of(USAGE, "gpt-4o-mini-2024-07-18", None) == cost_of(USAGE, MODEL, None)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("unheard-of", None),
        ("", None),
        (MODEL, "http://127.0.0.1:8000/v1"),
        (MODEL, "http://localhost:11434/v1"),
        (MODEL, "https://models.example.org/v1"),
    ],
)
def test_an_unknown_price_stays_unknown(model: str, base_url: str | None) -> None:
    assert cost_of(USAGE, model, base_url) is None


def test_more_tokens_cost_more() -> None:
    once, twice = cost_of(USAGE, MODEL, None), cost_of(Usage(2000, 200), MODEL, None)
    assert once is not None
    assert twice == 2 * once
    assert cost_of(Usage(), MODEL, None) == 0


def test_cached_tokens_are_cheaper() -> None:
    whole = cost_of(USAGE, MODEL, None)
    cached = cost_of(Usage(1000, 100, cached_tokens=800), MODEL, None)
    assert whole is not None
    assert cached is not None
    assert 0 < cached < whole


def test_answers_cost_more_than_questions() -> None:
    asked, answered = cost_of(Usage(1000, 0), MODEL, None), cost_of(Usage(0, 1000), MODEL, None)
    assert asked is not None
    assert answered is not None
    assert asked < answered


def test_a_count_that_cannot_be_costs_no_run() -> None:
    assert cost_of(Usage(10, 5, cached_tokens=500), MODEL, None) is None
