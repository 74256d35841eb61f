"""The chart of prices: where points stand, where the band is ruled, and that it fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from market_agents.run_view.chart import RULE, price_chart

BLANK = 0x2800
UPPER = (0x01, 0x08)
"""The topmost bits of a braille character."""
LOWER = (0x40, 0x80)


def drawn(prices: list[int], band: tuple[float, float] | None, width: int = 30, rows: int = 3) -> list[str]:
    lines = price_chart(prices, band, width=width, rows=rows, label=lambda price: f"{price:.0f}")
    return ["".join(text for text, _ in line) for line in lines]


def points(line: str) -> list[int]:
    """The bits of the characters behind the axis, those without a point as 0."""
    cells = line.partition("┤")[2]
    return [ord(cell) - BLANK if ord(cell) >= BLANK else 0 for cell in cells]


def test_the_highest_price_is_at_the_top_and_the_lowest_at_the_bottom() -> None:
    lines = drawn([90, 100], None)
    assert lines[0].startswith("100 ┤")
    assert lines[-1].startswith(" 90 ┤")
    (high,) = [bits for bits in points(lines[0]) if bits]
    (low,) = [bits for bits in points(lines[-1]) if bits]
    assert high in UPPER
    assert low in LOWER


def test_later_trades_stand_further_right() -> None:
    falling = drawn([100, 95, 90], None)
    columns = [next(place for place, bits in enumerate(points(line)) if bits) for line in falling]
    assert columns == sorted(set(columns))


def test_the_band_is_ruled_where_it_is_and_nowhere_else() -> None:
    lines = drawn([50, 150], (98, 102))
    assert [RULE in line for line in lines] == [False, True, False]


def test_a_band_far_from_the_prices_is_on_the_chart() -> None:
    lines = drawn([50, 51], (148, 150))
    assert RULE in lines[0]
    assert lines[0].startswith("150 ┤")


def test_without_an_equilibrium_nothing_is_ruled() -> None:
    assert RULE not in "".join(drawn([50, 150], None))


def test_equal_prices_are_no_division_by_zero() -> None:
    lines = drawn([70, 70, 70], (70, 70))
    assert any(any(points(line)) for line in lines)


def test_of_many_trades_the_last_are_shown() -> None:
    lines = drawn([500] * 1_000 + [10, 20] * 100, None)
    assert lines[0].startswith(" 20 ┤")


@given(
    prices=st.lists(st.integers(0, 10**13), min_size=1, max_size=400),
    band=st.none()
    | st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(lambda ends: (min(ends), max(ends))),
    width=st.integers(20, 200),
    rows=st.integers(2, 6),
)
def test_it_always_fits(prices: list[int], band: tuple[float, float] | None, width: int, rows: int) -> None:
    lines = drawn(prices, band, width, rows)
    assert len(lines) == rows
    assert max(map(len, lines)) <= width
    shown = sum(bits.bit_count() for line in lines for bits in points(line))
    room = 2 * max(width - lines[0].index("┤") - 1, 1)
    assert shown == min(len(prices), room), "each trade is one point"
