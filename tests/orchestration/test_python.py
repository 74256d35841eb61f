"""Runs started from Python, as the README shows them, and the files that are shipped."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest

import market_agents
from market_agents import MetaOrchestrator, load_config
from market_agents.errors import ConfigError, RunRefused, UserError
from market_agents.meta_orchestrator import Start, new_run_id
from tests.end_to_end.stage import ROOT, SHIPPED, fingerprint, table

SMALL: list[tuple[str, object]] = [("num_agents", 4), ("max_rounds", 1)]
FILES = [SHIPPED, *sorted((ROOT / "configs").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_load_without_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = load_config(path)
    assert config.num_agents > 0
    assert caplog.records == []


def test_every_key_of_the_shipped_file_is_explained() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    assert sum("default" in line for line in lines) > 30


def test_run_from_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = MetaOrchestrator(load_config(SHIPPED, SMALL)).run()
    assert result.status == "completed"
    assert (result.rounds, result.seed) == (1, 42)
    url = f"sqlite:///{tmp_path / 'market_simulation.db'}"
    assert result.database == url
    assert table(url, "runs", result.run_id)[0]["status"] == "completed"
    assert len(table(url, "llm_requests", result.run_id)) == result.asks


async def test_run_inside_a_running_loop(tmp_path: Path, sqlite_url: str) -> None:
    orchestrator = MetaOrchestrator(load_config(SHIPPED, SMALL), database=sqlite_url, folder=tmp_path)
    result = await orchestrator.run_simulation()
    assert result.status == "completed"


async def test_two_runs_in_one_loop_decide_the_same(tmp_path: Path, sqlite_url: str) -> None:
    results = [
        await MetaOrchestrator(
            load_config(SHIPPED, SMALL), database=sqlite_url, folder=tmp_path
        ).run_simulation()
        for _ in range(2)
    ]
    assert results[0].run_id != results[1].run_id
    assert len({fingerprint(sqlite_url, result.run_id) for result in results}) == 1


def test_several_runs_one_after_another_in_one_process(tmp_path: Path, sqlite_url: str) -> None:
    for number in range(3):
        start = Start(run_id=f"r{number}")
        config = load_config(SHIPPED, SMALL)
        assert (
            MetaOrchestrator(config, start=start, database=sqlite_url, folder=tmp_path).run().run_id
            == f"r{number}"
        )


def test_the_result_is_json_ready(tmp_path: Path, sqlite_url: str) -> None:
    result = MetaOrchestrator(load_config(SHIPPED, SMALL), database=sqlite_url, folder=tmp_path).run()
    assert json.loads(json.dumps(result.as_dict()))["run_id"] == result.run_id


def test_the_library_is_silent(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test of this process may have used the command line, which adds handlers; a program has none.
    monkeypatch.setattr(logging.getLogger("market_agents"), "handlers", [])
    MetaOrchestrator(load_config(SHIPPED, SMALL), database=sqlite_url, folder=tmp_path).run()
    assert capfd.readouterr() == ("", "")


def test_mistakes_are_exceptions_with_their_place(tmp_path: Path, sqlite_url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(SHIPPED, [("num_agents", 0), ("max_rounds", "x")])
    assert len(caught.value.mistakes) == 2
    for start, kind, words in (
        (Start(run_id="../x"), UserError, "no run id"),
        (Start(run_id="gone", resume=True), RunRefused, "there is no run 'gone'"),
    ):
        config = load_config(SHIPPED, SMALL)
        orchestrator = MetaOrchestrator(config, start=start, database=sqlite_url, folder=tmp_path)
        with pytest.raises(kind, match=words):
            orchestrator.run()


def test_drawn_ids_differ() -> None:
    assert len({new_run_id() for _ in range(200)}) == 200


def test_the_package_offers_what_it_names() -> None:
    for name in market_agents.__all__:
        assert getattr(market_agents, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = market_agents.nothing


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("environment_configs.auction.max_price", 0.001, "expected at least tick_size, 0.01"),
        ("agent_config.strategy", "zii", "unknown strategy 'zii'; did you mean 'zip'?; known are"),
        ("tick_size", 0.000001, "choose a larger tick_size"),
    ],
)
def test_what_only_the_rooms_together_can_tell_is_a_mistake_of_the_file(
    key: str, value: object, words: str
) -> None:
    changes = [(key, value), ("agent_config.buyer_base_value", 1e9)]
    with pytest.raises(ConfigError, match=re.escape(words)):
        load_config(SHIPPED, changes if key == "tick_size" else changes[:1])


def test_a_run_inside_a_running_loop_says_what_to_await(tmp_path: Path, sqlite_url: str) -> None:
    orchestrator = MetaOrchestrator(load_config(SHIPPED, SMALL), database=sqlite_url, folder=tmp_path)

    async def notebook() -> None:
        orchestrator.run()

    with pytest.raises(UserError, match=r"await ….run_simulation\(\)"):
        asyncio.run(notebook())
