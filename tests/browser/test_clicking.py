"""What a person clicks on the live page of finished runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS
from tests.rig.live_page import LivePage

Open = Callable[..., Page]


def test_from_the_list_into_a_run(live: LivePage, open_page: Open) -> None:
    page = open_page(live.address)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    row = page.get_by_role("row", name=re.compile("crossing"))
    expect(row).to_contain_text("completed")
    expect(row).to_contain_text("group_chat, auction")
    expect(row).to_contain_text("3 of 3")
    page.get_by_role("link", name="crossing", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("crossing")
    expect(
        page.get_by_role("img", name=re.compile("Prices of strawberry.* trades in rounds 1 to 3"))
    ).to_be_visible()
    expect(page.get_by_role("progressbar", name="Rounds done")).to_have_attribute("value", "3")


def test_the_slider_goes_through_a_round_by_keyboard(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm/steps?round=1&at=0")
    slider = page.get_by_role("slider", name="Step")
    place = page.locator("#now strong")
    expect(place).to_have_text(re.compile("^0 of "))
    expect(page.locator("#state")).to_contain_text("Nobody has spoken yet.")
    slider.focus()
    for number in (1, 2, 3):
        slider.press("ArrowRight")
        expect(place).to_have_text(re.compile(f"^{number} of "))
    expect(slider).to_be_focused()
    expect(page.get_by_role("button", name="Go")).to_be_hidden()
    slider.press("End")
    steps = int(slider.get_attribute("max") or 0)
    expect(place).to_have_text(f"{steps} of {steps}")
    assert f"at={steps}" in page.url, "the place can be kept as a bookmark"
    page.reload()
    expect(place).to_have_text(f"{steps} of {steps}")


def test_steps_by_link_keep_the_focus(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm/steps?round=1&at=4")
    link = page.get_by_role("link", name="Next →")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#now strong")).to_have_text(re.compile("^5 of "))
    expect(page.get_by_role("link", name="Next →")).to_be_focused()
    expect(page.get_by_role("slider", name="Step")).to_have_value("5")


def test_an_order_is_in_the_book_until_it_trades(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm/steps?round=1&environment=auction&at=1")
    happening = page.locator("#now .happening")
    expect(happening).to_contain_text(re.compile("agent_. (bids|asks) "))
    told = re.search(r"(agent_\d) (bids|asks) ([\d.]+)", happening.inner_text())
    assert told is not None
    row = page.get_by_role("table", name=re.compile("Open orders")).get_by_role("row").nth(1)
    expect(row).to_contain_text("bid" if told[2] == "bids" else "ask")
    expect(row).to_contain_text(told[3])
    expect(row.get_by_role("link")).to_have_text(told[1])


def test_an_agent_from_prompt_to_profit(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm")
    page.get_by_role("region", name="Agents by profit").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Persona and endowment")).to_be_visible()
    market = page.get_by_role("region", name=re.compile("^auction"))
    for part in ("Prompt", "Raw answer", "Read from it"):
        expect(market.get_by_role("heading", name=part).first).to_be_visible()
    expect(market.locator(".order").first).to_contain_text(re.compile("Order \\d+: (bid|ask)"))
    prompt = market.locator("details pre").first
    expect(prompt).to_be_hidden()
    market.get_by_text(re.compile("^system, ")).first.click()
    expect(prompt).to_be_visible()
    page.get_by_role("link", name="← Round 2").click()
    expect(page.get_by_role("heading", name="Round 2, from prompt to profit")).to_be_visible()


def test_what_is_open_stays_open_when_the_page_changes(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm/agents/agent_1")
    first, second = page.locator("#turns .turn").nth(0), page.locator("#turns .turn").nth(1)
    for turn in (first, second):
        turn.get_by_text(re.compile("^user, ")).first.click()
    second.locator(".act").first.evaluate("act => { act.textContent = 'stale' }")
    page.evaluate("document.querySelector('#turns .turn').mark = 'the same'")
    page.evaluate("refresh(location.href)")
    expect(second.get_by_text("stale")).to_have_count(0)
    for turn in (first, second):
        expect(turn.locator("details pre").nth(1)).to_be_visible()
    expect(second.get_by_text(re.compile("^user, ")).first).to_be_focused()
    assert page.evaluate("document.querySelector('#turns .turn').mark") == "the same"


def test_two_runs_side_by_side(live: LivePage, open_page: Open) -> None:
    page = open_page(live.address)
    for run_id in ("calm", "crossing"):
        page.get_by_role("checkbox", name=f"Compare {run_id}").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    expect(page.get_by_role("columnheader", name="calm")).to_be_visible()
    expect(page.get_by_role("columnheader", name="crossing")).to_be_visible()
    expect(page.get_by_text(re.compile("environment_configs.auction.institution.*lob"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Efficiency.*crossing: .*calm: "))).to_be_visible()


def test_dark_is_the_systems_or_chosen_and_stays(live: LivePage, open_page: Open) -> None:
    page = open_page(live.address, scheme="dark")

    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert background() == "rgb(20, 24, 29)"
    button = page.get_by_role("button", name=re.compile("Theme"))
    button.click()
    expect(button).to_have_text("Theme: light")
    assert background() == "rgb(255, 255, 255)"
    page.get_by_role("link", name="calm", exact=True).click()
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert background() == "rgb(255, 255, 255)"


def test_all_of_it_by_keyboard_alone(live: LivePage, open_page: Open) -> None:
    page = open_page(live.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="This run")).to_be_visible()


def test_it_can_be_read_without_script(live: LivePage, open_page: Open) -> None:
    page = open_page(f"{live.address}/runs/calm/steps?round=1&at=1", script=False)
    page.get_by_role("link", name="Next →").click()
    expect(page.locator("#now strong")).to_have_text(re.compile("^2 of "))
    page.get_by_role("slider", name="Step").press("ArrowRight")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#now strong")).to_have_text(re.compile("^3 of "))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_to_look_at(
    live: LivePage, open_page: Open, pictures: Path, width: int, scheme: str
) -> None:
    places = {
        "runs": "/",
        "run": "/runs/calm",
        "steps": "/runs/calm/steps?round=1&at=30",
        "agent": "/runs/calm/agents/agent_1",
        "compare": "/compare?run=calm&run=crossing",
    }
    page = open_page(live.address, width=width, scheme=scheme)
    for name, place in places.items():
        page.goto(live.address + place)
        page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{name} does not fit {width} pixels: it needs {needed}"
