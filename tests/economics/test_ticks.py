from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.economics.ticks import MAX_TICKS, TickScale

CENTS = TickScale(Decimal("0.01"))
tick_sizes = st.sampled_from([Decimal(text) for text in ("0.01", "1", "0.25", "0.03", "5", "0.0001")])


@pytest.mark.parametrize(
    ("amount", "floor", "ceil"),
    [
        (0.29, 29, 29),
        (1.1, 110, 110),
        (0.1 + 0.2, 30, 31),
        (9.999, 999, 1000),
        (12, 1200, 1200),
        (Decimal("0.005"), 0, 1),
        (5e-324, 0, 1),
        (0, 0, 0),
        (-0.0, 0, 0),
    ],
)
def test_amounts_are_read_as_they_are_written(amount: float, floor: int, ceil: int) -> None:
    assert CENTS.floor(amount) == floor
    assert CENTS.ceil(amount) == ceil


@pytest.mark.parametrize(
    ("amount", "ticks"),
    [("0.004", 0), ("0.005", 0), ("0.0051", 1), ("0.015", 2), ("0.025", 2), ("0.026", 3)],
)
def test_nearest_sends_halves_to_the_even_tick(amount: str, ticks: int) -> None:
    assert CENTS.nearest(Decimal(amount)) == ticks
    assert CENTS.nearest(float(amount)) == ticks


@pytest.mark.parametrize(
    "amount",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        -1,
        -0.01,
        1e308,
        10**5000,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("1E+999999"),
    ],
    ids=lambda amount: type(amount).__name__,
)
def test_impossible_amounts_are_refused_with_a_reason(amount: float) -> None:
    with pytest.raises(ValueError, match="an amount of money must"):
        CENTS.floor(amount)


@pytest.mark.parametrize("size", ["0", "-1", "NaN", "Infinity"])
def test_a_tick_has_a_worth(size: str) -> None:
    with pytest.raises(ValueError, match="tick size"):
        TickScale(Decimal(size))


@given(st.floats(0, 10**6), tick_sizes)
def test_floor_and_ceil_enclose_the_amount_exactly(amount: float, size: Decimal) -> None:
    scale = TickScale(size)
    exact = Fraction(repr(amount)) / Fraction(size)
    assert scale.floor(amount) == exact.__floor__()
    assert scale.ceil(amount) == exact.__ceil__()
    assert scale.nearest(amount) == round(exact)


@given(st.integers(0, 10**12), tick_sizes)
def test_ticks_survive_the_way_through_currency(ticks: int, size: Decimal) -> None:
    scale = TickScale(size)
    assert scale.floor(scale.to_currency(ticks)) == ticks
    assert scale.ceil(scale.to_currency(ticks)) == ticks
    assert scale.floor(scale.to_decimal(ticks)) == ticks


def test_the_thread_s_decimal_context_changes_no_price() -> None:
    with localcontext() as context:
        context.prec = 2
        assert CENTS.floor(1234.56) == 123456
        assert CENTS.to_decimal(123456) == Decimal("1234.56")


def test_the_largest_amount_is_read_and_no_larger_one() -> None:
    assert CENTS.floor(CENTS.to_decimal(MAX_TICKS)) == MAX_TICKS
    with pytest.raises(ValueError, match="at most"):
        CENTS.floor(CENTS.to_decimal(MAX_TICKS) + 1)
