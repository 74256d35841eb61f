"""A real Chromium before the real live page; whatever the browser complains of fails the test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.end_to_end.stage import ROOT, Shell, call
from tests.rig.live_page import LivePage

PICTURES = ROOT / ".ui-screenshots"
WIDTHS = (400, 1280)
PATIENCE_MS = 600_000

SMALL = """\
num_agents: 6
max_rounds: 3
environment_order: [group_chat, auction]
seed: 7
environment_configs:
  auction: {institution: lob}
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser that `scripts/test-ui` found."""
    expect.set_options(timeout=PATIENCE_MS)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: start these tests with scripts/test-ui"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds two finished runs, ``calm`` and ``crossing``."""
    found = tmp_path_factory.mktemp("live")
    config = found / "orchestrator_config.yaml"
    config.write_text(SMALL, encoding="utf-8")
    for words in (("calm",), ("crossing", "--set", "environment_configs.auction.institution=midpoint")):
        done = call(found, "run", "--quiet", "--run-id", *words)
        assert done.code == 0, done.err
    return found


@pytest.fixture(scope="session")
def live(folder: Path) -> Iterator[LivePage]:
    """The live page of those runs."""
    with LivePage(Shell(folder)) as page:
        yield page


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a window of its own; at the end nothing may have gone wrong in any of them."""
    complaints: list[str] = []
    contexts = []
    tolerable = "$^"

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def opened(
        address: str, width: int = 1280, scheme: str = "light", script: bool = True, tolerated: str = "$^"
    ) -> Page:
        nonlocal tolerable
        tolerable = tolerated
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [said for said in complaints if not re.search(tolerable, said)] == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder for screenshots, to be looked at."""
    PICTURES.mkdir(exist_ok=True)
    return PICTURES
