"""A run is named by its id, by the beginning of its id, or as the latest."""

from __future__ import annotations

import pytest

from market_agents import load_run
from tests.cli.conftest import Cli

SHORT = ("--set", "max_rounds=1", "--set", "num_agents=2")


@pytest.fixture
def three(small: Cli) -> Cli:
    """Three runs; ``pilot-2`` is the last one."""
    for name in ("other", "pilot-1", "pilot-2"):
        assert small("run", "--run-id", name, "--quiet", *SHORT).code == 0
    return small


def test_the_beginning_of_an_id_and_latest_name_a_run(three: Cli) -> None:
    assert three("runs", "show", "ot").out.startswith("run other: completed")
    assert three("runs", "show", "latest").out.startswith("run pilot-2: completed")
    assert three("report", "latest").out == "the report of run pilot-2 is in report.html\n"
    assert three("export", "o", "-o", "results").out.startswith("run other is in results: ")
    assert three("resume", "latest").out == "run pilot-2 is completed; there is nothing to resume\n"
    assert three("replay", "latest", "--quiet").out.startswith("Run pilot-2 completed")
    assert "pilot-1  " in three("runs", "compare", "oth", "pilot-1").out
    assert load_run("latest", folder=three.folder).run_id == "pilot-2"
    assert load_run("oth", folder=three.folder).run_id == "other"


def test_every_verb_about_a_run_takes_them(three: Cli) -> None:
    digests = {three("digest", word).out for word in ("other", "o", "latest")}
    assert len(digests) == 1, "the same seed and configuration"
    for verb in ("markets", "conversation", "personas", "prompts"):
        assert three(verb, "latest").out == three(verb, "pilot-2").out
    assert three("trace", "o", "--agent", "agent_1", "--round", "1").out.startswith("run other,")
    assert three("fork", "latest", "--at-round", "1", "--run-id", "forked", "--quiet").code == 0
    assert "pilot-2 at round 1" in three("runs").out


def test_a_beginning_that_several_share_is_refused_and_names_them(three: Cli) -> None:
    told = three("digest", "pilot")
    assert told.code == 2
    assert told.complaints == ["2 runs begin with 'pilot': pilot-2, pilot-1"]


def test_what_begins_no_id_is_refused_and_told_the_latest(three: Cli) -> None:
    for word in ("OTHER", "pilot-3", "", "%", "_"):
        told = three("digest", word)
        assert told.code == 2
        assert told.complaints == [
            f"there is no run {word!r} in this database; the latest are: pilot-2, pilot-1, other"
        ]


def test_a_run_that_is_called_latest_is_meant_by_its_name(small: Cli) -> None:
    for name in ("latest", "later"):
        assert small("run", "--run-id", name, "--quiet", *SHORT).code == 0
    assert small("runs", "show", "latest").out.startswith("run latest: ")


def test_nothing_is_deleted_by_a_part_of_its_name(three: Cli) -> None:
    for word in ("latest", "oth"):
        assert three("runs", "delete", word, "--yes").code == 2
    assert len(three("runs").out.splitlines()) == 5
