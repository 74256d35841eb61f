"""A fork shares its parent's first rounds for nothing, and differs from there on in its treatment alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import Start
from tests.end_to_end.stage import Ended, asked, call, change, fingerprint, play, query, table
from tests.rig.fake_model_client import FakeModel

LOB = ("--set", "environment_configs.auction.institution=lob")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, fake_model_of_module: FakeModel) -> Path:
    """A database with a finished served run called ``one``, of three rounds."""
    path = tmp_path_factory.mktemp("parent") / "market.db"
    changes = {"llm_configs": asked(fake_model_of_module), "num_agents": 4, "max_rounds": 3}
    play(path.parent, f"sqlite:///{path}", changes, start=Start(run_id="one"))
    return path


@pytest.fixture
def parent(first: Path, tmp_path: Path, fake_model: FakeModel) -> str:
    """The address of a copy of it."""
    with closing(sqlite3.connect(first)) as source, closing(sqlite3.connect(tmp_path / "market.db")) as copy:
        source.backup(copy)
    return f"sqlite:///{tmp_path / 'market.db'}"


def fork(folder: Path, url: str, *words: str, of: str = "one", name: str = "two", at: int = 2) -> Ended:
    flags = ("--run-id", name, "--database", url)
    return call(folder, "fork", of, "--at-round", str(at), *flags, *words)


def decided(url: str, run_id: str, rounds: range) -> list[list[str]]:
    """What was decided in some rounds, run ids apart."""
    found = []
    for name in ("orders", "trades", "messages", "perceptions", "actions", "allocations", "auction_rounds"):
        rows = [row for row in table(url, name, run_id) if row["round"] in rounds]
        assert rows, name
        found.append(sorted(str({**row, "run_id": ""}) for row in rows))
    return found


def test_a_fork_without_a_difference_is_its_parent_and_pays_from_its_round_on(
    tmp_path: Path, parent: str, fake_model: FakeModel
) -> None:
    before = len(fake_model.ledger())
    done = fork(tmp_path, parent)
    assert done.code == 0, done.err
    assert fingerprint(parent, "two") == fingerprint(parent, "one")
    own = [row for row in table(parent, "llm_requests", "two") if row["round"] >= 2]
    shared = [row for row in table(parent, "llm_requests", "two") if row["round"] < 2]
    assert len(fake_model.ledger()) - before == len(own)
    assert {(row["source_run_id"], row["attempts"], row["cost"]) for row in shared} == {("one", 0, 0)}
    assert {row["source_run_id"] for row in own} == {None}
    assert len(shared) == len([row for row in table(parent, "llm_requests", "one") if row["round"] < 2])


def test_a_treatment_begins_at_its_round_and_not_before(tmp_path: Path, parent: str) -> None:
    done = fork(tmp_path, parent, *LOB, "--set", "max_rounds=4")
    assert done.code == 0, done.err
    assert decided(parent, "two", range(1, 2)) == decided(parent, "one", range(1, 2))
    assert decided(parent, "two", range(2, 4)) != decided(parent, "one", range(2, 4))
    assert {row["round"] for row in table(parent, "auction_rounds", "two")} == {1, 2, 3, 4}
    assert table(parent, "agents", "two")[0]["persona"] == table(parent, "agents", "one")[0]["persona"]


def test_families_are_shown_and_kept_together(tmp_path: Path, parent: str) -> None:
    assert fork(tmp_path, parent, "--quiet").code == 0
    flags = ("--database", parent)
    assert "one at round 2" in call(tmp_path, "runs", *flags).out
    assert "forks: two" in call(tmp_path, "runs", "show", "one", *flags).out
    assert "forked from one at round 2" in call(tmp_path, "runs", "show", "two", *flags).out
    refused = call(tmp_path, "runs", "delete", "one", "--yes", *flags)
    assert refused.code == 2
    assert refused.complaints == ["run one has forks that begin with its rounds: delete two first"]


def test_a_fork_of_a_fork_is_resumed_and_replayed_like_any_run(
    tmp_path: Path, parent: str, fake_model: FakeModel
) -> None:
    assert fork(tmp_path, parent, *LOB, "--quiet").code == 0
    limit = ("--set", "environment_configs.auction.max_price=110")
    done = fork(tmp_path, parent, *limit, "--quiet", of="two", name="three", at=3)
    assert done.code == 0, done.err
    before, seen = fingerprint(parent, "three"), len(fake_model.ledger())
    assert decided(parent, "three", range(1, 3)) == decided(parent, "two", range(1, 3))
    replayed = call(tmp_path, "replay", "three", "--quiet", "--database", parent)
    assert replayed.code == 0, replayed.err
    change(parent, "UPDATE runs SET status = 'interrupted', finished_at = NULL WHERE run_id = 'three'")
    key = "r3/1.auction/s1/agent_3/action/1"
    change(parent, f"DELETE FROM llm_requests WHERE run_id = 'three' AND request_key = '{key}'")
    resumed = call(tmp_path, "resume", "three", "--quiet", "--database", parent)
    assert resumed.code == 0, resumed.err
    assert len(fake_model.ledger()) == seen + 1
    assert fingerprint(parent, "three") == before


@pytest.mark.parametrize(
    "override",
    [
        "environment_configs.auction.max_price=100",
        "environment_configs.auction.sub_rounds=2",
        "environment_configs.auction.order_lifetime=run",
        "environment_configs.auction.renewal=units",
        "environment_configs.auction.steps=[action]",
        "environment_configs.group_chat.initial_topic=Weather",
        "environment_configs.group_chat.group_size=2",
        "environment_configs.group_chat.turns=sequential",
        "environment_configs.group_chat.topic=fixed",
        "agent_config.schedule.shocks=[{round: 3, value: -20}]",
        "environment_configs.auction.schedule.shocks=[{round: 3, value: -20}]",
        "environment_order=[auction]",
        "judge={model: served, rubric: {clarity: How clear is it?}}",
        "memory.enabled=false",
        "memory.messages=0",
        "memory.scratchpad=true",
        "llm_configs[0].model=other-model",
        "max_asks=1",
    ],
)
def test_whatever_is_no_part_of_the_population_can_be_a_treatment(
    tmp_path: Path, parent: str, fake_model: FakeModel, override: str
) -> None:
    done = fork(tmp_path, parent, "--set", override, "--quiet", at=3)
    assert done.code == 0, done.err
    assert decided(parent, "two", range(1, 3)) == decided(parent, "one", range(1, 3))
    if not override.startswith("max_asks"):
        assert fingerprint(parent, "two") != fingerprint(parent, "one")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "num_agents=5"), "num_agents"),
        (("--set", "seed=1"), "seed"),
        (("--set", "agent_config.num_units=1"), "agent_config.num_units"),
        (("--set", "llm_configs[0].name=other"), "llm_configs[0].name"),
        (
            ("--at-round", "3", "--set", "agent_config.schedule.shocks=[{round: 2, value: -20}]"),
            "agent_config.schedule cannot",
        ),
        (("--set", "environment_configs.auction.schedule.num_units=1"), "auction.schedule cannot"),
        (("--set", "max_rounds=1"), "max_rounds"),
        (("--set", "environment_configs.auction.institution=bazaar"), "institution"),
        (("--at-round", "9"), "round 4 at the latest"),
        (("--at-round", "0"), "rounds count from 1"),
    ],
)
def test_what_would_be_another_run_is_refused_and_leaves_no_trace(
    tmp_path: Path, parent: str, fake_model: FakeModel, words: tuple[str, ...], told: str
) -> None:
    seen = len(fake_model.ledger())
    refused = fork(tmp_path, parent, *words)
    assert refused.code == 2
    assert len(refused.complaints) == 1
    assert told in refused.complaints[0]
    assert len(fake_model.ledger()) == seen
    assert len(query(parent, "SELECT * FROM runs")) == 1
