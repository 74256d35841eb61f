"""The report on paper, read back from the file."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import Destination

from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.reporting.report import write_report
from market_agents.reporting.report.blocks import (
    Data,
    Facts,
    Figure,
    Folded,
    Lines,
    Report,
    Section,
    Table,
    Text,
)
from market_agents.reporting.report.charts import BLUE, Chart
from market_agents.reporting.report.pdf import as_pdf

HOSTILE = '<script>alert(1)</script> <img src="http://127.0.0.1:9/x"> {{ 7*7 }} $x^2$'


def report(rows: int = 200) -> Report:
    chart = Chart("round", "price, currency")
    chart.line([(1, 10.0), (2, 20.0)], BLUE, "mean of the round")
    data = Data(("round", "price"), [(number, number / 2) for number in range(1, rows + 1)])
    figure = Figure("prices", "Prices. Source: trades.", "Prices rose.", chart.svg(), data)
    table = Table("rounds", "Rounds. Source: auction_rounds.", data, most=rows)
    configuration = Folded("The whole configuration", (Lines("{}"),))
    talks = [Folded(f"cohort_{number}", (Lines("x" * 9_000),)) for number in range(9)]
    agent = Folded("agent_1", (Lines(HOSTILE), Folded("Round 1", (Lines("deep"),))))
    return Report(
        title="MarketAgents run paper",
        notice="This run is interrupted.",
        sections=(
            Section("run", "What was run?", (Facts((("seed", "42"),)), configuration)),
            Section("market", "Did the market work?", (Text("It did."), figure, table)),
            Section("talk", "What was said?", talks),
            Section("minds", "How did they think?", (agent,)),
        ),
    )


@pytest.fixture(scope="module")
def paper() -> PdfReader:
    return PdfReader(io.BytesIO(as_pdf(report())))


@pytest.fixture(scope="module")
def texts(paper: PdfReader) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in paper.pages]


def test_its_words_can_be_selected_and_searched(texts: list[str]) -> None:
    whole = " ".join(texts)
    for told in (
        "MarketAgents run paper",
        "This run is interrupted.",
        "seed 42",
        "price, currency",
        "mean of the round",
    ):
        assert told in whole
    assert "alert(1)" in whole, "agents' words are words"
    assert "{{ 7*7 }}" in whole


def test_pages_are_numbered_and_named(texts: list[str]) -> None:
    assert len(texts) > 5
    for number, text in enumerate(texts, 1):
        assert f"{number} / {len(texts)}" in text
    assert all("MarketAgents run paper" in text for text in texts)


def test_the_head_of_a_table_is_on_each_of_its_pages(texts: list[str]) -> None:
    pages = [
        text
        for text in texts
        if any(f" {number} {number / 2:.2f} " in f"{text} " for number in (1, 100, 200))
    ]
    assert len(pages) >= 3
    assert all("round price" in text for text in pages)


def test_bookmarks_lead_to_sections_and_folded_parts(paper: PdfReader) -> None:
    def titles(entries: object) -> list[str]:
        assert isinstance(entries, list)
        found: list[str] = []
        for entry in entries:
            found += [str(entry.title)] if isinstance(entry, Destination) else titles(entry)
        return found

    assert titles(paper.outline)[1:4] == ["What was run?", "The whole configuration", "Did the market work?"]


def test_what_is_too_long_for_paper_is_named(texts: list[str]) -> None:
    whole = " ".join(texts)
    assert "3 further parts are in the HTML report." in whole
    assert "Prompts and answers are in the HTML report" in whole
    assert "deep" not in whole


def test_the_same_report_gives_the_same_file() -> None:
    short = report(rows=3)
    assert as_pdf(short) == as_pdf(short)


def test_without_the_extra_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UserError, match=re.escape(install_command("pdf"))):
        write_report(Report("t", "", (Section("a", "A", (Text("x"),)),)), tmp_path / "r.pdf", "pdf")
    assert not list(tmp_path.iterdir())


def test_without_the_systems_library_it_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "weasyprint.py").write_text('raise OSError("cannot load library libpango-1.0-0")\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    with pytest.raises(UserError, match="apt install libpango"):
        as_pdf(report(rows=1))
