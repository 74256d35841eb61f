"""A run watched while it happens, held at a place by its model, and one whose process is gone."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from market_agents.storage import open_database
from tests.end_to_end.stage import Shell, ended
from tests.rig.fake_model_client import FakeModel
from tests.rig.live_page import LivePage

Open = Callable[..., Page]
AGENTS, ROUNDS = 4, 2
ASKS_IN_A_ROUND = 3 * AGENTS

CONFIG = """\
num_agents: {agents}
max_rounds: {rounds}
environment_order: [auction]
seed: 7
llm_configs:
  - {{name: served, model: fake-model, base_url: "{address}", input_price: 1, output_price: 1}}
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, fake_model_server: FakeModel) -> Shell:
    """A folder with a database without runs, and a configuration whose model is the fake one."""
    folder = tmp_path_factory.mktemp("watched")
    text = CONFIG.format(agents=AGENTS, rounds=ROUNDS, address=fake_model_server.base_url)
    (folder / "orchestrator_config.yaml").write_text(text, encoding="utf-8")
    open_database(str(folder / "market_simulation.db")).close()
    return Shell(folder)


@pytest.fixture(scope="module")
def live(shell: Shell) -> Iterator[LivePage]:
    with LivePage(shell) as page:
        yield page


def test_a_run_is_watched_from_its_first_call_to_its_end(
    shell: Shell, live: LivePage, fake_model: FakeModel, open_page: Open
) -> None:
    listed = open_page(live.address)
    expect(listed.get_by_text("There is no run in this database yet.")).to_be_visible()

    fake_model.set_faults([{"kind": "hang"}])
    process = shell.start("run", "--quiet", "--run-id", "going")
    row = listed.get_by_role("row", name=re.compile("going"))
    expect(row).to_contain_text("running")

    page = open_page(f"{live.address}/runs/going")
    expect(page.locator("#status")).to_contain_text("running")
    expect(page.locator("#trades")).to_contain_text("No trade yet.")
    person = open_page(f"{live.address}/runs/going/agents/agent_1")
    early = open_page(f"{live.address}/runs/going/agents/agent_1?round=1")
    expect(person.locator("#turns")).to_contain_text("Nothing of agent_1 is stored in round 1.")
    fake_model.reset()

    expect(page.locator("#status")).to_contain_text("completed")
    expect(page.locator("#tiles")).to_contain_text(f"{ROUNDS} of {ROUNDS}")
    expect(page.locator("#tiles")).to_contain_text(f"{ROUNDS * ASKS_IN_A_ROUND} asks, 0 without answer")
    expect(page.locator("#tiles")).to_contain_text(re.compile(r"\$0\.0\d+"))
    expect(row).to_contain_text("completed")
    expect(person.locator("#turns .turn")).to_have_count(1)
    expect(person.get_by_role("heading", name=f"Round {ROUNDS}, from prompt to profit")).to_be_visible()
    expect(person.get_by_role("link", name=f"← Round {ROUNDS - 1}")).to_be_visible()
    expect(early.locator("#turns .turn")).to_have_count(1)
    expect(early.get_by_role("heading", name="Round 1, from prompt to profit")).to_be_visible()
    done = ended(process)
    assert done.code == 0, done.err


def test_a_run_that_was_killed_shows_how_to_go_on(
    shell: Shell, live: LivePage, fake_model: FakeModel, open_page: Open, pictures: Path
) -> None:
    fake_model.set_faults([{"kind": "hang"}])
    process = shell.start("run", "--quiet", "--run-id", "killed")
    listed = open_page(live.address)
    row = listed.get_by_role("row", name=re.compile("killed"))
    expect(row).to_contain_text("running")
    page = open_page(f"{live.address}/runs/killed")
    expect(page.locator("#status")).to_contain_text("running")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    expect(page.locator("#status")).to_contain_text("interrupted")
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    expect(page.locator("#notice .command")).to_contain_text(re.compile("market-agents resume killed$"))
    expect(row).to_contain_text("interrupted")
    page.screenshot(path=pictures / "killed-1280-light.png")


def test_the_page_comes_back_when_its_server_does(shell: Shell, live: LivePage, open_page: Open) -> None:
    page = open_page(live.address, tolerated="ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING")
    port = live.address.rpartition(":")[2]
    assert live.stop().err == ""
    status = page.get_by_role("status")
    expect(status).to_have_text("No connection: trying again")
    with LivePage(shell, "--port", port):
        expect(status).to_have_text("")
