"""Every request that the server saw is accounted for, every row leads back to one, and no secret leads anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.end_to_end.stage import CANARY, Ended, Shell, asked, call, change, play, query, table
from tests.rig.fake_model_client import FakeModel
from tests.rig.postgres import PostgresServer

TRACED = ("orders", "messages", "perceptions", "actions", "observations", "reflections", "topics")
DSN_CANARY = "dsn-canary-51ab"
FILE_CANARY = "file-canary-90fe"
YAML_CANARY = "yaml-canary-c2d4"
CANARIES = (CANARY, DSN_CANARY, FILE_CANARY, YAML_CANARY)


def test_attempts_are_the_requests_that_the_server_saw(
    tmp_path: Path, database_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "status", "code": 500, "every": 9}, {"kind": "no_schema_400"}])
    result = play(tmp_path, database_url, {"llm_configs": asked(fake_model)})
    requests = table(database_url, "llm_requests", result.run_id)
    seen = fake_model.ledger()
    assert sum(row["attempts"] for row in requests) == len(seen) == result.model_calls
    assert len(seen) > len(requests) == result.asks
    paid = [entry for entry in seen if entry["paid"]]
    assert len(paid) == len({entry["request_hash"] for entry in paid}), "an answer was paid for twice"


def test_every_row_leads_to_the_ask_behind_it(
    tmp_path: Path, database_url: str, fake_model: FakeModel
) -> None:
    result = play(tmp_path, database_url, {"llm_configs": asked(fake_model)})
    requests = {row["request_key"]: row for row in table(database_url, "llm_requests", result.run_id)}
    for name in TRACED:
        rows = table(database_url, name, result.run_id)
        assert rows, name
        for row in rows:
            request = requests[row["request_key"]]
            assert request["round"] == row["round"]
            assert request["environment"] == row["environment"]
    for order in table(database_url, "orders", result.run_id):
        decided = json.loads(requests[order["request_key"]]["response"])
        assert decided["action"] == order["side"]
        assert float(decided["price"]) == pytest.approx(float(order["price"]))
        assert requests[order["request_key"]]["agent_id"] == order["agent_id"]
    for message in table(database_url, "messages", result.run_id):
        assert json.loads(requests[message["request_key"]]["response"])["message"] == message["content"]
        assert requests[message["request_key"]]["agent_id"] == message["sender_id"]


def assert_no_canary(*texts: str) -> None:
    for text in texts:
        for canary in CANARIES:
            assert canary not in text


def everything(shell: Shell, url: str) -> list[str]:
    """Every table and every file in the folder, but the one that holds the secrets."""
    names = query(
        url,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    )
    texts = [str(query(url, f"SELECT * FROM {row['name']}")) for row in names]
    assert len(texts) > 20
    files = [
        path
        for path in shell.folder.rglob("*")
        if path.is_file() and path.name not in {".env", "secret.yaml"}
    ]
    return [*texts, *(path.read_text(encoding="utf-8") for path in files)]


@pytest.fixture
def canary_url(postgres_server: PostgresServer, postgres_url: str) -> str:
    """A database whose owner's password is a canary."""
    role = postgres_url.rpartition("/")[2].replace("market_", "canary_")
    change(postgres_url, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{DSN_CANARY}'")
    place = postgres_url.rpartition("@")[2]
    return f"postgresql://{role}:{DSN_CANARY}@{place}"


def commands(run_id: str) -> Sequence[Sequence[str]]:
    return (
        ("runs",),
        ("runs", "show", run_id),
        ("digest", run_id),
        ("replay", run_id),
        ("resume", run_id),
        ("db", "check"),
        ("export", run_id, "--format", "csv", "-o", "out_csv"),
        ("export", run_id, "--format", "jsonl", "-o", "out_jsonl"),
    )


def test_no_secret_is_found_anywhere(shell: Shell, canary_url: str, fake_model: FakeModel) -> None:
    entries = [
        *asked(fake_model, api_key_env="CANARY_KEY"),
        {**asked(fake_model, api_key_env="FILE_KEY")[0], "name": "other"},
    ]
    shell.folder.joinpath(".env").write_text(f"FILE_KEY={FILE_CANARY}\n", encoding="utf-8")
    written = {
        "num_agents": 4,
        "max_rounds": 1,
        "environment_order": ["group_chat", "auction"],
        "llm_configs": entries,
        "database_config": {"db_type": "postgres", "db_password": YAML_CANARY, "db_host": "127.0.0.1"},
    }
    shell.folder.joinpath("secret.yaml").write_text(json.dumps(written), encoding="utf-8")
    flags = ("--database", canary_url)
    run = shell.run("run", "secret.yaml", "--run-id", "one", "--log-file", "log.jsonl", *flags)
    assert run.code == 0, run.err
    outputs: list[Ended] = [run]
    # Nothing is asked any more, so no key is needed.
    for words in commands("one"):
        outputs.append(call(shell.folder, *words, *flags))
        assert outputs[-1].code == 0, outputs[-1].err
    assert {entry["authorization"] for entry in fake_model.ledger()} != {None}
    assert_no_canary(
        *(text for done in outputs for text in (done.out, done.err)), *everything(shell, canary_url)
    )


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_server_that_repeats_the_key_gives_nothing_away(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    echo = {"error": {"message": f"bad key {CANARY}, not Bearer {CANARY}"}}
    fake_model.set_faults([{"kind": "status", "code": code, "body": echo}])
    entries = json.dumps(asked(fake_model, api_key_env="CANARY_KEY"))
    tmp_path.joinpath("orchestrator_config.yaml").write_text(
        f"num_agents: 2\nmax_rounds: 1\nenvironment_order: [auction]\nllm_configs: {entries}\n",
        encoding="utf-8",
    )
    done = call(tmp_path, "run", "--database", sqlite_url, "--log-file", "log.jsonl")
    # What a key or a model is refused for is a mistake at once; that each ask is refused shows only after some.
    assert done.code == (3 if code in {400, 422} else 2), done.err
    assert "Traceback" not in done.err
    rows = [str(query(sqlite_url, f"SELECT * FROM {name}")) for name in ("runs", "llm_requests", "actions")]
    assert_no_canary(done.out, done.err, tmp_path.joinpath("log.jsonl").read_text(encoding="utf-8"), *rows)


def test_a_wrong_password_is_refused_without_being_shown(tmp_path: Path, canary_url: str) -> None:
    wrong = canary_url.replace(DSN_CANARY, f"wrong-{DSN_CANARY}")
    done = call(tmp_path, "runs", "--database", wrong)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert len(done.complaints) == 1
    assert_no_canary(done.out, done.err)
