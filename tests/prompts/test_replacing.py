"""Prompts of one's own: named in the YAML, kept with the run, and held to when it goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from market_agents.agents.prompts import BUILT_IN
from tests.cli.conftest import SMALL, Cli
from tests.cli.conftest import cli as cli  # noqa: PLC0414  (a fixture)

MINE = BUILT_IN.texts["auction_system"].replace("You take part", "Today you take part")
ONE = SMALL + "prompts: {auction_system: mine.md}\n"


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "market_simulation.db")) as database:
        return list(database.execute(statement))


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "market_simulation.db")) as database, database:
        database.execute(statement)


def systems(folder: Path, environment: str) -> set[str]:
    asked = rows(folder, f"SELECT messages FROM llm_requests WHERE environment = '{environment}'")
    return {json.loads(str(messages))[0]["content"].splitlines()[0] for (messages,) in asked}


@pytest.fixture
def ran(cli: Cli) -> Cli:
    """A run called ``one`` with a prompt of its own."""
    cli.write("mine.md", MINE)
    cli.write("mine.yaml", ONE)
    done = cli("run", "mine.yaml", "--run-id", "one", "--quiet")
    assert done.code == 0, done.err
    return cli


@pytest.fixture
def stopped(ran: Cli) -> Cli:
    """The same, interrupted before its last answer."""
    change(ran.folder, "UPDATE runs SET status = 'interrupted', finished_at = NULL")
    return ran


def test_agents_are_asked_with_the_file_and_others_as_ever(ran: Cli) -> None:
    assert all(line.startswith("Today you take part") for line in systems(ran.folder, "auction"))
    assert all(line.startswith("You take part") for line in systems(ran.folder, "group_chat"))


def test_a_run_keeps_every_text_with_its_source(ran: Cli) -> None:
    kept = {
        name: (source, content)
        for name, source, content in rows(ran.folder, "SELECT name, source, content FROM prompts")
    }
    assert kept["auction_system"] == ("mine.md", MINE)
    assert {name for name, (source, _) in kept.items() if source == "built in"} == set(BUILT_IN.texts) - {
        "auction_system"
    }


def test_the_version_of_the_run_covers_the_file(ran: Cli) -> None:
    ran.write("plain.yaml", SMALL)
    assert ran("run", "plain.yaml", "--run-id", "two", "--quiet").code == 0
    (one,), (two,) = rows(ran.folder, "SELECT code_version FROM runs ORDER BY run_id")
    assert one != two
    assert str(two).endswith(BUILT_IN.hash[:12])


def test_a_folder_replaces_what_it_holds_and_a_file_wins_over_it(cli: Cli) -> None:
    folder = cli.folder / "some"
    folder.mkdir()
    (folder / "auction_system.md").write_text(MINE.replace("Today", "Long ago"), "utf-8")
    (folder / "group_chat_system.md").write_text(
        BUILT_IN.texts["group_chat_system"].replace("You take part", "Once you take part"), "utf-8"
    )
    cli.write("mine.md", MINE)
    cli.write("mine.yaml", SMALL + "prompts: {folder: some, auction_system: mine.md}\n")
    assert cli("run", "mine.yaml", "--quiet").code == 0
    assert all(line.startswith("Today") for line in systems(cli.folder, "auction"))
    assert all(line.startswith("Once") for line in systems(cli.folder, "group_chat"))


def test_a_run_goes_on_and_is_replayed_without_the_file(stopped: Cli) -> None:
    before = stopped("digest", "one").out
    change(stopped.folder, "DELETE FROM llm_requests WHERE request_key LIKE 'r2/1.auction/%'")
    (stopped.folder / "mine.md").unlink()
    assert stopped("resume", "one", "--quiet").code == 0
    assert stopped("digest", "one").out == before
    assert stopped("replay", "one", "--quiet").code == 0
    assert all(line.startswith("Today you take part") for line in systems(stopped.folder, "auction"))


def test_an_edited_file_stops_a_resume_with_the_difference(stopped: Cli) -> None:
    stopped.write("mine.md", MINE.replace("Today", "Tonight"))
    refused = stopped("resume", "one")
    assert refused.code == 2
    assert "prompts.auction_system: -Today you take part" in refused.err
    assert "prompts.auction_system: +Tonight you take part" in refused.err
    assert "--force" in refused.err
    assert stopped("resume", "one", "--force", "--quiet").code == 0


def test_a_replay_pays_no_heed_to_an_edited_file(ran: Cli) -> None:
    ran.write("mine.md", MINE.replace("Today", "Tonight"))
    assert ran("replay", "one", "--quiet").code == 0


@pytest.mark.parametrize(
    ("prompts", "told"),
    [
        (
            "{auction_sytem: mine.md}",
            "prompts.auction_sytem: no prompt is called 'auction_sytem'; did you mean 'auction_system'?",
        ),
        ("{auction_system: gone.md}", "prompts.auction_system: gone.md: cannot be read"),
        ("{auction_action: mine.md}", "prompts.auction_action: mine.md: unknown placeholder $agent_id"),
        ("{folder: gone}", "prompts.folder: gone: cannot be read"),
        ("{folder: .}", "prompts.folder: no prompt is called 'mine'"),
        ("{auction_system: 5}", "prompts.auction_system: expected"),
    ],
)
def test_mistakes_are_found_before_anything_is_asked(cli: Cli, prompts: str, told: str) -> None:
    cli.write("mine.md", MINE)
    cli.write("mine.yaml", f"{SMALL}prompts: {prompts}\n")
    refused = cli("validate", "mine.yaml")
    assert refused.code == 2
    assert told in refused.err
    assert "mine.yaml" in refused.err


def test_prompts_are_listed_and_copied_and_come_back_the_same(ran: Cli) -> None:
    assert "auction_system" in ran("prompts").out
    assert "mine.md" in ran("prompts", "one").out
    assert ran("prompts", "one", "-o", "copy").code == 0
    assert (ran.folder / "copy" / "auction_system.md").read_text("utf-8") == MINE
    ran.write("again.yaml", SMALL + "prompts: {folder: copy}\n")
    assert ran("run", "again.yaml", "--run-id", "two", "--quiet").code == 0
    (one,), (two,) = rows(ran.folder, "SELECT code_version FROM runs ORDER BY run_id")
    assert one == two
    refused = ran("prompts", "-o", "copy")
    assert refused.code == 2
    assert "exists already" in refused.err
