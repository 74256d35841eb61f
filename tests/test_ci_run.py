"""What CI does about tests that fail beside others: it runs a few once more, alone, and says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = """
import pytest
from pathlib import Path

@pytest.mark.parametrize("number", range({failing}))
def test_busy(number):
    mark = Path(f"failed_{{number}}")
    before, again = mark.exists(), {again}
    mark.touch()
    assert before and not again

def test_calm():
    with open("calm", "a") as file:
        file.write("ran ")
"""


@pytest.mark.parametrize(
    ("failing", "again", "code", "told"),
    [
        (2, False, 0, "FAILED BESIDE OTHERS, PASSED ALONE"),
        (2, True, 1, "Once more, each alone"),
        (6, False, 1, "More than five tests failed"),
    ],
)
def test_a_few_that_fail_are_run_again_alone(
    failing: int, again: bool, code: int, told: str, tmp_path: Path
) -> None:
    for folder in (".ci", "scripts", ".venv-dev/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    for name, does in (
        ("scripts/check", "exit 0"),
        ("scripts/docs", "exit 0"),
        ("scripts/test-ui", "exit 0"),
        ("scripts/test", f'exec "{sys.executable}" -m pytest "$@"'),
        (".venv-dev/bin/python", f'exec "{sys.executable}" "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_project.py").write_text(PROJECT.format(failing=failing, again=again), "utf-8")
    ended = subprocess.run(
        [".ci/run"], check=False, cwd=tmp_path, env={"TEST_WORKERS": "0"}, capture_output=True, text=True
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert told in ended.stderr
    named = [line for line in ended.stderr.splitlines() if line.startswith("test_project.py::test_busy")]
    assert len(named) == (failing if code == 0 else 0)
    assert (tmp_path / "calm").read_text("utf-8") == "ran ", "what passed is not run again"
