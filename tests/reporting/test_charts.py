"""Charts: round numbers on axes, marks where values are, words that are only words."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.reporting.report.charts import BLUE, GREEN, ORANGE, Chart
from market_agents.reporting.report.marks import ticks
from market_agents.reporting.report.network import network_chart
from market_agents.reporting.report.said import spread

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def places(path: str) -> list[tuple[float, float]]:
    found = [tuple(map(float, NUMBER.findall(step))) for step in re.split("[ML]", path) if step]
    return [(place[0], place[1]) for place in found]


def paths(svg: str, colour: str) -> list[str]:
    return [path.get("d", "") for path in ET.fromstring(svg).iter() if path.get("stroke") == colour]


@pytest.mark.parametrize(
    ("low", "high", "whole", "shown"),
    [
        (0.0, 1.05, False, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0, 6.0, False, ["0", "1", "2", "3", "4", "5", "6"]),
        (94.0, 106.0, False, ["94", "96", "98", "100", "102", "104", "106"]),
        (0.5, 2.5, True, ["1", "2"]),
        (0.0, 1.05, True, ["0", "1"]),
        (-0.2, 0.3, False, ["-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]),
        (0.0, 1.2, False, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "1.2"]),
    ],
)
def test_axes_are_ticked_at_round_numbers(low: float, high: float, whole: bool, shown: list[str]) -> None:
    assert [text for _, text in ticks(low, high, 6, whole=whole)] == shown


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e9))
def test_ticks_lie_within_and_are_told_apart(low: float, span: float) -> None:
    found = ticks(low, low + span, 6)
    assert len(found) <= 8
    assert all(low - 1e-3 * span <= value <= low + span * 1.001 for value, _ in found)


def test_a_line_runs_through_its_values() -> None:
    chart = Chart("round", "price")
    chart.line([(1, 10.0), (2, 20.0), (3, 10.0)], BLUE, "prices")
    [drawn, *_] = [path for path in paths(chart.svg(), BLUE) if "L" in path]
    (left, low), (middle, high), (right, again) = places(drawn)
    assert left < middle < right
    assert low == again > high, "the larger value stands higher, and pictures count from the top"
    assert middle - left == pytest.approx(right - middle, abs=0.2)


def test_ten_thousand_equal_trades_are_one_dot() -> None:
    chart = Chart("round", "price")
    chart.dots([(1.0, 5.0)] * 10_000, BLUE, "trades")
    chart.dots([(2.0, 6.0)], ORANGE, "one")
    assert len(chart.svg()) < 6_000


@pytest.mark.parametrize("heights", [[], [0.0], [-3.0, 2.0], [1e-12], [1e9, 1e9]])
def test_any_values_make_a_picture(heights: list[float]) -> None:
    chart = Chart("agent", "profit", from_zero=True)
    chart.bars([(place, 0.0, height) for place, height in enumerate(heights)], BLUE, "buyers")
    chart.band(0.0, 0.0, GREEN, "band")
    ET.fromstring(chart.svg())


def test_words_are_words() -> None:
    chart = Chart("<script>", "a & b")
    chart.line([(1, 1.0), (2, 2.0)], BLUE, "</svg><script>alert(1)</script>")
    chart.name(["<b>"])
    for svg in (chart.svg(), network_chart(["<b>", "c"], [(("<b>", "c"), 2)])):
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "g", "path", "text", "circle"}


def test_rounds_are_spread_from_the_first_to_the_last() -> None:
    assert spread(range(1, 101), 4) == [1, 34, 67, 100]
    assert spread([3, 5], 4) == [3, 5]
    assert spread([3, 5, 9], 1) == [9]
