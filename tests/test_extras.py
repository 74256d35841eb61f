"""What is to be installed for an extra is told as it stands in pyproject.toml, library by library."""

from __future__ import annotations

import shlex
import sys
import tomllib
from importlib.metadata import PackageNotFoundError

import pytest
from packaging.requirements import Requirement

from market_agents import extras
from tests.end_to_end.stage import ROOT


@pytest.mark.parametrize("extra", ["analysis", "pdf", "telemetry", "ui"])
def test_the_command_names_the_libraries_of_the_extra(extra: str) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    program, *words = shlex.split(extras.install_command(extra))
    assert program == sys.executable
    assert words[:3] == ["-m", "pip", "install"]
    wanted = [Requirement(line) for line in declared["optional-dependencies"][extra]]
    assert {str(Requirement(word)) for word in words[3:]} == {str(requirement) for requirement in wanted}


def test_a_source_that_is_not_installed_is_installed_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", missing)
    assert extras.install_command("ui").endswith("-m pip install '.[ui]' in the project's folder")
