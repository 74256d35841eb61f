"""The reference pages: nothing that the program has is missing from them, and nothing is there without a word on it."""

from __future__ import annotations

import re

import pytest

from docs._reference import PAGES
from docs._reference.command_line import arguments_of, parser_of
from market_agents import errors
from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.cli import VERBS
from market_agents.config import EnvironmentConfig, SimulationConfig, StrictModel
from market_agents.storage.dictionary import dictionary


def rows_of(page: str) -> list[list[str]]:
    """The cells of every row of a page's tables, headings aside."""
    lines = re.findall(r"^\| (.*) \|$", page, re.MULTILINE)
    return [line.split(" | ") for line in lines if line.startswith("`")]


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_of_a_verb_is_told(verb: str) -> None:
    _, _, after = PAGES["reference/command-line"]().partition(f"## {verb}\n")
    section = after.partition("\n## ")[0]
    for action in arguments_of(parser_of(verb)):
        assert action.help, action
        for name in action.option_strings:
            assert f"`{name}`" in section
    assert all(cells[1].strip() for cells in rows_of(section))


def test_every_key_is_told_with_its_meaning() -> None:
    rows = rows_of(PAGES["reference/configuration"]())
    assert all(len(cells) == 3 and cells[2].strip() for cells in rows)
    told = {cells[0] for cells in rows}
    models: list[type[StrictModel]] = [SimulationConfig, EnvironmentConfig]
    models += [model for model in map(environment_model, ENVIRONMENTS) if model is not None]
    assert {f"`{key}`" for model in models for key in model.model_fields} <= told
    assert "`max_cost`" in told
    assert "`shocks`" in told


def test_every_column_is_told_with_its_meaning() -> None:
    page = PAGES["reference/tables"]()
    for entry in dictionary():
        section = page.partition(f"## {entry.table}\n")[2].partition("\n## ")[0]
        (row,) = (cells for cells in rows_of(section) if cells[0] == f"`{entry.column}`")
        assert all(cell.strip() for cell in row)


def test_every_error_is_drawn() -> None:
    drawn = set(re.findall(r"\w+", PAGES["reference/python"]()))
    named = {name for name, error in vars(errors).items() if isinstance(error, type)}
    assert {name for name in named if issubclass(vars(errors)[name], errors.MarketAgentsError)} <= drawn
