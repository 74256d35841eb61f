"""``market-agents markets``: what it shows is what is stored, in tables that fit and in JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.end_to_end.stage import query

CONTINUOUS = (
    "--set",
    "environment_configs.auction.institution=lob",
    "--set",
    "environment_configs.auction.sub_rounds=3",
)


@pytest.fixture
def traded(small: Cli) -> Cli:
    """After a run of four rounds in a continuous market."""
    done = small(
        "run", "--run-id", "one", "--quiet", "--set", "max_rounds=4", "--set", "num_agents=10", *CONTINUOUS
    )
    assert done.code == 0, done.err
    return small


def test_json_has_every_stored_round(traded: Cli, tmp_path: Path) -> None:
    told = json.loads(traded("markets", "one", "--json").out)
    assert told["run_id"] == "one"
    (market,) = told["markets"]
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    stored = query(url, "SELECT * FROM auction_rounds ORDER BY round")
    assert (market["environment"], market["good"]) == ("auction", "strawberry")
    assert len(market["rounds"]) == len(stored) == 4
    for row, given in zip(stored, market["rounds"], strict=True):
        assert given == {name: row[name] for name in row.keys() - {"run_id", "environment", "good"}}


def test_deviations_by_trade_number_are_from_each_rounds_equilibrium(traded: Cli, tmp_path: Path) -> None:
    (market,) = json.loads(traded("markets", "one", "--json").out)["markets"]
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    squares: list[list[float]] = []
    for row in query(url, "SELECT * FROM auction_rounds"):
        price = (row["equilibrium_price_low"] + row["equilibrium_price_high"]) / 2
        trades = query(url, f"SELECT price FROM trades WHERE round = {row['round']} ORDER BY trade_id")
        squares.append([(trade["price"] - price) ** 2 for trade in trades])
    first = (sum(of_round[0] for of_round in squares) / 4) ** 0.5
    assert market["rmsd_by_trade_number"][0] == pytest.approx(first)
    reached = sorted(map(len, squares))
    assert len(market["rmsd_by_trade_number"]) == reached[2]


def test_tables_fit_a_terminal_and_show_every_round(traded: Cli) -> None:
    shown = traded("markets", "one")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "auction: strawberry"
    for number in "1234":
        assert sum(line.split()[:1] == [number] for line in lines) == 2
    assert "nan" not in shown.out.lower()
    assert "RMSD from the equilibrium price" in shown.out
    for column in ("P0", "in", "ex", "disp.", "gini", "rank", "late"):
        assert re.search(rf"^(.*\W)?{re.escape(column)}[:,]", shown.out, re.MULTILINE), (
            f"{column} is not explained"
        )


def test_what_is_not_defined_is_a_dash(small: Cli) -> None:
    # A reserve so low that nobody can sell leaves a round without trades.
    done = small("run", "--run-id", "one", "--quiet", "--set", "environment_configs.auction.max_price=1")
    assert done.code == 0, done.err
    out = small("markets", "one").out
    row = next(line.split() for line in out.splitlines() if line.startswith("1 "))
    assert row[:4] == ["1", "0", "–", "–"]
    assert "its slope: – a trade" in out
    assert json.loads(small("markets", "one", "--json").out)["markets"][0]["rmsd_slope"] is None


def test_runs_show_says_where_the_measures_are(finished: Cli) -> None:
    (line,) = [
        line for line in finished("runs", "show", "one").out.splitlines() if line.startswith("every measure")
    ]
    assert line.endswith("markets one")


@pytest.mark.parametrize(
    ("words", "told"),
    [(["two"], "there is no run 'two'"), (["one"], "run one has no round of a market yet")],
)
def test_mistakes_are_told_in_a_line(small: Cli, words: list[str], told: str) -> None:
    assert small("run", "--run-id", "one", "--quiet", "--environments", "group_chat").code == 0
    done = small("markets", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.complaints[0]
    assert "every measure" not in small("runs", "show", "one").out
