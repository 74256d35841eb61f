"""Exports: exact, whole or not there, and inert in a spreadsheet."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from pyarrow import parquet

from market_agents.errors import MarketAgentsError, RunRefused, UserError
from market_agents.storage import Database, Lease, export_run, fetch, tables, write_step
from market_agents.storage.dictionary import MEANINGS
from market_agents.storage.export import Format
from market_agents.storage.schema import metadata
from tests.storage.samples import message, new_run, one_of_each, trade

PAYLOADS = [
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'quoted",
    '=HYPERLINK("http://x","y")',
    'a,b\n"c"',
    "",
    "🙂",
]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_table_becomes_a_file(database: Database, lease: Lease, tmp_path: Path) -> None:
    write_step(lease, "r1", one_of_each())
    formats: tuple[Format, ...] = get_args(Format)
    for format_name in formats:
        folder = tmp_path / "new" / format_name
        files = export_run(database, "run", format_name, folder)
        names = [f"{name}.{format_name}" for name in metadata.tables]
        assert [path.name for path in files] == sorted([*names, "data_dictionary.csv"])
        assert sorted(folder.iterdir()) == files


def test_json_lines_give_every_value_back(database: Database, lease: Lease, tmp_path: Path) -> None:
    rows = one_of_each()
    rows["trades"] = [trade(1, price=Decimal("12345678.123456"), quantity=10**15, buyer_value=10**13)]
    write_step(lease, "r1", rows)
    with new_run(database, "other") as other:
        write_step(other, "r1", one_of_each())
    export_run(database, "run", "jsonl", tmp_path)
    for name in tables(database, "run"):
        lines = (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        found = [json.loads(line, parse_float=Decimal) for line in lines]
        stored = list(fetch(database, name, "run"))
        assert len(found) == len(stored)
        for exported, kept in zip(found, stored, strict=True):
            for column, value in kept.items():
                if isinstance(value, int | Decimal | str | None):
                    assert exported[column] == value, (name, column)
                elif isinstance(value, float):
                    assert float(exported[column]) == value
                elif column.endswith("_at"):
                    assert exported[column].endswith("+00:00")


def test_csv_is_exact_and_tells_null_from_empty(database: Database, lease: Lease, tmp_path: Path) -> None:
    write_step(
        lease,
        "r1",
        {"trades": [trade(1, price=Decimal("100.10"))], "messages": [message(1, "", request_key=None)]},
    )
    export_run(database, "run", "csv", tmp_path)
    [row] = read_csv(tmp_path / "trades.csv")
    assert (row["price"], row["quantity"], row["seller_cost"]) == ("100.1", "1", "90")
    text = (tmp_path / "messages.csv").read_text(encoding="utf-8")
    assert text.splitlines()[1].endswith(',"all","","{""sentiment"":""calm""}","2025-01-01T00:00:00Z",,,,,')


def test_text_that_looks_like_a_formula_is_disarmed_and_can_be_restored(
    database: Database, lease: Lease, tmp_path: Path
) -> None:
    write_step(lease, "r1", {"messages": [message(number, text) for number, text in enumerate(PAYLOADS)]})
    export_run(database, "run", "csv", tmp_path)
    cells = [row["content"] for row in read_csv(tmp_path / "messages.csv")]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == PAYLOADS
    assert cells[-2:] == ["", "🙂"]


def test_O03_an_export_that_breaks_leaves_the_old_file(
    database: Database, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_step(lease, "r1", one_of_each())
    folder = tmp_path / "out"
    export_run(database, "run", "csv", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    write_step(lease, "r2", {"trades": [trade(2)]})
    with pytest.raises(UserError, match="No space left on device"):
        export_run(database, "run", "csv", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_cannot_be_exported_is_refused(database: Database, lease: Lease, tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match="no run 'absent'"):
        export_run(database, "absent", "csv", tmp_path / "a")
    with pytest.raises(UserError, match="choose csv, jsonl, parquet"):
        export_run(database, "run", "xlsx", tmp_path / "a")  # type: ignore[arg-type]
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="choose another folder"):
        export_run(database, "run", "csv", tmp_path / "file")


def test_rows_are_fetched_by_table_and_run(database: Database, lease: Lease) -> None:
    write_step(lease, "r1", one_of_each())
    assert [row["order_id"] for row in fetch(database, "orders", "run")] == [1, 2]
    assert tables(database, "run")["orders"] == 2
    assert tables(database, "run")["llm_requests"] == 0
    with pytest.raises(MarketAgentsError, match="no table 'spells'; there are: acl_messages"):
        list(fetch(database, "spells", "run"))
    with pytest.raises(RunRefused):
        list(fetch(database, "orders", "absent"))
    with pytest.raises(RunRefused):
        tables(database, "absent")


def test_parquet_is_typed_and_exact(database: Database, lease: Lease, tmp_path: Path) -> None:
    rows = one_of_each()
    rows["trades"] = [trade(1, price=Decimal("12345678.123456"), quantity=10**15), trade(2)]
    rows["messages"] = [message(1, "🙂 =1+1", request_key=None)]
    write_step(lease, "r1", rows)
    export_run(database, "run", "parquet", tmp_path)
    for name in tables(database, "run"):
        found = parquet.read_table(tmp_path / f"{name}.parquet")
        stored = list(fetch(database, name, "run"))
        for exported, kept in zip(found.to_pylist(), stored, strict=True):
            for column, value in kept.items():
                if isinstance(value, dict | list):
                    assert json.loads(exported[column]) == value
                elif not isinstance(value, bool):
                    assert exported[column] == value or json.loads(exported[column]) == value, (name, column)
    prices = parquet.read_schema(tmp_path / "trades.parquet").field("price")
    assert str(prices.type) == "decimal128(20, 6)"
    assert prices.metadata[b"description"] == b"currency per unit"


def test_every_column_has_a_meaning(database: Database, lease: Lease, tmp_path: Path) -> None:
    export_run(database, "run", "csv", tmp_path)
    described = read_csv(tmp_path / "data_dictionary.csv")
    columns = [(table.name, column.name) for table in metadata.tables.values() for column in table.columns]
    assert sorted((row["table"], row["column"]) for row in described) == sorted(columns)
    assert [row for row in described if not row["meaning"] or not row["row"]] == []
    known = {(name, column) for name, meanings in MEANINGS.items() for column in meanings}
    assert known <= set(columns), "a meaning of a column that is not there"
    [price] = [row for row in described if (row["table"], row["column"]) == ("trades", "price")]
    assert (price["kind"], price["key"], price["optional"]) == ("amount", "no", "no")
