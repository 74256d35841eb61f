"""Colours stand out from what they are on, in light and dark, and are the same in reports and on the live page."""

from __future__ import annotations

import re
from itertools import product

import pytest

from market_agents.reporting.report.blocks import Report
from market_agents.reporting.report.charts import BLUE, Chart
from market_agents.reporting.report.colours import (
    DRAWN,
    LETTERS,
    SURFACES,
    for_choice,
    for_page,
    unstyled,
)
from market_agents.reporting.report.page import as_html

BACKGROUNDS = ("page", "tint", "warn")


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("theme", "name", "surface"), list(product((0, 1), LETTERS, BACKGROUNDS)))
def test_letters_can_be_read(theme: int, name: str, surface: str) -> None:
    assert contrast(LETTERS[name][theme], SURFACES[surface][theme]) >= 4.5


@pytest.mark.parametrize(("theme", "name"), list(product((0, 1), DRAWN)))
def test_what_is_drawn_can_be_seen(theme: int, name: str) -> None:
    for surface in ("page", "tint"):
        assert contrast(DRAWN[name][theme], SURFACES[surface][theme]) >= 3


def test_reports_and_the_live_page_have_the_same_colours() -> None:
    names = set(re.findall(r"--(\w+):", for_page()))
    assert names == set(re.findall(r"--(\w+):", for_choice())) == {*SURFACES, *LETTERS, *DRAWN}
    for light, dark in (*SURFACES.values(), *LETTERS.values(), *DRAWN.values()):
        assert light in for_page()
        assert dark in for_page()
        assert f"light-dark({light}, {dark})" in for_choice()


def test_a_report_names_no_colour_that_it_does_not_know() -> None:
    page = as_html(Report("", "", ()))
    assert set(re.findall(r"var\(--(\w+)", page)) <= set(re.findall(r"--(\w+):", page))


def test_a_picture_has_its_colours_without_a_style_too() -> None:
    chart = Chart("round", "price")
    chart.line([(1, 1.0), (2, 2.0)], BLUE, "price")
    light = DRAWN["blue"][0]
    assert f'stroke="var(--blue, {light})"' in chart.svg()
    assert f'stroke="{light}"' in unstyled(chart.svg())
    assert "var(" not in unstyled(chart.svg())
