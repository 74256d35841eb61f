"""Listing, showing, deleting and exporting runs, and looking after the database."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.end_to_end.stage import call, change, play, query

TABLES = {
    "runs",
    "agents",
    "orders",
    "trades",
    "ledger",
    "messages",
    "llm_requests",
    "auction_rounds",
    "reflections",
}


@pytest.fixture
def url(finished: Cli) -> str:
    """The address of the finished run's database."""
    return f"sqlite:///{finished.folder / 'market_simulation.db'}"


def test_runs_are_listed_latest_first(finished: Cli) -> None:
    assert finished("run", "--run-id", "two", "--quiet", "--seed", "99").code == 0
    for words in (["runs"], ["runs", "list"]):
        lines = finished(*words).out.splitlines()
        assert [line.split()[0] for line in lines[2:]] == ["two", "one"]
        assert lines[2].split()[1] == "completed"
        assert lines[2].endswith("99")


def test_no_runs_yet(cli: Cli) -> None:
    assert cli("db", "upgrade").code == 0
    assert cli("runs").out.startswith("no runs in sqlite:///")


def test_one_run_is_shown_with_what_it_came_to(finished: Cli) -> None:
    shown = finished("runs", "show", "one")
    assert shown.code == 0
    for part in ("run one: completed, seed 7", "round  trades", "agent_1"):
        assert part in shown.out
    assert "go on with" not in shown.out


@pytest.mark.parametrize("status", ["interrupted", "budget_exhausted", "running"])
def test_a_run_that_did_not_end_shows_how_to_go_on(finished: Cli, url: str, status: str) -> None:
    change(url, f"UPDATE runs SET status = '{status}', error = 'because of this'")
    shown = finished("runs", "show", "one")
    seen = "interrupted" if status == "running" else status
    assert f"run one: {seen}" in shown.out
    assert "because: because of this" in shown.out
    assert shown.out.rstrip().endswith("resume one")


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("yes\n", 0, 0), ("no\n", 2, 1), ("", 2, 1), ("y\n", 2, 1)]
)
def test_deleting_asks_first(finished: Cli, url: str, answer: str, code: int, left: int) -> None:
    done = finished("runs", "delete", "one", said=answer)
    assert done.code == code
    assert "Delete run one and all its rows" in done.err
    assert len(query(url, "SELECT * FROM runs")) == left
    assert bool(query(url, "SELECT * FROM trades")) == bool(left)


def test_deleting_with_yes_asks_nothing_and_spares_other_runs(finished: Cli, url: str) -> None:
    assert finished("run", "--run-id", "two", "--quiet").code == 0
    before = finished("digest", "two").out
    done = finished("runs", "delete", "one", "--yes")
    assert (done.code, done.out, done.err) == (0, "run one is deleted\n", "")
    assert {row["run_id"] for row in query(url, "SELECT run_id FROM ledger")} == {"two"}
    assert finished("digest", "two").out == before
    assert finished("runs", "delete", "one", "--yes").code == 2


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_every_table_is_exported(finished: Cli, url: str, format_: str) -> None:
    done = finished("export", "one", "--format", format_, "-o", "out")
    assert done.code == 0
    files = {path.stem: path for path in (finished.folder / "out").iterdir()}
    meanings = files["data_dictionary"].name
    assert (
        done.out
        == f"run one is in out: {len(files) - 1} tables, and {meanings} tells what each column means\n"
    )
    assert set(files) >= TABLES
    for name in TABLES:
        text = files[name].read_text(encoding="utf-8")
        rows = (
            list(csv.DictReader(text.splitlines()))
            if format_ == "csv"
            else [json.loads(line) for line in text.splitlines()]
        )
        stored = query(url, f"SELECT * FROM {name}")
        assert len(rows) == len(stored) > 0, name
        assert set(rows[0]) == set(stored[0])


def test_an_export_over_an_earlier_one_replaces_it(finished: Cli) -> None:
    for _ in range(2):
        assert finished("export", "one", "-o", "out").code == 0
    lines = (finished.folder / "out" / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2


def test_the_digest_is_one_line_and_stays(finished: Cli) -> None:
    first, second = finished("digest", "one").out, finished("digest", "one").out
    assert first == second
    assert len(first) == 65
    assert set(first.strip()) <= set("0123456789abcdef")


def test_the_database_is_made_and_checked(cli: Cli) -> None:
    assert cli("db", "check").code == 2
    made = cli("db", "upgrade")
    assert made.code == 0
    assert "up to date" in made.out
    checked = cli("db", "check")
    assert checked.code == 0
    assert checked.out == made.out
    url = f"sqlite:///{cli.folder / 'market_simulation.db'}"
    change(url, "UPDATE market_agents_schema SET version_num = '9999'")
    for words in (["db", "check"], ["db", "upgrade"], ["runs"]):
        refused = cli(*words)
        assert refused.code == 2
        assert len(refused.complaints) == 1
        assert "9999" in refused.complaints[0]


def test_runs_side_by_side(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    first = play(tmp_path, url, {"max_rounds": 2})
    other = play(tmp_path, url, {"max_rounds": 2, "environment_configs.auction.institution": "lob"})
    compared = call(tmp_path, "runs", "compare", first.run_id, other.run_id, "--json")
    one, two = json.loads(compared.out)
    [efficiency] = query(
        url, f"SELECT AVG(efficiency) AS mean FROM auction_rounds WHERE run_id = '{first.run_id}'"
    )
    assert one["efficiency"] == pytest.approx(efficiency["mean"])
    assert one["differences"] == []
    assert two["differences"] == ["environment_configs.auction.institution: 'midpoint' -> 'lob'"]
    shown = call(tmp_path, "runs", "compare", first.run_id, other.run_id)
    assert "environment_configs.auction.institution: 'midpoint' -> 'lob'" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_a_comparison_takes_two_runs_that_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    run = play(
        tmp_path, url, {"max_rounds": 1, "environment_order": ["auction"], "agent_config.use_llm": False}
    )
    assert "takes 2 to" in call(tmp_path, "runs", "compare", run.run_id).err
    assert "there is no run 'nope'" in call(tmp_path, "runs", "compare", run.run_id, "nope").err
    assert "goes with `compare`" in call(tmp_path, "runs", "show", run.run_id, "--json").err
