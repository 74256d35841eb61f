"""All the ways in which a run may be started, and from where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Cli
from tests.end_to_end.stage import ROOT, Shell, query

PACKAGE = ROOT / "market_agents"


@pytest.fixture
def bare(shell: Shell) -> Shell:
    """The same folder, where the package is found by nothing but the file's own place."""
    shell.environment.pop("PYTHONPATH")
    return shell


def test_as_a_module(shell: Shell) -> None:
    done = shell.run("--environments", "auction", "--json", program=("-m", "market_agents.meta_orchestrator"))
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary["messages"] == 0
    assert summary["rounds"] == 2


def test_as_a_module_with_a_configuration(shell: Shell) -> None:
    (shell.folder / "orchestrator_config.yaml").rename(shell.folder / "mine.yaml")
    done = shell.run("--config", "mine.yaml", "--json", program=("-m", "market_agents.meta_orchestrator"))
    assert done.code == 0, done.err
    assert json.loads(done.out)["messages"] > 0


def test_as_a_file(bare: Shell) -> None:
    done = bare.run("--environments", "auction", "--json", program=(str(PACKAGE / "meta_orchestrator.py"),))
    assert done.code == 0, done.err
    assert json.loads(done.out)["status"] == "completed"


def test_as_a_file_from_inside_its_folder(bare: Shell, tmp_path: Path) -> None:
    inside = tmp_path / "copy" / "market_agents"
    shutil.copytree(PACKAGE, inside, ignore=shutil.ignore_patterns("__pycache__"))
    (inside.parent / "orchestrator_config.yaml").write_text(SMALL, encoding="utf-8")
    within = Shell(inside)
    within.environment.pop("PYTHONPATH")
    done = within.run("--json", program=("meta_orchestrator.py",))
    assert done.code == 0, done.err
    assert json.loads(done.out)["rounds"] == 2
    assert str(inside) in json.loads(done.out)["database"]


def test_both_ways_take_the_same_flags(shell: Shell) -> None:
    helps = [
        shell.run("--help", program=("-m", "market_agents.meta_orchestrator")).out,
        shell.run("run", "--help").out,
    ]
    assert helps[0] == helps[1]


def test_mistakes_have_their_exit_code_in_every_way(shell: Shell) -> None:
    for program in (("-m", "market_agents.meta_orchestrator"), (str(PACKAGE / "meta_orchestrator.py"),)):
        done = shell.run("--environments", "nope", program=program)
        assert done.code == 2
        assert "unknown environment 'nope'" in done.complaints[0]
        assert "Traceback" not in done.err


def test_environments_on_the_command_line_count_in_their_order(small: Cli) -> None:
    order = []
    for words in (["auction", "group_chat"], ["group_chat", "auction"]):
        done = small("run", "--environments", *words)
        assert done.code == 0
        order.append(
            [line.strip() for line in done.err.splitlines() if line.strip() in {"auction", "group_chat"}]
        )
    assert order[0] == ["auction", "group_chat"] * 2
    assert order[1] == ["group_chat", "auction"] * 2


def test_offline_lets_the_stand_in_answer_for_models_without_a_key(small: Cli) -> None:
    entries = "llm_configs=[{name: m, model: gpt-4o-mini}]"
    assert small("run", "--set", entries).code == 2
    done = small("run", "--set", entries, "--offline", "--run-id", "one")
    assert done.code == 0, done.err
    assert "offline:m is the rule-based stand-in" in done.err


def test_offline_reaches_whoever_is_named_elsewhere(small: Cli) -> None:
    entries = "llm_configs=[{name: m, model: gpt-4o-mini}, {name: j, model: gpt-4o, weight: 0}]"
    others = [
        "judge={model: j, rubric: {greed: How greedy are they?}}",
        "environment_configs.group_chat.moderator.model=j",
        "agent_config.traders=[{model: m, share: 0.5}, {strategy: zip, share: 0.5}]",
        "request_limits.m.max_in_flight=3",
    ]
    words = [word for setting in (entries, *others) for word in ("--set", setting)]
    done = small("run", *words, "--offline", "--run-id", "one")
    assert done.code == 0, done.err
    rows = query(
        f"sqlite:///{small.folder / 'market_simulation.db'}", "SELECT llm_config, client FROM llm_requests"
    )
    assert {row["client"] for row in rows} == {"offline"}
    assert {row["llm_config"] for row in rows} == {"offline:m", "offline:j", "offline"}, (
        "the last speaks for zip"
    )


def test_names_come_from_the_folder_where_one_stands(shell: Shell) -> None:
    elsewhere = shell.folder / "below"
    elsewhere.mkdir()
    shell.folder = elsewhere
    done = shell.run("run", "../orchestrator_config.yaml", "--json")
    assert done.code == 0, done.err
    assert (elsewhere / "market_simulation.db").exists()
