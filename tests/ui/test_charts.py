"""Charts: scales that cover what they show, and one mark for each thing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.ui.charts import HEIGHT, line_plot, price_plot, scale, share_plot
from market_agents.ui.memo import Memo


@given(st.lists(st.floats(-1e9, 1e12, allow_subnormal=False), min_size=1, max_size=20))
def test_a_scale_covers_its_values_with_few_labels(values: list[float]) -> None:
    axis = scale(values)
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low - slack <= min(values) <= max(values) <= axis.high + slack
    assert 1 <= axis.count <= 6
    assert all(-0.1 <= axis.y(value) <= HEIGHT + 0.1 for value in values)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 10], ["10.0", "7.5", "5.0", "2.5", "0.0"]),
        ([92, 99], ["100", "98", "96", "94", "92"]),
        ([0.01, 0.04], ["0.04", "0.03", "0.02", "0.01"]),
    ],
)
def test_labels_are_round_numbers(values: list[float], labels: list[str]) -> None:
    assert scale(values).labels() == labels


@pytest.mark.parametrize(
    ("last", "labels", "each"),
    [
        (1, ["1"], True),
        (3, ["1", "2", "3"], True),
        (46, ["1", "10", "19", "28", "37", "46"], False),
        (100, ["1", "34", "67", "100"], False),
        (48, ["1", "48"], False),
    ],
)
def test_labels_of_rounds_are_evenly_spaced(last: int, labels: list[str], each: bool) -> None:
    plot = share_plot("", {"run": [(1, 0.5), (last, 0.5)]})
    assert (plot.xs, plot.labels_each) == (labels, each)


def test_each_trade_is_a_dot_in_its_round() -> None:
    rounds = [
        {
            "round": number,
            "mean_price": Decimal(100),
            "equilibrium_price_low": Decimal(95),
            "equilibrium_price_high": Decimal(105),
        }
        for number in (1, 2)
    ]
    ranges = [{"round": number, "low": Decimal(98), "high": Decimal(102), "trades": 2} for number in (1, 2)]
    deals = [{"round": number, "price": price} for number in (1, 2) for price in (Decimal(98), Decimal(102))]
    plot = price_plot("apple", rounds, ranges, deals)
    [dots] = re.findall(r'class="dot trades" d="([^"]*)"', plot.body)
    assert [float(across) for across in re.findall(r"M([\d.]+)", dots)] == [125, 375, 625, 875]
    assert len(re.findall('class="band"', plot.body)) == 1, "rounds with the same band are one piece"
    assert plot.alt == (
        "4 trades in rounds 1 to 2, from 98.00 to 102.00; in round 2 equilibrium lies from 95.00 to 105.00"
    )
    many = price_plot("apple", rounds, ranges, [])
    assert "dot trades" not in many.body
    assert len(re.findall(r"M[\d.]+ [\d.]+V", many.body)) == 2, "of many trades each round's range is drawn"


def test_nothing_to_draw_is_an_empty_chart() -> None:
    for plot in (share_plot("share", {"run": []}), line_plot("gap", {}), price_plot("apple", [], [], [])):
        assert "NaN" not in plot.body
        assert plot.ys


def test_a_count_is_done_again_when_it_changed_and_not_too_often() -> None:
    memo, counts = Memo(), iter(range(10))
    assert memo.get(("key",), "a", lambda: next(counts)) == (0, True)
    assert memo.get(("key",), "a", lambda: next(counts)) == (0, True)
    assert memo.get(("key",), "b", lambda: next(counts), rests=False) == (1, True)
    slow = memo._find(("key",))
    assert slow is not None
    slow.took = 1e6
    assert memo.get(("key",), "c", lambda: next(counts)) == (1, False), "shown as it was for a while"
    assert memo.get(("key",), "c", lambda: next(counts), rests=False) == (2, True)
    assert memo.peek(("other",)) is None
