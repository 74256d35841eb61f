"""What the pages on conversations and elicitation show works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from market_agents.meta_orchestrator import load_config
from market_agents.reporting import JudgeRubric
from tests.end_to_end.stage import ROOT, SHIPPED, play

TALK = (ROOT / "docs" / "conversation-analysis.md").read_text("utf-8")
TASKS = (ROOT / "docs" / "elicitation.md").read_text("utf-8")


def block(page: str, language: str, begins: str = "") -> str:
    """The page's one block of a language, of those that begin so."""
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    [one] = [text for text in found if text.startswith(begins)]
    return str(one)


def test_the_python_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes: dict[str, object] = {"num_agents": 4, "max_rounds": 1, "environment_order": ["group_chat"]}
    result = play(tmp_path, f"sqlite:///{tmp_path / 'market_simulation.db'}", changes)
    monkeypatch.chdir(tmp_path)
    exec(
        compile(block(TALK, "python", "from market_agents").replace("RUN_ID", result.run_id), "page", "exec"),
        {},
    )
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("1 cohort_1 0.0 ")


def test_the_rubric_of_the_page_is_one() -> None:
    written = yaml.safe_load(block(TALK, "yaml", "name:"))
    rubric = JudgeRubric.model_validate({**written, "lowest": 1.0, "highest": 5.0})
    assert list(rubric.criteria) == ["candour", "pressure"]
    assert JudgeRubric.model_validate(written) == rubric


def test_the_judge_of_the_page_is_one() -> None:
    judge = yaml.safe_load(block(TALK, "yaml", "judge:"))["judge"]
    assert load_config(SHIPPED, [("judge", judge)]).judge is not None


def test_the_configuration_of_the_page_holds_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(f"num_agents: 4\nmax_rounds: 1\n{block(TASKS, 'yaml')}", "utf-8")
    written = load_config(file)
    assert written.environment_order == ("elicitation", "group_chat", "auction")
    bare = load_config(SHIPPED, [("environment_order", ["elicitation"])])
    assert written.environment_configs["elicitation"] == bare.environment_configs["elicitation"]


@pytest.mark.parametrize("page", [TALK, TASKS])
def test_every_field_that_a_page_names_exists(page: str) -> None:
    source = "\n".join(
        path.read_text("utf-8") for path in (ROOT / "market_agents" / "reporting").glob("*.py")
    )
    named = re.findall(r"`(?:speaking|replies|prices|agreement|tone|topic)\.(\w+)`", page)
    assert all(re.search(rf"^    {name}: ", source, re.MULTILINE) for name in named), named
