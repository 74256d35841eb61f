"""A folder to begin in, from a checkout or from a wheel."""

from __future__ import annotations

import tomllib

from market_agents.cli.init import SHIPPED, shipped
from tests.cli.conftest import Cli
from tests.end_to_end.stage import ROOT


def test_an_empty_folder_is_told_how_to_begin_and_then_runs(cli: Cli) -> None:
    for verb in ("run", "validate", "plan", "prices"):
        told = cli(verb)
        assert told.code == 2
        assert told.complaints == [
            "there is no orchestrator_config.yaml in this folder: "
            "name a file, or let market-agents init write one"
        ]
    begun = cli("init")
    assert begun.code == 0
    assert begun.out.splitlines()[-1] == "now type: market-agents run"
    assert max(map(len, begun.out.splitlines())) <= 80
    assert sorted(path.name for path in cli.folder.iterdir()) == sorted(SHIPPED)
    assert (
        cli("validate").out
        == "orchestrator_config.yaml is right: 10 agents, 2 rounds of group_chat, auction\n"
    )


def test_what_is_there_is_kept(small: Cli) -> None:
    before = (small.folder / "orchestrator_config.yaml").read_text(encoding="utf-8")
    assert "kept   orchestrator_config.yaml" in small("init").out
    assert (small.folder / "orchestrator_config.yaml").read_text(encoding="utf-8") == before
    assert (small.folder / ".env.example").exists()


def test_a_folder_that_is_missing_is_made_and_one_that_cannot_be_is_told(cli: Cli) -> None:
    assert (
        cli("init", "my market/one").out.splitlines()[-1]
        == "now go to my market/one and type: market-agents run"
    )
    assert (cli.folder / "my market" / "one" / "orchestrator_config.yaml").exists()
    cli.write("file", "")
    told = cli("init", "file/below")
    assert told.code == 2
    assert "cannot be written" in told.complaints[0]


def test_a_wheel_holds_the_files_that_are_written() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"][
        "targets"
    ]
    assert wheel["wheel"]["force-include"] == {name: f"market_agents/shipped/{name}" for name in SHIPPED}
    assert set(SHIPPED) <= set(wheel["sdist"]["include"])
    for name in SHIPPED:
        assert shipped(name).read_bytes() == (ROOT / name).read_bytes()
