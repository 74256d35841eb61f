"""The files printed in docs/schedules.md run as they stand."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import MetaOrchestrator, load_config
from tests.end_to_end.stage import table

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text("utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("printed", FILES, ids=["one_good", "two_goods"])
def test_a_printed_file_runs_without_a_warning(
    tmp_path: Path, sqlite_url: str, printed: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(printed, "utf-8")
    result = MetaOrchestrator(load_config(file), database=sqlite_url, folder=tmp_path).run()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert (result.status, result.rounds, warnings) == ("completed", 4, [])
    markets = {row["good"]: row["trades"] for row in table(sqlite_url, "auction_rounds", result.run_id)}
    assert len(markets) == printed.count("schedule:")
    assert all(markets.values())
