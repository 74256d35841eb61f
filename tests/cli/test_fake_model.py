"""``fake-model``: what it prints can be pasted, and what it is told to do wrong it does."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_agents.cli.fake_model import read_faults
from market_agents.errors import UserError
from market_agents.fake_model import KINDS, MALFORMED
from tests.cli.conftest import Cli
from tests.end_to_end.stage import Shell, ended
from tests.rig.ports import free_port


@pytest.fixture
def server(shell: Shell) -> Iterator[subprocess.Popen[str]]:
    """A fake model that now and then refuses and fails."""
    process = shell.start(
        "fake-model", "--faults", "429,fenced,missing_field", "--fault-share", "0.2", "--port", "0"
    )
    yield process
    process.kill()
    process.communicate()


def test_what_it_prints_runs_an_experiment(shell: Shell, server: subprocess.Popen[str], cli: Cli) -> None:
    assert server.stdout is not None
    printed = [server.stdout.readline() for _ in range(6)]
    entry = "".join(printed[1:5])
    path = Path(shell.folder) / "orchestrator_config.yaml"
    path.write_text(path.read_text("utf-8").replace("seed: 7", "seed: 7\n" + entry), "utf-8")
    done = cli("run", "--set", "max_rounds=1", "--set", "environment_order=[auction]")
    assert done.code == 0, done.err
    assert "completed" in done.out
    assert "the fake model" not in done.err
    server.send_signal(signal.SIGINT)
    stopped = ended(server)
    assert (stopped.code, stopped.err) == (0, "")


@pytest.mark.parametrize("word", sorted(KINDS - {"status"} | MALFORMED | {"429", "500", "malformed"}))
def test_every_fault_can_be_named_alone(word: str) -> None:
    (rule,) = read_faults(word, 0.25)
    assert rule.probability == 0.25
    assert word in {rule.kind, str(rule.body), str(rule.code), "malformed"}


def test_rules_can_be_spelled_out() -> None:
    (rule,) = read_faults('[{"kind": "status", "code": 503, "first": 2}]')
    assert (rule.code, rule.first, rule.probability) == (503, 2, None)


@pytest.mark.parametrize("text", ["429,hagn", "200", "status", "[{}]", "[", '[{"kind": "explode"}]'])
def test_a_fault_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^--faults: "):
        read_faults(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--faults", "hagn"), "hang"),
        (("--fault-share", "2"), "--fault-share"),
        (("--latency-ms", "-1"), "--latency-ms"),
        (("--port", "70000"), "--port"),
    ],
)
def test_arguments_that_make_no_sense(cli: Cli, words: tuple[str, ...], told: str) -> None:
    refused = cli("fake-model", *words)
    assert refused.code == 2
    assert len(refused.complaints) == 1
    assert told in refused.complaints[0]


def test_a_port_that_is_taken_is_told(shell: Shell) -> None:
    port = str(free_port())
    first = shell.start("fake-model", "--port", port)
    try:
        assert first.stdout is not None
        first.stdout.readline()
        second = shell.run("fake-model", "--port", port)
    finally:
        first.kill()
        first.communicate()
    assert second.code == 2
    assert "--port" in second.complaints[0]
    assert "Traceback" not in second.err
