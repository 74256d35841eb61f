"""Which requests a rule strikes, and how the server comes and goes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from market_agents.fake_model.faults import FaultPlan, Rule, parse_rules
from tests.fake_model.client import Caller
from tests.rig.fake_model_client import FakeModel

ROOT = Path(__file__).parents[2]


def struck(plan: FaultPlan, count: int, **given: Any) -> list[int]:
    fixed = {"raw": b"{}", "wanted_format": "text", "structured": False, "key": "k"}
    return [n for n in range(1, count + 1) if plan.strike(**{**fixed, **given, "attempt": n})]


def test_first_and_every() -> None:
    assert struck(FaultPlan([Rule("refusal", first=2)]), 5) == [1, 2]
    assert struck(FaultPlan([Rule("refusal", every=3)]), 7) == [3, 6]
    assert struck(FaultPlan([Rule("refusal")]), 3) == [1, 2, 3]


def test_probability_comes_from_request_and_attempt_alone() -> None:
    rule = Rule("refusal", probability=0.3)
    first = struck(FaultPlan([rule]), 1000)
    assert first == struck(FaultPlan([rule]), 1000)
    assert first != struck(FaultPlan([rule]), 1000, key="other")
    assert 240 < len(first) < 360


def test_match_looks_into_the_body_and_counts_only_matches() -> None:
    plan = FaultPlan([Rule("refusal", match="agent_7", first=1)])
    assert struck(plan, 3, raw=b"agent_8") == []
    assert struck(plan, 3, raw=b"to agent_7") == [1]


def test_a_rule_may_begin_late() -> None:
    assert struck(FaultPlan([Rule("refusal", after=3)]), 5) == [4, 5]


def test_a_match_of_several_texts_needs_them_all() -> None:
    plan = FaultPlan([Rule("refusal", match=["agent_7", "Round 2"])])
    bodies = (b"agent_7, Round 1", b"agent_6, Round 2", b"agent_7, Round 2")
    assert [bool(plan.strike(body, "text", False, "key", 1)) for body in bodies] == [False, False, True]


def test_final_fault_does_not_use_up_the_rules_after_it() -> None:
    plan = FaultPlan([Rule("status", first=2), Rule("hang", first=1)])
    kinds = [[rule.kind for rule in plan.strike(b"", "text", False, "k", n)] for n in range(1, 5)]
    assert kinds == [["status"], ["status"], ["hang"], []]


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"kind": "status"}, "must be a list"),
        ([{"kind": "explode"}], "unknown fault kind 'explode'"),
        ([{"code": 500}], "without kind"),
        ([{"kind": "status", "cod": 500}], "unknown fault parameter 'cod'"),
        ([{"kind": "malformed", "body": "odd"}], "unknown malformed body 'odd'"),
        ([{"kind": "hang", "first": 1, "every": 2}], "only one of"),
        ([{"kind": "hang", "every": 0}], "at least 1"),
    ],
)
def test_mistaken_rules_are_refused(faults: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_rules(faults)


async def test_refused_rules_leave_the_old_ones(ask: Caller, fake_model: FakeModel) -> None:
    fake_model.set_faults([{"kind": "status", "code": 503}])
    with pytest.raises(ValueError, match="unknown fault kind"):
        fake_model.set_faults([{"kind": "explode"}])
    with pytest.raises(openai.InternalServerError):
        await ask()


def test_server_started_by_hand_says_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"kind": "refusal"}]')
    command = [sys.executable, "-m", "tests.rig.fake_model_process", "--port", "0", "--faults", f"@{faults}"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        socket.create_connection(("127.0.0.1", port), timeout=300).close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0


def test_server_ends_with_whoever_started_it() -> None:
    command = [sys.executable, "-m", "tests.rig.fake_model_process", "--until-stdin-closes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdin.close()
        assert process.wait(300) == 0
        assert process.stderr.read() == b""


async def test_server_killed_hard_comes_back_on_its_port() -> None:
    with FakeModel() as model:
        caller, url = Caller(model), model.base_url
        await caller()
        model.kill_hard()
        assert not model.running
        with pytest.raises(openai.APIConnectionError):
            await caller()
        model.start()
        assert model.base_url == url
        await caller()
        assert len(model.ledger()) == 1
        with pytest.raises(RuntimeError, match="running already"):
            model.start()
        await caller.client.close()


def test_server_that_cannot_start_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        FakeModel(faults=[{"kind": "explode"}]).start()
    assert "--faults" in capfd.readouterr().err
