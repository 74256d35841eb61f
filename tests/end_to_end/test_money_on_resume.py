"""What a killed run may have paid counts when it goes on, and is named."""

from __future__ import annotations

import json
import signal
from decimal import Decimal

from tests.end_to_end.conftest import Calm
from tests.end_to_end.stage import (
    SHIPPED,
    Shell,
    asked,
    call,
    ended,
    fingerprint,
    query,
    table,
    until_asked,
)
from tests.rig.fake_model_client import FakeModel

PRICES = {"input_price": 2.0, "output_price": 8.0}
FOUR = {"openai": {"max_in_flight": 4}}


def settings(model: FakeModel, **budget: object) -> list[str]:
    given = {"llm_configs": asked(model, **PRICES), "request_limits": FOUR, "budget": budget}
    return [word for key, value in given.items() for word in ("--set", f"{key}={json.dumps(value)}")]


def test_calls_in_flight_at_a_kill_count_at_their_worst_and_are_named(
    shell: Shell, database_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    place = ("--database", database_url)
    fake_model.set_faults([{"kind": "delay", "ms": 5}, {"kind": "hang", "match": '"role"', "every": 30}])
    process = shell.start(
        "run",
        str(SHIPPED),
        "--run-id",
        "one",
        *place,
        *settings(fake_model, max_calls=100_000, max_cost=1000.0),
    )
    until_asked(fake_model, 40, process)
    process.kill()
    assert ended(process).code == -signal.SIGKILL
    fake_model.set_faults([])
    intents = table(database_url, "llm_intents", "one")
    assert 1 <= len(intents) <= 4
    worst = sum(Decimal(str(row["reserved_cost"])) for row in intents)
    assert worst > 0

    answered = query(database_url, "SELECT SUM(attempts) AS calls FROM llm_requests")[0]["calls"]
    # A cap that leaves room for one more call only counts what was in flight.
    refused = call(
        shell.folder,
        "resume",
        "one",
        *place,
        "--set",
        f"budget.max_calls={answered + len(intents)}",
        "--quiet",
    )
    assert refused.code == 3, refused.err
    assert f"{answered + len(intents)} calls spent" in refused.err
    assert len(table(database_url, "llm_intents", "one")) == len(intents)

    done = call(shell.folder, "resume", "one", *place)
    assert done.code == 0, done.err
    assert fingerprint(database_url, "one") == calm.digest
    [line] = [line for line in done.out.splitlines() if "may have been paid" in line]
    assert f"{len(intents)} call" in line
    assert f"${worst:.4f}" in line
    assert any(row["request_key"] in line for row in intents)
    assert table(database_url, "llm_intents", "one") == []
    rows = table(database_url, "llm_requests", "one")
    assert sum(row["unconfirmed_attempts"] for row in rows) == len(intents)
    assert sum(row["attempts"] for row in rows) == calm.requests + len(intents) >= len(fake_model.ledger())
    assert "may have been paid" in call(shell.folder, "runs", "show", "one", *place).out


def test_without_any_cap_what_was_in_flight_at_a_kill_is_named_all_the_same(
    shell: Shell, sqlite_url: str, fake_model: FakeModel, calm: Calm
) -> None:
    place = ("--database", sqlite_url)
    fake_model.set_faults([{"kind": "hang", "match": '"role"', "every": 30}])
    process = shell.start("run", str(SHIPPED), "--run-id", "one", *place, *settings(fake_model))
    until_asked(fake_model, 40, process)  # the thirtieth hangs, and commits of others have come after it
    process.kill()
    assert ended(process).code == -signal.SIGKILL
    fake_model.set_faults([])
    intents = table(sqlite_url, "llm_intents", "one")
    assert 1 <= len(intents) <= 4
    worst = sum(Decimal(str(row["reserved_cost"])) for row in intents)
    assert worst > 0
    assert "may have been paid" in call(shell.folder, "runs", "show", "one", *place).out

    done = call(shell.folder, "resume", "one", *place)
    assert done.code == 0, done.err
    assert fingerprint(sqlite_url, "one") == calm.digest
    warned = " ".join(done.err.split())
    assert f"{len(intents)} call{'s' * (len(intents) > 1)} in flight when the run stopped" in warned
    assert f"${worst:.4f}" in warned
    assert table(sqlite_url, "llm_intents", "one") == []
    rows = table(sqlite_url, "llm_requests", "one")
    assert sum(row["unconfirmed_attempts"] for row in rows) == len(intents)
