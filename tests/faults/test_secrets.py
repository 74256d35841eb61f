"""X01: canaries in environment, file, header and DSN; every error forced; and none of them found anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.stage import Ended, asked, change, query
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery
from tests.rig.postgres import PostgresServer

KEY, OWN, DSN = "sk-canary-7f3a9b1c5d", "own-canary-1122aabb", "dsn-canary-51ab77"
CANARIES = (KEY, OWN, DSN)
BLABBING = """
import os
from market_agents.auction_orchestrator import AuctionOrchestrator

class Blabbing(AuctionOrchestrator):
    async def think(self, agent, step, round_number, sub_round):
        async def tell(*_):
            raise RuntimeError("the key is " + os.environ["CANARY_KEY"] + " at " + os.environ["DATABASE_URL"])
        if agent.id == "agent_1":
            step = type("Telling", (), {"name": step.name, "execute": tell, "environment_name": self.name})()
        return await super().think(agent, step, round_number, sub_round)

class Broken(AuctionOrchestrator):
    def begin_round(self, round_number):
        raise RuntimeError("no " + os.environ["CANARY_KEY"] + os.environ["FREE_NAME"] + os.environ["DATABASE_URL"])
"""


@pytest.fixture
def dsn(postgres_url: str) -> str:
    """A database whose owner's password is a canary."""
    role = postgres_url.rpartition("/")[2].replace("market_", "canary_")
    change(postgres_url, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{DSN}'")
    return f"postgresql://{role}:{DSN}@{postgres_url.rpartition('@')[2]}"


def assert_nowhere(folder: Path, url: str, *ended: Ended) -> None:
    names = query(
        url, "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    texts = [str(query(url, f"SELECT * FROM {row['name']}")) for row in names]
    texts += [path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()]
    texts += [text for done in ended for text in (done.out, done.err)]
    for canary in CANARIES:
        assert not [text for text in texts if canary in text], canary


@pytest.mark.parametrize("kind", ["Blabbing", "Broken"])
def test_X01_whatever_raises_it_no_canary_gets_out(
    tmp_path: Path, nursery: Nursery, fake_model: FakeModel, dsn: str, kind: str
) -> None:
    (tmp_path / "blabbing.py").write_text(BLABBING, "utf-8")
    echo = {"error": {"message": f"bad key {OWN}, Bearer {OWN}"}}
    fake_model.set_faults(
        [
            {"kind": "status", "code": 500, "every": 5, "body": echo},
            {"kind": "reset_mid_body", "every": 7},
            {"kind": "malformed", "body": "html", "every": 11},
            {"kind": "status", "code": 400, "match": "agent_3", "body": echo},
        ]
    )
    written = {
        "num_agents": 4,
        "max_rounds": 1,
        "environment_order": ["auction"],
        "environment_configs": {"auction": {"type": f"blabbing:{kind}"}},
        "llm_configs": asked(fake_model, api_key_env="FREE_NAME"),
        "max_abstention_share": 1.0,
    }
    (tmp_path / "orchestrator_config.yaml").write_text(json.dumps(written), "utf-8")
    variables = {"CANARY_KEY": KEY, "FREE_NAME": OWN, "DATABASE_URL": dsn, "OPENAI_LOG": "debug"}
    flags = ("--run-id", "one", "--log-file", "log.jsonl")
    done = nursery.run(tmp_path, "run", *flags, **variables)
    assert done.code == (0 if kind == "Blabbing" else 1), done.err
    told = done.err + (tmp_path / "log.jsonl").read_text("utf-8")
    assert f"RuntimeError: {'the key is ' if kind == 'Blabbing' else 'no '}" in told
    others = [
        nursery.run(tmp_path, *words, **variables)
        for words in (
            ("runs", "show", "one"),
            ("resume", "one"),
            ("export", "one", "--format", "csv", "-o", "out"),
            ("db", "backup", "saved.db"),
        )
    ]
    assert_nowhere(tmp_path, dsn, done, *others)


def test_X01_a_database_that_refuses_tells_no_password(
    tmp_path: Path, nursery: Nursery, dsn: str, postgres_server: PostgresServer
) -> None:
    wrong = dsn.replace(f":{DSN}@", f":wrong-{DSN}@")
    refused = nursery.run(tmp_path, "runs", DATABASE_URL=wrong, OPENAI_LOG="debug")
    unreachable = nursery.run(tmp_path, "runs", DATABASE_URL=dsn.replace(str(postgres_server.port), "1"))
    for done in (refused, unreachable):
        assert done.code == 2
        assert DSN not in done.out + done.err
