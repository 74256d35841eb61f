"""The hardest faults as whole runs before a served model: what is stored is what a calm run would have stored.

Where a fault changes what is answered, two runs that differ in database and calls in flight must still agree.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from market_agents.meta_orchestrator import Start
from market_agents.storage import open_database
from tests.end_to_end.stage import SHIPPED, asked, call, change, fingerprint, in_flight, play, query, table
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery
from tests.rig.postgres import PostgresServer
from tests.rig.proxy import Proxy

SMALL = {"num_agents": 4, "max_rounds": 1}
VICTIM = "agent_3"


@pytest.fixture(scope="module")
def calm_small(tmp_path_factory: pytest.TempPathFactory, fake_model_of_module: FakeModel) -> tuple[str, int]:
    """Digest and requests of the small served run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("calm")
    url = f"sqlite:///{folder / 'market.db'}"
    result = play(folder, url, {**SMALL, "llm_configs": asked(fake_model_of_module)})
    return fingerprint(url, result.run_id), result.model_calls


@pytest.mark.parametrize(
    ("fault", "timeout"),
    [
        pytest.param({"kind": "status", "code": 429, "retry_after": 1, "first": 3}, 60.0, id="L01"),
        pytest.param({"kind": "status", "code": 429, "retry_after": "soon", "first": 3}, 60.0, id="L01-odd"),
        pytest.param({"kind": "status", "code": 503, "retry_after": -7, "first": 3}, 60.0, id="L01-negative"),
        pytest.param({"kind": "hang", "every": 20}, 3.0, id="L04"),
        pytest.param({"kind": "reset_mid_body", "every": 20}, 60.0, id="N01"),
        pytest.param({"kind": "lost_reply", "every": 20}, 60.0, id="N02"),
    ],
)
def test_L01_L04_N01_N02_what_passes_leaves_no_trace(
    tmp_path: Path,
    sqlite_url: str,
    fake_model: FakeModel,
    calm_small: tuple[str, int],
    fault: dict[str, object],
    timeout: float,
) -> None:
    digest, requests = calm_small
    fake_model.reset()
    fake_model.set_faults([fault])
    changes = {**SMALL, "llm_configs": asked(fake_model, timeout=timeout)}
    result = play(tmp_path, sqlite_url, changes)
    seen = fake_model.ledger()
    assert fingerprint(sqlite_url, result.run_id) == digest
    assert requests < len(seen) <= 1.3 * requests
    assert len({entry["idempotency_key"] for entry in seen}) == requests
    if fault.get("retry_after") == 1:
        # From its arrival, for the server may note the end a while after the client has seen it.
        pauses = [entry["time"] for entry in seen if entry["status"] == 429]
        assert len(pauses) == 3
        assert not [entry for entry in seen for begun in pauses if begun < entry["time"] < begun + 0.99]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "truncate", "cut": 1}, id="L08"),
        pytest.param({"kind": "malformed", "body": "deep_100000"}, id="L09-deep"),
        pytest.param({"kind": "malformed", "body": "digits_5000"}, id="L09-digits"),
        pytest.param({"kind": "malformed", "body": "two_objects"}, id="L09-two"),
        pytest.param({"kind": "huge_price"}, id="A01-huge"),
        pytest.param({"kind": "boolean_price"}, id="A01-boolean"),
        pytest.param({"kind": "number_as_string"}, id="A01-string"),
    ],
)
def test_L08_L09_A01_an_unusable_answer_is_the_same_everywhere(
    tmp_path: Path, sqlite_url: str, postgres_url: str, fake_model: FakeModel, fault: dict[str, object]
) -> None:
    fake_model.set_faults([{**fault, "match": f"You are {VICTIM},"}])
    digests = []
    for url, calls in ((sqlite_url, 64), (postgres_url, 1)):
        changes = {**SMALL, "llm_configs": asked(fake_model), "request_limits": in_flight(calls)}
        changes["max_abstention_share"] = 1.0
        play(tmp_path, url, changes, start=Start(run_id="one"))
        digests.append(fingerprint(url, "one"))
    assert digests[0] == digests[1]
    struck = {
        row["agent_id"] for row in table(sqlite_url, "llm_requests", "one") if row["status"] != "answered"
    }
    assert struck
    acts = [row for row in table(sqlite_url, "actions", "one") if row["verdict"] == "abstained"]
    assert {row["agent_id"] for row in acts} <= struck
    assert all(row["reason"] for row in acts)
    assert call(tmp_path, "replay", "one", "--quiet", "--database", sqlite_url).code == 0


def test_D11_any_text_is_stored_shown_and_exported(
    tmp_path: Path, sqlite_url: str, postgres_url: str
) -> None:
    odd = "NUL \x00, surrogate \ud800, \ufffe, \U0001f353, \x1b[31m, " + "x" * 100_000
    (tmp_path / "odd.py").write_text(
        "from market_agents.groupchat_orchestrator import GroupChatOrchestrator\n"
        f"ODD = {odd!r}\n"
        "class Odd(GroupChatOrchestrator):\n"
        "    async def think(self, agent, step, round_number, sub_round):\n"
        "        thought = await super().think(agent, step, round_number, sub_round)\n"
        "        if step.name == 'action':\n"
        "            agent.environments[self.name].step({'message': ODD, 'metadata': {ODD[:30]: ODD[:60]}})\n"
        "        return thought\n",
        encoding="utf-8",
    )
    written = {
        **SMALL,
        "environment_order": ["group_chat"],
        "environment_configs": {"group_chat": {"type": "odd:Odd"}},
        "seed": 3,
    }
    (tmp_path / "orchestrator_config.yaml").write_text(json.dumps(written), "utf-8")
    digests = []
    for url in (sqlite_url, postgres_url):
        flags = ("--database", url)
        done = call(tmp_path, "run", "--run-id", "one", *flags)
        assert done.code == 0, done.err
        assert "\x1b" not in done.err + done.out
        contents = {row["content"] for row in table(url, "messages", "one")}
        assert any("\U0001f353" in text and "\ufffe" in text and len(text) > 100_000 for text in contents)
        assert call(tmp_path, "export", "one", "--format", "jsonl", "-o", "out", *flags).code == 0
        digests.append(fingerprint(url, "one"))
    assert digests[0] == digests[1]


def test_D01_a_database_that_is_killed_three_times_is_waited_for(
    tmp_path: Path, nursery: Nursery, fake_model: FakeModel, calm_small: tuple[str, int]
) -> None:
    digest, requests = calm_small
    fake_model.reset()
    fake_model.set_faults([{"kind": "delay", "ms": 20, "jitter_ms": 20}])
    with PostgresServer() as server:
        url = server.create_database("market")
        entry = json.dumps(asked(fake_model))
        changes = ("--set", "num_agents=4", "--set", "max_rounds=1", "--set", f"llm_configs={entry}")
        limits = ("--set", "request_limits={openai: {max_in_flight: 4}}")
        nursery.start(tmp_path, "run", str(SHIPPED), *changes, *limits, "--run-id", "one", "--database", url)
        for moment in (5, 15, 25):
            until(fake_model, moment)
            server.restart(hard=True)
        done = nursery.end()
        assert done.code == 0, done.err
        assert fingerprint(url, "one") == digest
        assert len(fake_model.ledger()) == requests, "nothing was paid for twice"


def test_D02_an_acknowledgement_that_is_lost_doubles_nothing(
    tmp_path: Path,
    postgres_url: str,
    postgres_server: PostgresServer,
    fake_model: FakeModel,
    calm_small: tuple[str, int],
) -> None:
    digest, requests = calm_small
    fake_model.reset()
    with Proxy(postgres_server.port) as proxy:
        url = postgres_url.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        call(tmp_path, "db", "upgrade", "--database", url)
        # Slow in the middle, so that the run does not end before the proxy is told.
        fake_model.set_faults([{"kind": "delay", "ms": 2000, "after": 5}])

        def lose() -> None:
            until(fake_model, 6)
            proxy.losing = 3
            fake_model.set_faults([])

        losing = threading.Thread(target=lose)
        losing.start()
        play(tmp_path, url, {**SMALL, "llm_configs": asked(fake_model)}, start=Start(run_id="one"))
        losing.join()
        assert proxy.lost == 3
    assert fingerprint(postgres_url, "one") == digest
    keys = [row["request_key"] for row in query(postgres_url, "SELECT request_key FROM llm_requests")]
    assert len(keys) == len(set(keys)) == requests == len(fake_model.ledger())


def test_N03_an_answer_that_the_network_loses(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel, calm_small: tuple[str, int]
) -> None:
    digest, _ = calm_small
    fake_model.reset()
    with Proxy(fake_model.port) as proxy:
        proxy.losing = proxy.swallowing = 2
        address = f"http://127.0.0.1:{proxy.port}/v1"
        result = play(tmp_path, sqlite_url, {**SMALL, "llm_configs": asked(address, timeout=1.0)})
        assert (proxy.lost, proxy.swallowing) == (2, 0)
    assert fingerprint(sqlite_url, result.run_id) == digest
    rows = table(sqlite_url, "llm_requests", result.run_id)
    assert sum(row["attempts"] for row in rows) > len(fake_model.ledger()) >= len(rows) + 2


def until(model: FakeModel, requests: int) -> None:
    """Wait until the server has seen so many requests."""
    deadline = time.monotonic() + 600
    while len(model.ledger()) < requests:
        assert time.monotonic() < deadline, "the program asks too little"


def test_L14_another_model_stops_the_run_where_it_is_to_and_its_answers_are_kept(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "wrong_model", "model": "cheaper-model", "match": f"You are {VICTIM},"}])
    served = asked(fake_model)
    written = {
        **SMALL,
        "seed": 3,
        "environment_order": ["auction"],
        "llm_configs": [{**served[0], "other_model": "stop"}],
    }
    (tmp_path / "orchestrator_config.yaml").write_text(json.dumps(written), "utf-8")
    flags = ("--database", sqlite_url)
    stopped = call(tmp_path, "run", "--run-id", "one", *flags)
    assert stopped.code == 3
    assert "'cheaper-model' answered where 'fake-model'" in stopped.err
    assert "resume one" in stopped.err.splitlines()[-1]
    kept = {row["request_key"] for row in table(sqlite_url, "llm_requests", "one")}
    assert any(VICTIM in key for key in kept), "the answer was paid for"
    assert call(tmp_path, "resume", "one", *flags).code == 3, "it is still another model"
    allowed = call(tmp_path, "resume", "one", "--set", "llm_configs[0].other_model=warn", *flags)
    assert allowed.code == 0, allowed.err
    assert allowed.err.count("'cheaper-model' answered where") == 1
    assert len(fake_model.ledger()) == len(table(sqlite_url, "llm_requests", "one")), (
        "nothing was asked twice"
    )


def test_S01_of_a_thousand_agents_some_fail_and_the_others_act(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    fake_model.set_faults([{"kind": "refusal", "every": 20}])
    (tmp_path / "clumsy.py").write_text(
        "from market_agents.auction_orchestrator import AuctionOrchestrator\n"
        "class Clumsy(AuctionOrchestrator):\n"
        "    def make_steps(self):\n"
        "        steps = dict(super().make_steps())\n"
        "        steps['action'] = Stumbling(steps['action'])\n"
        "        return steps\n"
        "class Stumbling:\n"
        "    name = 'action'\n"
        "    def __init__(self, step): self.step = step\n"
        "    async def execute(self, agent):\n"
        "        if agent.id in ('agent_1', 'agent_500', 'agent_1000'):\n"
        "            raise ZeroDivisionError('a mistake of mine')\n"
        "        return await self.step.execute(agent)\n",
        encoding="utf-8",
    )
    written = {
        "num_agents": 1000,
        "max_rounds": 1,
        "seed": 3,
        "max_abstention_share": 1.0,
        "environment_order": ["auction"],
        "environment_configs": {"auction": {"type": "clumsy:Clumsy", "steps": ["action"]}},
        "llm_configs": asked(fake_model),
        "request_limits": in_flight(64),
    }
    (tmp_path / "orchestrator_config.yaml").write_text(json.dumps(written), "utf-8")
    done = call(tmp_path, "run", "--run-id", "one", "--quiet", "--database", sqlite_url)
    assert done.code == 0, done.err
    verdicts = Counter(row["verdict"] for row in table(sqlite_url, "actions", "one"))
    assert verdicts["failed"] == 3
    assert verdicts["abstained"] == 997 // 20
    assert verdicts.total() == 1000


def test_D07_a_full_disk_of_a_server_stops_the_run_resumably(
    tmp_path: Path, postgres_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(open_database.__kwdefaults__ or {}, "patience", 1.0)
    flags = ("--database", postgres_url)
    shutil.copy(SHIPPED, tmp_path)
    assert call(tmp_path, "db", "upgrade", *flags).code == 0
    full = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'"
    change(
        postgres_url,
        f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {full}; END$$",
    )
    change(postgres_url, "CREATE TRIGGER full_disk BEFORE INSERT ON trades EXECUTE FUNCTION full_disk()")
    run = ("--seed", "3", "--quiet", *(f"--set={key}={value}" for key, value in SMALL.items()))
    stopped = call(tmp_path, "run", "--run-id", "one", *run, *flags)
    assert stopped.code == 3
    assert "No space left on device" in stopped.err
    assert "resume one" in stopped.err
    change(postgres_url, "DROP TRIGGER full_disk ON trades")
    assert call(tmp_path, "resume", "one", "--quiet", *flags).code == 0
    assert call(tmp_path, "run", "--run-id", "one", *run, "--database", sqlite_url).code == 0
    assert fingerprint(postgres_url, "one") == fingerprint(sqlite_url, "one")
