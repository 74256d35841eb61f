"""``conversation`` and ``personas`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from market_agents.storage import Row, open_database, write_step
from tests.end_to_end.stage import Ended, Shell, call, play
from tests.personas.people import amara
from tests.storage.samples import agent, message, new_run, order

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eevil\u202c \x9b2J [bold]markup[/bold] <script>alert(1)</script> "
    "=cmd() '; DROP TABLE runs; -- 1e308 99999999999999999999999 \ufffe 🙂 %s {0} \r\n\tagent_2: mine"
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a finished run of tasks, talk and trade, and its id."""
    folder = tmp_path_factory.mktemp("verbs")
    changes: dict[str, object] = {
        "environment_order": ["elicitation", "group_chat", "auction"],
        "environment_configs.group_chat.turns": "sequential",
    }
    result = play(folder, f"sqlite:///{folder / 'market_simulation.db'}", changes)
    return folder, result.run_id


def read(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    [line] = ended.out.splitlines()
    found: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    return found


def stored(folder: Path, rows: dict[str, Sequence[Row]], **changes: object) -> None:
    """A run called ``run`` that is not finished, with these rows."""
    url = f"sqlite:///{folder / 'market_simulation.db'}"
    with open_database(url) as database, new_run(database, "run", **changes) as lease:
        write_step(lease, "rows", rows)


def assert_calm(text: str) -> None:
    """At most 80 columns of characters that do nothing to a terminal."""
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(character.isprintable() or character == "\n" for character in text)


def test_conversations_in_tables(played: tuple[Path, str]) -> None:
    folder, run_id = played
    ended = Shell(folder).run("conversation", run_id)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"run {run_id}: completed, 6 conversations\n")
    for heading in ("most said", "open", "agreed", "on topic", "confidence"):
        assert heading in ended.out
    assert ended.out.count("cohort_3") == 6
    assert_calm(ended.out)


def test_conversations_as_json(played: tuple[Path, str]) -> None:
    folder, run_id = played
    report = read(call(folder, "conversation", run_id, "--json"))
    assert (report["run_id"], report["status"]) == (run_id, "completed")
    talk = report["conversations"][0]
    assert (talk["environment"], talk["round"], talk["cohort_id"]) == ("group_chat", 1, "cohort_1")
    assert talk["speaking"]["messages"] == 2 * len(talk["members"])
    assert len(talk["prices"]["mentions"]) == talk["speaking"]["messages"], (
        "the stand-in always names a price"
    )
    assert sum(reply["previous"] for reply in talk["replies"]["replies"]) == talk["speaking"]["messages"] - 1
    assert talk["prices"]["equilibrium_low"] <= talk["prices"]["equilibrium_high"]
    assert talk["prices"]["bids"] + talk["prices"]["asks"] > 0


def test_personas_in_tables(played: tuple[Path, str]) -> None:
    folder, run_id = played
    ended = call(folder, "personas", run_id)
    assert (ended.code, ended.err) == (0, "")
    assert f"run {run_id}: completed; 5 buyers, 5 sellers" in ended.out
    for trait in ("risk_aversion", "patience", "fairness"):
        [_, check] = [line for line in ended.out.splitlines() if line.startswith(trait)]
        assert "holds" in check
        assert "10/10" in check
    assert_calm(ended.out)


def test_personas_as_json(played: tuple[Path, str]) -> None:
    folder, run_id = played
    report = read(call(folder, "personas", run_id, "--json"))
    assert report["roles"] == {"buyer": 5, "seller": 5}
    assert [check["task"] for check in report["checks"]] == ["risk", "giving", "patience"]
    assert len(report["balance"]) == 9


@pytest.mark.parametrize("verb", ["conversation", "personas"])
def test_a_mistake_is_one_line(played: tuple[Path, str], verb: str) -> None:
    folder, _ = played
    ended = call(folder, verb, "nosuch")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.complaints) == 1
    assert "there is no run 'nosuch'" in ended.complaints[0]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("verb", ["conversation", "personas"])
def test_help_says_what_the_verb_is_for(tmp_path: Path, verb: str) -> None:
    ended = call(tmp_path, verb, "--help")
    assert ended.code == 0
    assert f"usage: market-agents {verb}" in ended.out
    assert verb in call(tmp_path, "--help").out


def test_a_run_without_chat_or_tasks(tmp_path: Path) -> None:
    stored(tmp_path, {"agents": [agent(1, "buyer", persona=amara().to_dict())], "orders": [order(1)]})
    ended = call(tmp_path, "conversation", "run")
    assert (ended.code, ended.out) == (0, "run run: interrupted, 0 conversations so far\n")
    assert read(call(tmp_path, "conversation", "run", "--json"))["conversations"] == []
    told = call(tmp_path, "personas", "run")
    assert told.code == 0
    assert "No task revealed a trait" in told.out
    assert_calm(told.out)


def test_an_unfinished_run_is_told_so_far(tmp_path: Path) -> None:
    stored(tmp_path, {"messages": [message(1, "95"), message(2, "97", sender_id="agent_2")]})
    ended = call(tmp_path, "conversation", "run")
    assert "interrupted, 1 conversation so far" in ended.out
    assert "96.00" not in ended.out
    assert "95.00" in ended.out


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    people = [agent(1, "buyer", name=HOSTILE), agent(2, HOSTILE, persona={"text": HOSTILE})]
    topic = {
        "environment": "group_chat",
        "round": 1,
        "cohort_id": "cohort_1",
        "topic": HOSTILE,
        "proposer_id": HOSTILE,
    }
    said = [
        message(1, HOSTILE, metadata={"sentiment": HOSTILE, "confidence": 1e300}),
        message(2, HOSTILE * 1000, sender_id=HOSTILE, recipient_id=HOSTILE, metadata=[HOSTILE]),
        message(3, "1e400 NaN inf -1", cohort_id=HOSTILE),
    ]
    stored(tmp_path, {"agents": people, "topics": [topic], "messages": said})
    for verb in ("conversation", "personas"):
        shown = call(tmp_path, verb, "run")
        assert (shown.code, shown.err) == (0, "")
        assert_calm(shown.out)
        raw = call(tmp_path, verb, "run", "--json")
        assert raw.out.isascii()
        read(raw)
    report = read(call(tmp_path, "conversation", "run", "--json"))
    assert report["conversations"][0]["topic"]["topic"] == HOSTILE, "JSON keeps every character"


def test_wide_numbers_and_long_runs_still_fit(tmp_path: Path) -> None:
    said, placed = [], []
    for number in range(1, 31):
        for turn, price in enumerate(("99999.99", "123456789", "0.01", "7654.321"), 1):
            changes = {"round": number, "sender_id": "agent_1000000", "cohort_id": "cohort_250000"}
            said.append(message(number * 10 + turn, f"near {price}", **changes))
        placed.append(order(number, agent_id="agent_1000000", round=number, price=Decimal("123456.78")))
    stored(
        tmp_path,
        {"messages": said, "orders": placed},
        config={"environment_order": ["group_chat", "auction"]},
    )
    ended = call(tmp_path, "conversation", "run")
    assert_calm(ended.out)
    assert "(10 earlier conversations: --json has them all)" in ended.out
    assert "1e+05" in ended.out


def test_a_run_opens_with_the_balance_of_its_personas(played: tuple[Path, str]) -> None:
    folder, _ = played
    file = folder / "six.yaml"
    file.write_text("num_agents: 6\nmax_rounds: 1\nseed: 3\nenvironment_order: [auction]\n", "utf-8")
    ended = call(folder, "run", str(file))
    assert ended.code == 0, ended.err
    [line] = [line for line in ended.err.splitlines() if "personas by role: " in line]
    assert " SD (buyer " in line
    assert not line.endswith("…")
