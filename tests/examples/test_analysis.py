"""The notebook: runs from top to bottom, shows what the tables hold, and is shipped without results."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

pd = pytest.importorskip("pandas")

NOTEBOOK = Path(__file__).parents[2] / "examples" / "analysis.ipynb"


def cells() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return loaded


async def play(sources: list[str], names: dict[str, Any]) -> list[Any]:
    """What each cell shows, its last expression; cells may await, as in a notebook."""
    shown = []
    for number, source in enumerate(sources, 1):
        tree = ast.parse(source, f"cell {number}")
        last = tree.body[-1]
        if isinstance(last, ast.Expr):
            tree.body[-1] = ast.fix_missing_locations(
                ast.copy_location(ast.Assign([ast.Name("_shown", ast.Store())], last.value), last)
            )
        made = eval(compile(tree, f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(made):
            await made
        shown.append(names.pop("_shown", None))
    return shown


def test_it_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    for name in ("DATABASE_URL", "DB_USER", "DB_HOST", "DB_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(NOTEBOOK.parent)
    mpl.use("Agg")
    names: dict[str, Any] = {}
    plt.close("all")  # whatever other tests of this process left open
    try:
        asyncio.run(play(["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"], names))
        assert len(plt.get_fignums()) == 2
    finally:
        plt.close("all")
    talking, silent = names["talking"], names["silent"]
    assert (talking.status, silent.status) == ("completed", "completed")
    assert names["earned"]["profit"].sum() == pytest.approx(
        (talking.trades["buyer_surplus"] + talking.trades["seller_surplus"]).sum()
    )
    assert len(names["earned"]) == 10
    assert names["words"]["named in talk"].notna().all()
    comparison = names["comparison"]
    assert comparison.loc["messages"].tolist() == [len(talking.messages), 0]
    assert comparison.loc["efficiency"].between(0, 1).all()
    assert len(names["efficiency"]) == 8


def test_it_is_shipped_without_results() -> None:
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells())
    assert NOTEBOOK.stat().st_size < 30_000
