"""The report: what it answers, that it needs nothing but itself, and that agents' words do nothing in it."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from market_agents.economics.reference_markets import MARKETS
from market_agents.experiments.baselines import zero_intelligence_baseline
from market_agents.reporting.report import decisions, make_report, minds, said
from market_agents.reporting.report.blocks import Data, Figure, Table, Text
from market_agents.reporting.report.market import market_section
from market_agents.reporting.report.page import as_html
from market_agents.reporting.report.records import Market, Regime, read_markets
from market_agents.storage import Row, RunStatus, open_database, set_status
from tests.end_to_end.stage import Ended, call, play, query
from tests.reporting.test_verbs import HOSTILE, stored
from tests.storage.samples import agent, message, new_run

FILE = "market_simulation.db"


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def figures(self) -> dict[str, list[dict[str, str]]]:
        """The files that can be taken along, read back, by name."""
        found = {}
        for link in self.all("a"):
            if "download" in link:
                content = base64.b64decode(link["href"].removeprefix("data:text/csv;charset=utf-8;base64,"))
                found[link["download"]] = list(csv.DictReader(io.StringIO(content.decode())))
        return found


def reported(folder: Path, run_id: str, *more: str) -> Ended:
    return call(folder, "report", run_id, *more)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a finished run of the shipped configuration and its report, and the run's id."""
    folder = tmp_path_factory.mktemp("report")
    result = play(folder, f"sqlite:///{folder / FILE}", {"max_rounds": 3})
    ended = reported(folder, result.run_id)
    assert (ended.code, ended.err) == (0, "")
    return folder, result.run_id


@pytest.fixture(scope="module")
def page(played: tuple[Path, str]) -> Page:
    return Page((played[0] / "report.html").read_text(encoding="utf-8"))


def test_it_answers_the_questions_in_order(page: Page) -> None:
    assert [section["id"] for section in page.all("section")] == [
        "run",
        "market",
        "talk",
        "minds",
        "trouble",
        "again",
    ]
    for told in (
        "offline is a rule-based stand-in",
        "rounds of group_chat, then auction",
        "digest",
        "replay",
    ):
        assert told in page.text


def test_it_needs_no_network_no_script_and_no_other_file(page: Page, played: tuple[Path, str]) -> None:
    source = (played[0] / "report.html").read_text(encoding="utf-8")
    assert not page.all("script")
    assert not page.all("link")
    addresses = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in {"src", "href"}
    ]
    assert all(address.startswith(("#", "data:text/csv")) for address in addresses)
    assert set(re.findall(r"https?://[^\"' )]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert str(Path.home()) not in source
    assert str(played[0]) not in source


def test_every_figure_has_words_source_and_data(page: Page) -> None:
    pictures = [tag for tag in page.all("div") if tag.get("role") == "img"]
    assert len(pictures) == len(page.all("svg")) >= 8
    assert all(len(picture["aria-label"]) > 20 for picture in pictures)
    assert len(page.figures()) == len(page.all("figure"))
    assert page.text.count("Source: ") >= len(page.all("figure"))
    assert all(rows for rows in page.figures().values())


def test_its_figures_are_those_of_the_tables(page: Page, played: tuple[Path, str]) -> None:
    folder, run_id = played
    url = f"sqlite:///{folder / FILE}"
    files = page.figures()
    rounds = query(url, f"SELECT * FROM auction_rounds WHERE run_id = '{run_id}' ORDER BY round")
    shown = files["efficiency_auction_strawberry.csv"]
    assert [float(row["efficiency"]) for row in shown] == [row["efficiency"] for row in rounds]
    assert all(0.9 < float(row["efficiency_zero_intelligence"]) <= 1 for row in shown)
    prices = [float(row["price"]) for row in files["prices_auction_strawberry.csv"]]
    assert prices == [row["price"] for row in query(url, "SELECT price FROM trades ORDER BY trade_id")]
    [earned] = query(url, "SELECT SUM(buyer_surplus + seller_surplus) AS surplus FROM trades")
    profits = sum(float(row["profit"]) for row in files["profits.csv"])
    assert profits == pytest.approx(earned["surplus"])
    [said] = query(url, "SELECT COUNT(*) AS messages FROM messages")
    assert sum(int(row["messages"]) for row in files["speakers.csv"]) == said["messages"]


def test_the_same_run_gives_the_same_report(page: Page, played: tuple[Path, str]) -> None:
    folder, run_id = played
    before = (folder / "report.html").read_bytes()
    assert reported(folder, run_id, "-o", "again.html").code == 0
    assert (folder / "again.html").read_bytes() == before


def test_what_agents_wrote_is_text_and_nothing_else(tmp_path: Path) -> None:
    words = HOSTILE + "</pre></details><img src=x onerror=alert(1)>\n$x^2$ {{ 7*7 }}"
    config = {
        "num_agents": 2,
        "max_rounds": 1,
        "environment_order": ["group_chat"],
        "agent_config": {"good_name": words},
        "environment_configs": {"group_chat": {"type": None, "turns": "simultaneous"}},
    }
    rows: dict[str, Sequence[Row]] = {
        "agents": [agent(1, "buyer", name=words), agent(2, "seller", llm_config=words)],
        "cohorts": [
            {"environment": "group_chat", "round": 1, "cohort_id": "cohort_1", "agent_id": f"agent_{number}"}
            for number in (1, 2)
        ],
        "topics": [{"environment": "group_chat", "round": 1, "cohort_id": "cohort_1", "topic": words}],
        "messages": [message(1, words), message(2, words, sender_id="agent_2")],
        "reflections": [
            {
                "environment": "group_chat",
                "round": 1,
                "sub_round": 1,
                "agent_id": "agent_1",
                "reflection": words,
                "self_critique": words,
                "strategy_update": words,
            }
        ],
    }
    stored(tmp_path, rows, config=config)
    ended = reported(tmp_path, "run")
    assert (ended.code, ended.err) == (0, "")
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    assert not page.all("script")
    assert not page.all("img")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert "<script>alert(1)</script>" in page.text, "shown as it was written"
    assert "{{ 7*7 }}" in page.text
    assert all(
        not cell.startswith(("=", "+", "@"))
        for rows in page.figures().values()
        for row in rows
        for cell in row.values()
    )


def test_words_in_a_table_are_one_calm_line() -> None:
    table = Table(
        "names",
        "",
        Data(("name", "share", "count"), [(f"{HOSTILE}\n\u202e\x1b[2J", 0.125, 1234)]),
        shares=("share",),
    )
    [(name, share, count)] = table.shown()
    assert not {"\n", "\u202e", "\x1b"} & set(name)
    assert len(name) <= 300
    assert (share, count) == ("12.5%", "1,234")


@pytest.mark.parametrize(
    ("values", "costs", "why"),
    [
        ([], [5], "There was no demand"),
        ([5], [], "There was no supply"),
        ([4], [5], "No trade could gain: the highest value is not above the lowest cost"),
    ],
)
def test_where_nothing_could_be_gained_the_report_says_why(
    values: list[int], costs: list[int], why: str
) -> None:
    regime = Regime("auction", "apple", 1, 1, (tuple(map(Decimal, values)),), (tuple(map(Decimal, costs)),))
    section = market_section([Market("auction", "apple", [outcome_of(1)], [regime])], [], {})
    [summary] = [block.text for block in section.blocks if isinstance(block, Text)]
    assert summary.startswith(f"auction: nobody traded apple in 1 round. {why}")
    drawn = {block.name for block in section.blocks if isinstance(block, Figure)}
    assert drawn == {"supply_and_demand_auction_apple_1"}, "no picture is empty"


def test_markets_of_one_good_are_told_together_too() -> None:
    first = Market(
        "chat", "apple", [outcome_of(1, realized_surplus=3, maximum_surplus=10, efficiency=0.3)], []
    )
    second = Market(
        "auction", "apple", [outcome_of(1, realized_surplus=4, maximum_surplus=10, efficiency=0.4)], []
    )
    other = Market(
        "pears", "pear", [outcome_of(1, realized_surplus=1, maximum_surplus=1, efficiency=1.0)], []
    )
    together, *_ = [
        block.text
        for block in market_section([first, second, other], [], {}).blocks
        if isinstance(block, Text)
    ]
    assert together.startswith("chat and auction trade the same units of apple")
    assert "70.0% together" in together


def test_markets_stand_in_the_order_of_the_run(tmp_path: Path) -> None:
    rows = [
        {**outcome_of(1), "environment": name, "good": "apple", "realized_surplus": Decimal(0)}
        for name in ("alpha", "zulu")
    ]
    stored(tmp_path, {"auction_rounds": rows}, config={"environment_order": ["zulu", "alpha"]})
    with open_database(str(tmp_path / FILE), create=False) as database:
        assert [market.environment for market in read_markets(database, "run")] == ["zulu", "alpha"]


def outcome_of(number: int, **changes: object) -> Row:
    """A row of ``auction_rounds`` in which nothing happened."""
    nothing = dict.fromkeys(
        (
            "mean_price", "equilibrium_price_low", "equilibrium_price_high", "efficiency", "smith_alpha",
            "profit_dispersion", "intramarginal_loss_buyers", "intramarginal_loss_sellers",
            "extramarginal_loss_buyers", "extramarginal_loss_sellers", "realized_surplus", "maximum_surplus",
        )
    )  # fmt: skip
    return {**nothing, "round": number, "trades": 0, "volume": 0, **changes}


def test_O01_a_run_that_has_not_ended_is_marked(tmp_path: Path) -> None:
    stored(
        tmp_path,
        {"agents": [agent(1, "buyer")]},
        config={"num_agents": 1, "max_rounds": 9, "environment_order": ["auction"]},
    )
    assert reported(tmp_path, "run").code == 0
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "This run is interrupted: the report covers what is stored so far." in page.text
    assert "market-agents resume run" in page.text
    assert "No market was held, or none is stored yet." in page.text
    assert "Nobody talked, or nothing is stored yet." in page.text


def test_a_run_without_models(tmp_path: Path) -> None:
    changes = {"environment_order": ["auction"], "agent_config.use_llm": False, "max_rounds": 2}
    result = play(tmp_path, f"sqlite:///{tmp_path / FILE}", changes)
    assert reported(tmp_path, result.run_id).code == 0
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "zi_c (10 agents)" in page.text
    assert "rule-based stand-in" not in page.text
    assert "No mind was asked" in page.text


def test_markdown_has_its_pictures_beside_it(played: tuple[Path, str]) -> None:
    folder, run_id = played
    assert reported(folder, run_id, "--format", "md", "-o", "paper.md").code == 0
    text = (folder / "paper.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\((paper_files/[^)]+)\)", text)
    assert len(named) >= 20
    assert all((folder / name).stat().st_size for name in named)
    assert "## Did the market work?" in text
    assert (folder / "paper_files" / "efficiency_auction_strawberry.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nope"], "there is no run 'nope'"), (["RUN", "-o", "nowhere/report.html"], "choose another with -o")],
)
def test_O02_what_cannot_be_written_is_told(
    played: tuple[Path, str], arguments: list[str], told: str
) -> None:
    folder, run_id = played
    ended = reported(folder, *[run_id if word == "RUN" else word for word in arguments])
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    config = {"num_agents": 1, "max_rounds": 1, "environment_order": ["auction"]}
    with (
        open_database(f"sqlite:///{tmp_path / FILE}") as database,
        new_run(database, "run", config=config) as lease,
    ):
        set_status(lease, RunStatus.FAILED, error="most asks had no answer")
    assert reported(tmp_path, "run").code == 0
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "This run is failed" in text
    assert "most asks had no answer" in text


def test_zero_intelligence_in_a_market_of_the_literature() -> None:
    values, costs = ([[Decimal(unit) for unit in trader] for trader in side] for side in MARKETS["A"])
    baseline = zero_intelligence_baseline(values, costs, tick=Decimal(1))
    assert baseline is not None
    assert baseline.efficiency == pytest.approx(0.96, abs=0.03)
    assert zero_intelligence_baseline([], costs, tick=Decimal(1)) is None


def test_where_all_is_worth_nothing_zero_intelligence_gains_nothing() -> None:
    baseline = zero_intelligence_baseline([[Decimal(0)]], [[Decimal(0)]], tick=Decimal("0.01"))
    assert baseline is not None
    assert (baseline.efficiency, baseline.alpha) == (None, None)


def test_each_decision_is_told_from_prompt_to_profit(page: Page, played: tuple[Path, str]) -> None:
    for told in (
        "Round 1, from prompt to profit",
        "Round 3, from prompt to profit",
        "raw answer:",
        "prompt (system):",
    ):
        assert page.text.count(told) >= 10
    assert page.text.count("profit of the round: ") == 3 * 10
    assert f"market-agents trace {played[1]} --agent agent_10 --round 3" in page.text


def test_what_it_costs_does_not_grow_with_the_run(
    played: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for little, the newest round is told from prompt to profit, and talk and thoughts of few."""
    folder, run_id = played
    monkeypatch.setattr(said, "MOST_MESSAGES", 1)
    monkeypatch.setattr(minds, "MOST_THOUGHTS", 1)
    monkeypatch.setattr(minds, "MOST_PAGES", 4)
    monkeypatch.setattr(decisions, "MOST_CHARACTERS", 4 * 2_000)
    with open_database(f"sqlite:///{folder / FILE}") as database:
        text = Page(as_html(make_report(database, run_id))).text
    assert "of 1 of 3 rounds" in text
    assert "Thoughts of 1 of 3 rounds are told" in text
    assert "Every decision of round 3 can be followed" in text
    assert "The first 4 of 10 agents have a page here." in text
    assert "round 3, group_chat saw: " in text
    assert "round 1, group_chat saw: " not in text
    assert "characters more are told by the command above" in text
    assert "group_chat, round 3, cohort_1: transcript" in text
    assert "group_chat, round 1, cohort_1: transcript" not in text
