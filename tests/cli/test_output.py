"""What a run says, and where: results on standard output, the rest on standard error or in a file."""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from market_agents.inference import Scope, asking
from market_agents.logger_utils import console_for, log_for_run, set_up_logging
from market_agents.output import say
from market_agents.redaction import Redactor
from tests.cli.conftest import Cli
from tests.end_to_end.stage import Shell, call

ESCAPE = re.compile(r"\x1b|\x9b")
SUMMARY = {
    "run_id",
    "status",
    "database",
    "rounds",
    "trades",
    "messages",
    "model_calls",
    "cost",
    "efficiency",
}


def test_a_run_says_where_its_results_are_and_how_to_look_at_them(small: Cli) -> None:
    done = small("run", "--run-id", "one")
    assert done.code == 0
    assert "Run one completed: 2 rounds" in done.out
    assert str(small.folder / "market_simulation.db") in done.out
    for part in ("round  trades", "agent    name", "report one", "digest one", "export one"):
        assert part in done.out
    assert "run one, seed 7" in done.err
    for part in (
        "Round 1 of 2",
        "Round 2 of 2",
        "group_chat",
        "auction",
        "says:",
        "orders:",
        "learns:",
        "Finished",
    ):
        assert part in done.err


def test_without_a_seed_one_is_drawn_and_shown(cli: Cli) -> None:
    cli.write("orchestrator_config.yaml", "num_agents: 2\nmax_rounds: 1\nenvironment_order: [auction]\n")
    first, second = cli("run", "--json"), cli("run", "--json")
    seeds = [json.loads(done.out)["seed"] for done in (first, second)]
    assert seeds[0] != seeds[1]
    assert f"seed {seeds[0]}" not in first.err, "--json is quiet"
    again = cli("run", "--seed", str(seeds[0]), "--json")
    runs = [json.loads(done.out)["run_id"] for done in (first, again)]
    digests = {cli("digest", run).out for run in runs}
    assert len(digests) == 1
    assert str(seeds[0]) in cli("runs").out


def test_json_is_one_line_with_the_promised_keys(small: Cli) -> None:
    done = small("run", "--run-id", "one", "--json")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert done.err == ""
    summary = json.loads(done.out)
    assert set(summary) >= SUMMARY
    assert (summary["run_id"], summary["status"], summary["rounds"]) == ("one", "completed", 2)
    assert len(summary["efficiency"]) == 2
    assert summary["messages"] > 0
    assert summary["trades"] > 0
    assert summary["cost"] == 0


@pytest.mark.parametrize("verb", ["resume", "replay"])
def test_json_of_the_other_verbs_that_run(finished: Cli, verb: str) -> None:
    done = finished(verb, "one", "--json")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert json.loads(done.out)["run_id"] == "one"


def test_quiet_says_little(small: Cli) -> None:
    done = small("run", "--run-id", "one", "--quiet")
    assert done.code == 0
    assert done.err == ""
    assert len(done.out.splitlines()) == 2
    assert "Run one completed" in done.out


def test_warnings_are_heard_even_when_quiet(small: Cli) -> None:
    done = small("run", "--quiet", "--set", "environment_configs.auction={name: bazaar}")
    assert done.code == 0
    assert done.err.startswith("! ")
    assert "auction.name: differs from the key auction" in done.err
    assert "…" not in done.err, "a warning is never cut"
    assert done.err.count("\n") == 1, "and one line where nobody looks on"


def test_the_log_file_holds_every_record_as_json(small: Cli) -> None:
    done = small("run", "--run-id", "one", "--log-file", "log.jsonl", "--quiet", "--set", "num_agents=10")
    assert done.code == 0
    lines = [
        json.loads(line) for line in (small.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    for line in lines:
        assert datetime.fromisoformat(line["time"]).tzinfo is not None
        assert {"level", "logger", "message"} <= set(line)
    said = [line for line in lines if line.get("kind") == "message"]
    assert {(line["round"], line["environment"]) for line in said} == {(1, "group_chat"), (2, "group_chat")}
    assert {line["agent_id"] for line in said} == {f"agent_{number}" for number in range(1, 11)}
    assert {line["sub_round"] for line in said} == {1}
    assert {line["run_id"] for line in lines} == {"one"}
    steps = {line["kind"]: line.get("step") for line in lines if "kind" in line}
    assert (steps["perception"], steps["action"], steps["reflection"]) == (
        "perception",
        "action",
        "reflection",
    )
    assert steps["round"] is None
    assert {line.get("kind") for line in lines} >= {
        "round",
        "environment",
        "perception",
        "action",
        "trade",
        "reflection",
    }


def test_a_record_that_names_no_place_belongs_to_the_step_that_it_is_written_in(tmp_path: Path) -> None:
    set_up_logging(console_for(io.StringIO()), quiet=True, log_file=tmp_path / "log.jsonl")
    try:
        log_for_run("one", Redactor())
        with asking(Scope(3, 0, "auction", 2, "agent_5", "action")):
            logging.getLogger("market_agents.inference").warning("slow")
    finally:
        set_up_logging(console_for(io.StringIO()), quiet=True, log_file=None)
    (line,) = map(json.loads, (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines())
    place = {"round": 3, "environment": "auction", "sub_round": 2, "agent_id": "agent_5", "step": "action"}
    assert line.items() >= ({"run_id": "one", "message": "slow"} | place).items()


def test_the_log_file_grows_over_runs(small: Cli) -> None:
    for _ in range(2):
        assert small("run", "--log-file", "log.jsonl", "--quiet").code == 0
    lines = [
        json.loads(line) for line in (small.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert sum(line["message"] == "Round 1 of 2" for line in lines) == 2


def test_what_is_piped_is_plain_and_fits(shell: Shell) -> None:
    done = shell.run("run", "--run-id", "one", "--set", "num_agents=10")
    assert done.code == 0
    assert not ESCAPE.search(done.out + done.err)
    assert max(map(len, done.err.splitlines())) <= 80
    tables = done.out.partition("Run one")[0]
    assert max(map(len, tables.splitlines())) <= 80


def test_lines_that_were_not_shown_are_counted_to_the_end(small: Cli) -> None:
    done = small("run", "--set", "num_agents=10")
    sections = done.err.split("━━ Round ")[1:]
    assert len(sections) == 2
    for section in sections:
        assert section.count(" learns: ") == 12
        assert section.count("4 more reflections") == 2
        assert "14 more perceptions" in section or "4 more perceptions" in section


ATTACKS = {
    "ansi": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b5m",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "markup": "[bold red]x[/] [link=http://a]y[/link] [/nope] :smile: [",
    "lines": "first\nagent_1 says: second\r\x0b\x0cthird",
    "nul": "nul\x00 and surrogate \ud800",
}


LOUD = """\
from market_agents.agents.cognitive_steps import ActionStep
from market_agents.groupchat_orchestrator import GroupChatOrchestrator


class Shout(ActionStep):
    async def execute(self, agent):
        return {{"message": {attack!r}}}


class LoudOrchestrator(GroupChatOrchestrator):
    def make_steps(self):
        return {{**super().make_steps(), "action": Shout(self.name)}}
"""


@pytest.mark.parametrize("kind", ATTACKS)
def test_what_agents_say_is_inert(small: Cli, kind: str) -> None:
    small.write(f"loud_{kind}.py", LOUD.format(attack=ATTACKS[kind]))
    loud = f"environment_configs.group_chat={{type: 'loud_{kind}:LoudOrchestrator'}}"
    done = small("run", "--run-id", "one", "--log-file", "log.jsonl", "--set", loud)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    shown = [line for line in done.err.splitlines() if " says: " in line]
    assert len(shown) == 8
    for line in shown:
        assert line.lstrip().startswith("agent_")
        assert line.isprintable()
    if kind == "markup":
        assert ATTACKS[kind] in shown[0]
    for line in (small.folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line)
    assert small("runs", "show", "one").code == 0
    assert small("export", "one", "-o", "out").code == 0


def test_output_that_cannot_be_written_is_told(shell: Shell) -> None:
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$0" -m market_agents prompts > printed', sys.executable],
        cwd=shell.folder,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stderr == "market-agents: the output could not be written whole: File too large\n"


def test_P12_a_reader_that_goes_away_does_not_end_the_run(shell: Shell) -> None:
    program = f"{shell.python} -m market_agents"
    for number, redirection in enumerate(["| head -1", "2>&1 | head -1", "2>&1 | head -0", ">&- 2>&-"]):
        done = shell.line(f"set -o pipefail; {program} run --run-id r{number} {redirection}")
        assert done.code in {0, 141}, redirection
        assert "Traceback" not in done.err
    listed = call(shell.folder, "runs").out
    for number in range(4):
        assert re.search(rf"r{number} +completed", listed), listed


def test_what_caches_saved_is_shown_where_they_saved_anything(finished: Cli) -> None:
    assert "cached" not in finished("runs", "show", "one").out
    with closing(sqlite3.connect(finished.folder / "market_simulation.db")) as database, database:
        database.execute("UPDATE llm_requests SET prompt_tokens = 100, cached_tokens = 40 * (round - 1)")
    lines = finished("runs", "show", "one").out.splitlines()
    heading = next(place for place, line in enumerate(lines) if line.startswith("round "))
    assert lines[heading].endswith("cached")
    assert [line.split()[-1] for line in lines[heading + 2 : heading + 4]] == ["0%", "40%"]


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "?? 1 ??"), ("cp1252", "?? 1 é?"), ("utf-8", "━━ 1 é☃")]
)
def test_what_a_terminal_cannot_write_is_a_question_mark(encoding: str, shown: str) -> None:
    stream = io.TextIOWrapper(written := io.BytesIO(), encoding=encoding)
    say("━━ 1 é☃", stream)
    assert written.getvalue().decode(encoding) == f"{shown}\n"
