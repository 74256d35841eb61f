"""What README and docs say is true: paths exist, queries answer, configurations load, commands run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from market_agents.cli import VERBS, main
from market_agents.meta_orchestrator import MetaOrchestrator, Start, load_config

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def shipped_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of one run of the shipped configuration."""
    folder = tmp_path_factory.mktemp("readme")
    url = f"sqlite:///{folder}/run.db"
    config = load_config(ROOT / "orchestrator_config.yaml")
    MetaOrchestrator(config, start=Start(run_id="shipped"), database=url, folder=folder).run()
    return url


@pytest.mark.parametrize(
    "query", [part for block in blocks(README, "sql") for part in block.split(";") if part.strip()]
)
def test_every_query_of_the_readme_answers(shipped_run: str, query: str) -> None:
    engine = create_engine(shipped_run)
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    engine.dispose()
    assert len(rows) >= 2
    assert all(row[0] is not None for row in rows)


@pytest.mark.parametrize("entry", [block for block in blocks(README, "yaml") if "name:" in block])
def test_every_model_of_the_readme_is_a_valid_entry(tmp_path: Path, entry: str) -> None:
    shipped = (ROOT / "orchestrator_config.yaml").read_text("utf-8")
    head, _, rest = shipped.partition("llm_configs:\n")
    after = rest[rest.index("# Limits under the name") :]
    file = tmp_path / "with_model.yaml"
    file.write_text(f"{head}llm_configs:\n{entry}\n{after}", "utf-8")
    config = load_config(file)
    assert config.llm_configs[0].model in entry
    assert config.llm_configs[0].client == "openai"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_exists(page: Path) -> None:
    words = page.read_text("utf-8")
    named = re.findall(r"`((?:market_agents|scripts|docs|examples|configs|benchmarks)/[\w./-]+)`", words)
    linked = [page.parent / target for target in re.findall(r"\]\(([^)#:]+)\)", words)]
    missing = [path for path in [*(ROOT / name for name in named), *linked] if not path.exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_verb_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"market-agents ([a-z]+(?:-[a-z]+)*)", page.read_text("utf-8")))
    assert named <= VERBS.keys()


def test_the_documented_environment_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    file = tmp_path / "contest.db"
    assert main(["run", "examples/beauty_contest.yaml", "--quiet", "--database", str(file)]) == 0
    assert "completed: 5 rounds" in capsys.readouterr().out
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        numbers = text(
            "SELECT round, AVG(json_extract(content, '$.number')) FROM actions GROUP BY round ORDER BY round"
        )
        means = [mean for _, mean in connection.execute(numbers)]
    engine.dispose()
    assert means == sorted(means, reverse=True), "players approach the equilibrium, zero"
