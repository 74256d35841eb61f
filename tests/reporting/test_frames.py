"""Runs as data frames, as a notebook asks for them."""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import market_agents
from market_agents import load_run
from market_agents.errors import RunRefused, UserError
from market_agents.extras import install_command
from market_agents.storage import open_database, tables, write_step
from tests.end_to_end.stage import play, query
from tests.storage.samples import message, new_run, one_of_each, trade


def test_a_run_as_data_frames(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    result = play(tmp_path, url)
    run = market_agents.load_run(result.run_id, folder=tmp_path)
    assert (run.run_id, run.status, run.seed) == (result.run_id, "completed", 42)
    assert run.config["num_agents"] == 10
    efficiency = run.auction_rounds.set_index("round")["efficiency"]
    [first] = query(url, "SELECT efficiency FROM auction_rounds WHERE round = 1")
    assert efficiency[1] == first["efficiency"]
    surplus = run.trades["buyer_surplus"].sum() + run.trades["seller_surplus"].sum()
    assert surplus == pytest.approx(run.auction_rounds["realized_surplus"].sum())
    said = run.messages.merge(run.agents[["agent_id", "role"]], left_on="sender_id", right_on="agent_id")
    assert set(said["role"]) == {"buyer", "seller"}
    assert run.trades is run.trades, "a table is read once"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with a run that holds one row of each table."""
    address = f"sqlite:///{tmp_path / 'some.db'}"
    rows = one_of_each()
    rows["trades"] = [trade(1, price=Decimal("100.25")), trade(2)]
    rows["messages"] = [message(1, request_key=None)]
    with open_database(address) as database, new_run(database, "run") as lease:
        write_step(lease, "r1", rows)
    return address


def test_columns_are_typed_even_where_there_are_no_rows(url: str, tmp_path: Path) -> None:
    with open_database(url) as database:
        with new_run(database, "empty"):
            pass
        counts = tables(database, "run")
    full, empty = load_run("run", url, tmp_path), load_run("empty", url, tmp_path)
    for name in full.tables:
        assert len(full.table(name)) == counts[name]
        if name != "runs":
            assert list(full.table(name).dtypes) == list(empty.table(name).dtypes), name
    assert full.trades["price"].tolist()[0] == 100.25
    assert full.trades["quantity"].dtype == pd.Int64Dtype()
    assert full.messages["request_key"].isna().all()
    assert isinstance(full.messages["metadata"][0], dict)
    assert str(full.runs["started_at"].dtype) == "datetime64[us, UTC]"
    assert full.runs["finished_at"].isna().all()


def test_what_is_not_there_is_told(url: str, tmp_path: Path) -> None:
    run = load_run("run", url, tmp_path)
    assert "trades" in dir(run)
    with pytest.raises(AttributeError, match=r"no table 'trade'; tables are acl_messages, .*, trades"):
        run.trade  # noqa: B018  (looking is the act)
    with pytest.raises(UserError, match="no table"):
        run.table("sqlite_master")
    with pytest.raises(RunRefused, match="no run 'nope'"):
        load_run("nope", url, tmp_path)
    with pytest.raises(UserError, match="there is no"):
        load_run("run", f"sqlite:///{tmp_path / 'missing.db'}", tmp_path)


def test_without_pandas_the_extra_is_named(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = load_run("run", url, tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=re.escape(install_command("analysis"))):
        run.table("trades")
