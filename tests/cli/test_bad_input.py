"""Mistakes of the user: one clear line each, exit 2, nothing asked and no row written."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.cli.conftest import SMALL, Cli
from tests.end_to_end.stage import CANARY, Shell, asked, query
from tests.rig.fake_model_client import FakeModel
from tests.rig.ports import LOOPBACK, free_port

DEFAULT = "market_simulation.db"


@pytest.fixture
def served(cli: Cli, fake_model: FakeModel) -> Cli:
    """A folder whose configuration would ask the fake model."""
    entries = json.dumps(asked(fake_model))
    cli.write("orchestrator_config.yaml", f"{SMALL}llm_configs: {entries}\n")
    return cli


def assert_nothing_happened(cli: Cli, model: FakeModel) -> None:
    assert model.ledger() == []
    if (cli.folder / DEFAULT).exists():
        url = f"sqlite:///{cli.folder / DEFAULT}"
        for name in ("runs", "agents", "llm_requests", "steps"):
            assert query(url, f"SELECT * FROM {name}") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--environments", "acution"],
            ["unknown environment 'acution'", "did you mean 'auction'", "group_chat"],
        ),
        (["--environments", "auction", "auction"], ["--environments: 'auction' stands here twice"]),
        (
            ["--environments", "auction", "my.yaml"],
            ["--environments takes all words after it", "my.yaml before it"],
        ),
        (["--set", "environment_order=[nope]"], ["environment_order[0]", "unknown environment 'nope'"]),
        (["--set", "num_agents=0"], ["num_agents", "got 0"]),
        (["--set", "num_agents=ten"], ["num_agents", "integer", "'ten'"]),
        (["--set", "num_agents=true"], ["num_agents", "integer"]),
        (["--set", "num_agent=3"], ["num_agent", "did you mean 'num_agents'"]),
        (["--set", "agent_config.num_unit=3"], ["agent_config.num_unit", "unknown key"]),
        (["--set", "environment_configs.auction.institution=dutch"], ["institution", "midpoint", "lob"]),
        (["--set", "nonsense"], ["--set", "key.path=value"]),
        (["--set", "=1"], ["--set"]),
        (["--set", "agent_config={use_llm: false, strategy: zi_cc}"], ["strategy", "'zi_cc'", "zi_c"]),
        (
            ["--set", "environment_configs.x={type: no.such:Thing}"],
            ["no.such:Thing", "cannot be imported", "'no'"],
        ),
        (["--set", "environment_configs.x={type: 'os:path'}"], ["os:path", "BaseOrchestrator"]),
        (["--set", "environment_configs.x={type: 'os:nowhere'}"], ["os:nowhere", "nowhere"]),
        (["--set", "environment_configs.x={type: 'broken:Thing'}"], ["broken:Thing", "SyntaxError"]),
        (
            ["--set", "environment_configs.x={type: nope}"],
            ["unknown environment 'nope'", "auction, elicitation, group_chat"],
        ),
        (["--set", "llm_configs=[{name: m, model: x}]"], ["OPENAI_API_KEY", "not set", "--offline"]),
        (["--set", "llm_configs=[{name: m, model: x, api_key_env: NO_KEY}]"], ["NO_KEY", "not set"]),
        (["--run-id", "no id/.."], ["'no id/..' is no run id"]),
        (["--run-id", "x" * 101], ["is no run id"]),
        (["--seed", "-1"], ["--seed: expected an integer", "got -1"]),
        (["--run-id", ""], ["--run-id: empty"]),
        (["other.yaml"], ["other.yaml", "No such file"]),
        (["empty.yaml"], ["empty.yaml", "empty"]),
        (["binary.yaml"], ["binary.yaml", "UTF-8"]),
        (["list.yaml"], ["list.yaml", "expected keys with values"]),
        (["not_yaml.yaml"], ["not_yaml.yaml:2", "not YAML"]),
        (["tagged.yaml"], ["tagged.yaml:1"]),
        (["a.yaml", "--config", "b.yaml"], ["a.yaml", "b.yaml"]),
        (["."], ["directory"]),
        (["--database", "nowhere/market.db"], ["nowhere", "does not exist"]),
        (["--database", "mysql://root@localhost/x"], ["mysql", "postgresql://"]),
        (["--database", "text.db"], ["text.db"]),
        (["--log-file", "nowhere/log.jsonl"], ["log file nowhere/log.jsonl cannot be written: No such file"]),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line(
    served: Cli, fake_model: FakeModel, words: list[str], told: Sequence[str]
) -> None:
    served.write("empty.yaml", "")
    served.write("list.yaml", "- a\n- b\n")
    served.write("not_yaml.yaml", "num_agents: [1\nmax_rounds: {\n")
    served.write("tagged.yaml", SMALL.replace("4", "!!python/object/apply:os.getpid []"))
    served.write("broken.py", "class Thing(:\n")
    served.write("text.db", "not a database, but longer than a header of a hundred bytes would be " * 4)
    (served.folder / "binary.yaml").write_bytes(bytes(range(128, 256)) * 20)
    done = served("run", *words)
    assert done.code == 2, done
    assert done.out == ""
    assert "Traceback" not in done.err
    assert len(done.complaints) == 1, done.err
    for part in told:
        assert part in done.complaints[0]
    assert len(done.complaints[0]) < 500
    assert_nothing_happened(served, fake_model)


def test_every_mistake_is_told_at_once_with_its_line(cli: Cli) -> None:
    cli.write(
        "bad.yaml",
        "num_agents: 0\nmax_rounds: two\nenvironment_order: [aution]\nsede: 4\nmemory: {window: -1}\n",
    )
    for verb in ("run", "validate"):
        done = cli(verb, "bad.yaml")
        assert done.code == 2
        assert len(done.complaints) == 5
        for line, key in (
            (1, "num_agents"),
            (2, "max_rounds"),
            (3, "environment_order"),
            (4, "sede"),
            (5, "window"),
        ):
            assert any(
                f"bad.yaml:{line}: " in complaint and key in complaint for complaint in done.complaints
            )
    assert not (cli.folder / DEFAULT).exists()


def test_a_file_that_is_right_is_called_so(small: Cli) -> None:
    told = small("validate")
    assert told.code == 0
    assert told.out == "orchestrator_config.yaml is right: 4 agents, 2 rounds of group_chat, auction\n"
    assert small("validate", "orchestrator_config.yaml", "--set", "num_agents=0").code == 2


def test_an_unreachable_postgresql(served: Cli, fake_model: FakeModel) -> None:
    port = free_port()
    done = served("run", "--database", f"postgresql://me:{CANARY}@{LOOPBACK}:{port}/market")
    assert done.code == 2
    assert len(done.complaints) == 1
    assert f"{LOOPBACK}:{port}/market" in done.complaints[0]
    assert CANARY not in done.err
    assert_nothing_happened(served, fake_model)


def test_an_unreachable_endpoint(served: Cli, fake_model: FakeModel) -> None:
    address = f"http://{LOOPBACK}:{free_port()}/v1"
    done = served("run", "--set", f'llm_configs=[{{name: m, model: x, base_url: "{address}"}}]')
    assert done.code == 2
    assert len(done.complaints) == 1
    assert address in done.complaints[0]
    assert "go on with" not in done.err
    assert_nothing_happened(served, fake_model)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_an_endpoint_that_refuses_costs_two_requests_at_most(
    served: Cli, fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    fake_model.set_faults([{"kind": "status", "code": code}])
    entries = json.dumps(asked(fake_model, api_key_env="CANARY_KEY"))
    done = served("run", "--set", f"llm_configs={entries}")
    assert done.code == 2
    assert len(done.complaints) == 1
    assert ("'fake-model'" if code == 404 else "CANARY_KEY") in done.complaints[0]
    assert CANARY not in done.err
    assert "go on with" not in done.err
    assert 1 <= len(fake_model.ledger()) <= 2
    assert query(f"sqlite:///{served.folder / DEFAULT}", "SELECT * FROM runs") == []


@pytest.mark.parametrize("code", [401, 404])
def test_an_endpoint_that_refuses_later_leaves_a_run_to_resume(
    served: Cli, fake_model: FakeModel, code: int
) -> None:
    # Each first reply is an answer, so the refusal strikes when the run has begun.
    fake_model.set_faults([{"kind": "status", "code": code, "match": "Round 2 of 2"}])
    done = served("run", "--run-id", "one")
    assert done.code == 3
    assert len(done.complaints) == 1
    assert "resume one" in done.err
    fake_model.set_faults([])
    assert served("resume", "one", "--quiet").code == 0


def test_a_folder_that_cannot_be_written(served: Cli, fake_model: FakeModel) -> None:
    # Not even root may write here.
    done = served("run", "--database", "/proc/market.db")
    assert done.code == 2
    assert len(done.complaints) == 1
    assert "/proc/market.db" in done.complaints[0]
    assert_nothing_happened(served, fake_model)


def test_a_database_that_is_not_there_is_not_made_to_be_looked_at(cli: Cli) -> None:
    for words in (
        ["runs"],
        ["runs", "show", "one"],
        ["digest", "one"],
        ["export", "one", "-o", "x"],
        ["resume", "one"],
    ):
        done = cli(*words)
        assert done.code == 2
        assert len(done.complaints) == 1
        assert DEFAULT in done.complaints[0]
    assert list(cli.folder.iterdir()) == []


def test_no_traceback_reaches_the_shell_either(shell: Shell) -> None:
    done = shell.run("run", "--set", "num_agents=0", "--set", "max_rounds=0")
    assert done.code == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == len(done.complaints) == 2
