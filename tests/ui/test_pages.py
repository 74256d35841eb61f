"""What the pages show, of both kinds of database, of runs that go on, and of whatever agents say."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from market_agents.experiments.baselines import baselines_of
from market_agents.reporting.report import make_report
from market_agents.reporting.report.page import as_html
from market_agents.storage import (
    Database,
    Row,
    RunStatus,
    get_run,
    open_database,
    record_event,
    set_status,
    write_step,
)
from tests.storage.samples import agent, message, new_run, one_of_each, order, trade
from tests.ui.conftest import visitor

CONFIG: dict[str, Any] = {
    "num_agents": 2,
    "max_rounds": 5,
    "environment_order": ["group_chat", "auction"],
    "environment_configs": {"group_chat": {}, "auction": {"institution": "lob"}},
    "llm_configs": [{"model": "stand-in"}],
    "agent_config": {"use_llm": True},
    "budget": {"max_cost": 2.5, "max_calls": None, "max_tokens": None},
}
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TURNED = "\u202eturned\u202c \x1b[31mred"
MEGABYTE = "x" * 1_000_000


@pytest.fixture
def going(database_url: str) -> Iterator[Database]:
    """A run ``run`` that goes on in this process, with a row in each table, seen to read only."""
    with open_database(database_url) as writing, new_run(writing, "run", config=CONFIG) as lease:
        write_step(lease, "rows", one_of_each())
        with open_database(database_url, read_only=True) as reading:
            yield reading


def text_of(page: httpx2.Response) -> str:
    """What can be read on a page."""
    assert page.status_code == 200, page.text
    visible = re.sub(r"<[^>]+>", " ", page.text)
    return " ".join(html.unescape(visible).split())


async def test_every_page_of_a_run_that_goes_on(going: Database) -> None:
    async with visitor(going) as visit:
        listed = text_of(await visit.get("/"))
        assert "running group_chat, auction stand-in 1 of 5 100.0% $0.00" in listed
        run = text_of(await visit.get("/runs/run"))
        for part in (
            "Round 1 of 5",
            "Trades 1",
            "of at most $2.50",
            "Good morning",
            "100.25",
            "Agents by profit",
        ):
            assert part in run
        steps = text_of(await visit.get("/runs/run/steps?at=3"))
        assert "3 of" in steps
        person = text_of(await visit.get("/runs/run/agents/agent_2"))
        assert "Ada 2" in person
        assert "10.25 over all rounds" in person
        assert "costs of apple 90.00" in person
        assert "Did the market work?" in text_of(await visit.get("/runs/run/report"))


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.BUDGET_EXHAUSTED, RunStatus.FAILED])
async def test_a_run_that_stopped_says_why_and_how_to_go_on(sqlite_url: str, status: RunStatus) -> None:
    with open_database(sqlite_url) as writing, new_run(writing, "run", config=CONFIG) as lease:
        set_status(lease, status, error="budget.max_cost is reached")
    with open_database(sqlite_url, read_only=True) as reading:
        async with visitor(reading, how_to_resume=lambda run: f"market-agents resume {run.run_id}") as visit:
            run = text_of(await visit.get("/runs/run"))
    assert "budget.max_cost is reached" in run
    assert "market-agents resume run" in run


async def test_a_run_whose_process_is_gone_is_interrupted(sqlite_url: str) -> None:
    with open_database(sqlite_url) as writing:
        new_run(writing, "run", config=CONFIG).release()
        async with visitor(writing) as visit:
            assert "interrupted" in text_of(await visit.get("/"))
            run = text_of(await visit.get("/runs/run"))
            assert "interrupted" in run
            assert "its process is gone" in run


async def test_a_report_is_the_one_that_is_written_with_its_baselines(database: Database) -> None:
    config = get_run(database, "one").config
    written = as_html(make_report(database, "one", baselines_of(config)))
    assert "zero intelligence" in written
    async with visitor(database) as visit:
        assert (await visit.get("/runs/one/report")).text == written


async def test_whatever_agents_say_is_text(sqlite_url: str) -> None:
    nasty = SCRIPT + TURNED
    rows: dict[str, list[Row]] = {
        "agents": [
            agent(
                1,
                "buyer",
                name=nasty,
                persona={nasty: [nasty, {nasty: nasty}], "long": MEGABYTE},
                llm_config=nasty,
            ),
            agent(2, nasty),
        ],
        "topics": [
            {
                "environment": "group_chat",
                "round": 1,
                "cohort_id": nasty,
                "topic": nasty,
                "proposer_id": nasty,
            }
        ],
        "messages": [
            message(1, nasty),
            message(2, MEGABYTE, cohort_id=nasty, recipient_id=nasty),
            message(3, "\n" * 50_000 + nasty, sender_id=nasty),
        ],
        "orders": [
            order(1, good=nasty),
            order(2, status="rejected", reject_reason=nasty, side=None, price=None),
        ],
        "trades": [trade(1, good=nasty, buyer_id=nasty, seller_id="agent_1")],
        "actions": [
            {
                "environment": "auction",
                "round": 1,
                "sub_round": 1,
                "agent_id": "agent_1",
                "seq": 1,
                "action": nasty,
                "content": {nasty: nasty},
                "verdict": nasty,
                "reason": nasty,
            }
        ],
    }
    with open_database(sqlite_url) as writing, new_run(writing, "run", config=CONFIG) as lease:
        write_step(lease, "rows", rows)
        record_event(lease, level="warning", kind="odd", message=nasty)
        async with visitor(writing) as visit:
            places = ["/", "/runs/run", "/runs/run/agents/agent_1", "/compare?run=run"]
            places += [f"/runs/run/steps?at={at}" for at in range(9)]
            for place in places:
                page = await visit.get(place)
                assert page.status_code == 200, place
                assert not re.search(r"<script(?! src=\"/static/)|<img", page.text), place
                assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\x00]", page.text), place
                assert len(page.content) < 200_000, f"{place} is too long to read"
            assert "alert(1)" in (await visit.get("/runs/run/agents/agent_1")).text, "it is shown, as text"


@pytest.mark.parametrize(
    "place",
    [
        "/runs/none",
        "/runs/" + "x" * 5000,
        "/runs/%00",
        "/runs/%F0%9F%99%82",
        "/runs/..%2f..%2fetc%2fpasswd",
        "/runs/one/agents/agent_99",
        "/runs/one/agents/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/runs/one'%20OR%201=1--",
        "/compare?run=one&run=none",
        "/nothing",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
    ],
)
async def test_what_is_not_there(database: Database, place: str) -> None:
    async with visitor(database) as visit:
        answer = await visit.get(place)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text
        assert len(answer.content) < 3000


@pytest.mark.parametrize(
    "value", ["0", "-1", "999999999999999999999", "1e3", "NaN", "%00", "²", "<script>", "1;2", ""]
)
async def test_numbers_in_an_address_come_into_their_range(database: Database, value: str) -> None:
    async with visitor(database) as visit:
        for place in (
            "/?page={0}",
            "/runs/one?rounds={0}&agents={0}",
            "/runs/one/steps?round={0}&at={0}&environment={0}&cohort={0}",
            "/runs/one/agents/agent_1?round={0}",
        ):
            assert (await visit.get(place.format(value))).status_code == 200


async def test_lists_are_paged(sqlite_url: str) -> None:
    people = [agent(number, "buyer") for number in range(1, 46)]
    with open_database(sqlite_url) as writing:
        for number in range(1, 31):
            with new_run(writing, f"run-{number:02d}", config=CONFIG) as lease:
                if number == 30:
                    write_step(lease, "people", {"agents": people})
        async with visitor(writing) as visit:
            first, second = text_of(await visit.get("/")), text_of(await visit.get("/?page=2"))
            assert "1–25 of 30" in first
            assert "run-30" in first
            assert "run-05" not in first
            assert "26–30 of 30" in second
            assert "run-05" in second
            shown = [text_of(await visit.get(f"/runs/run-30?agents={page}")) for page in (1, 2, 3)]
            found = [re.findall(r"agent_\d+", page) for page in shown]
            assert [len(ids) for ids in found] == [20, 20, 5]
            assert len({name for ids in found for name in ids}) == 45


async def test_what_is_known_of_a_round_grows_with_it(sqlite_url: str) -> None:
    """As in a fork: something of all rounds is there before the first one is recorded whole."""
    result = one_of_each()["auction_rounds"][0]
    with open_database(sqlite_url) as writing, new_run(writing, "run", config=CONFIG) as lease:
        async with visitor(writing) as visit:
            write_step(lease, "said", {"messages": [message(number, round=number) for number in range(1, 6)]})
            assert "Trades 0 5 messages" in text_of(await visit.get("/runs/run"))
            for number in range(1, 6):
                rows = [{**result, "round": number, "trades": number, "mean_price": Decimal(number)}]
                write_step(lease, f"r{number}/1.auction/s1", {"auction_rounds": rows})
                total = number * (number + 1) // 2
                assert f"Trades {total} {4 + number} messages" in text_of(await visit.get("/runs/run"))
                more = [message(10 + number, round=number)]
                write_step(lease, f"r{number}/end", {"messages": more})
                assert f"Trades {total} {5 + number} messages" in text_of(await visit.get("/runs/run"))


async def test_runs_beside_each_other(database: Database, played: str) -> None:
    async with visitor(database) as visit:
        alone = text_of(await visit.get("/compare?run=one"))
        assert "Choose two runs: one and another one." in alone
        twice = text_of(await visit.get("/compare?run=one&run=one"))
        assert "Choose two runs" in twice


async def test_nothing_that_a_visitor_does_changes_the_database(database: Database, played: str) -> None:
    from market_agents.storage import digest, tables

    before = digest(database, "one"), tables(database, "one")
    async with visitor(database) as visit:
        for place in ("/", "/runs/one", "/runs/one/steps", "/runs/one/agents/agent_1", "/compare?run=one"):
            assert (await visit.get(place)).status_code == 200
    assert (digest(database, "one"), tables(database, "one")) == before
