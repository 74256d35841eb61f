from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.reporting import Amount, mentions, prices_in
from market_agents.reporting.prices import LARGEST_PRICE, MOST_IN_A_MESSAGE
from tests.reporting.talks import talk


def numbers(text: str) -> list[float]:
    return [amount.price for amount in prices_in(text, "strawberry")]


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("a fair price is near 98.20.", [98.2]),
        ("between 90 and 95", [90, 95]),
        ("80-90", [80, 90]),
        ("95/unit, or (96)", [95, 96]),
        ("price:95", [95]),
        ("I bid 95!", [95]),
        ("I paid 100, 101 and 102 in round 1", [100, 101, 102]),
        ("in round 1 I paid 100, 101 and 102", [100, 101, 102]),
        ("1,234.50", [1234.5]),
        ("98,50", [98.5]),
        ("I buy 3 at 95", [95]),
        ("2 units @ 95", [95]),
        ("95 of course", [95]),
        ("seller 7 wants 88", [88]),
        ("ask 95, bid 90", [95, 90]),
        ("round 2: 95 or 96", [95, 96]),
        ("95 each", [95]),
    ],
)
def test_numbers_that_are_prices(text: str, prices: list[float]) -> None:
    assert numbers(text) == prices


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no numbers here",
        "agent_3 and cohort_12 said so",
        "in round 2",
        "rounds 2 and 3",
        "rounds 2, 3 or 4",
        "buyer 5, trader 6, agent 7",
        "#4 and v2 and 2nd",
        "5% or 5 % or 5 percent",
        "3 units",
        "3 more units",
        "2 or 3 units",
        "10 strawberries",
        "12 fresh Strawberries",
        "for 2 days, 3 times",
        "at 10:30 on 12/11/2026",
        "version 1.2.3.4",
        "a loss of -5",
        "1000 in cash",
        "5 of them",
        "5 more please",
        "0",
        "0.00",
        "95k",
        "99999999999999999999",
        "1e308",
        "٩٥",
    ],
)
def test_numbers_that_are_none(text: str) -> None:
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("$95", [Amount(95, "$")]),
        ("$ 95.50 or €90", [Amount(95.5, "$"), Amount(90, "€")]),
        ("95 dollars", [Amount(95, "$")]),
        ("95USD", [Amount(95, "$")]),
        ("95 cents", [Amount(0.95, "cents")]),
        ("95 coins", [Amount(95, "coins")]),
        ("round $5", [Amount(5, "$")]),
        ("95-100 dollars", [Amount(95, None), Amount(100, "$")]),
        ("3 pounds of berries for £4", [Amount(4, "£")]),
    ],
)
def test_a_currency_makes_a_price(text: str, amounts: list[Amount]) -> None:
    assert prices_in(text, "berry") == amounts


def test_the_good_is_counted_only_where_it_is_known() -> None:
    assert prices_in("10 apples", "apple") == []
    assert prices_in("10 apples", "pear") == [Amount(10, None)]


@given(st.text(max_size=300))
def test_any_text_gives_finite_positive_prices(text: str) -> None:
    assert all(0 < price <= LARGEST_PRICE for price in numbers(text))


@given(st.integers(1, 99_999), st.integers(0, 99))
def test_an_amount_is_read_as_it_is_written(whole: int, cents: int) -> None:
    said = f"{whole}.{cents:02d}"
    assert numbers(f"let us say {said}, shall we?") == [float(said)]
    assert numbers(f"${whole:,}.{cents:02d}") == [float(said)]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 10**6,
        "1 " * 500_000,
        "1," * 500_000,
        "$ " * 500_000,
        "1,234" * 200_000,
        "9 " + "more " * 200_000,
        "9 more " * 150_000,
        "no " * 300_000 + "1",
        "9" + " " * 10**6 + "%",
    ],
    ids=range(9),
)
def test_a_megabyte_is_read_in_no_time_and_drowns_nobody(text: str) -> None:
    started = time.process_time()
    assert len(numbers(text)) <= MOST_IN_A_MESSAGE
    assert time.process_time() - started < 2


def test_mentions_know_who_said_them_and_when() -> None:
    found = mentions(talk((1, "1", "95 or 96"), (1, "2", "3 strawberries"), (2, "3", "$90", "1")))
    assert [(one.message_id, one.sub_round, one.sender_id, one.price, one.unit) for one in found] == [
        (1, 1, "agent_1", 95, None),
        (1, 1, "agent_1", 96, None),
        (3, 2, "agent_3", 90, "$"),
    ]
