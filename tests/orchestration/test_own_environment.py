"""Environments and minds that users write: named in the YAML, journalled, resumed, and no danger to the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import Start
from tests.end_to_end.stage import Row, asked, change, fingerprint, play, table
from tests.rig.fake_model_client import FakeModel

MODULE = '''\
from dataclasses import dataclass

from pydantic import Field

from market_agents.agents.cognitive_steps import ActionStep
from market_agents.base_orchestrator import BaseOrchestrator
from market_agents.config import EnvironmentConfig
from market_agents.environments import Environment, Mechanism
from market_agents.errors import IllegalAction


class Guessing(Mechanism):
    """Everybody names a number."""

    def __init__(self, highest):
        super().__init__()
        self.highest = highest
        self.guesses = {}

    def join(self, agent_id, role):
        self.guesses[agent_id] = None

    def check(self, agent_id, action):
        guess = action.get("guess")
        if not isinstance(guess, int) or not 0 <= guess <= self.highest:
            raise IllegalAction(f"guess a number from 0 to {self.highest}")
        return guess

    def apply(self, agent_id, guess):
        self.guesses[agent_id] = guess
        return {"status": "accepted", "guess": guess}

    def observe(self, agent_id):
        return {"round": self.round, "highest": self.highest}

    def global_state(self):
        return dict(self.guesses)


class Guess(ActionStep):
    """Returns what to do; every third agent fails in its own way."""

    async def execute(self, agent):
        number = int(agent.id.removeprefix("agent_"))
        if number == 3:
            raise ZeroDivisionError("a mistake of mine")
        if number == 4:
            return {"guess": 10_000}
        if number == 5:
            agent.environments[self.environment_name].step({"guess": 5})
            return {"guess": 6}
        if number == 6:
            return None
        return {"guess": number}


class Asking(ActionStep):
    """Asks the model twice in its own words."""

    async def execute(self, agent):
        said = []
        for word in ("first", "second"):
            question = [{"role": "user", "content": f"{agent.id}, {word}?"}]
            said.append((await agent.llm_orchestrator.generate(question)).content)
        return {"guess": sum(map(len, said)) % 100}


class GuessingConfig(EnvironmentConfig):
    """Its keys."""

    highest: int = Field(100, ge=1)


class GuessingOrchestrator(BaseOrchestrator[GuessingConfig]):
    """Runs it."""

    config_model = GuessingConfig
    step = Guess

    def make_environment(self):
        return Environment(self.name, Guessing(self.config.highest))

    def make_steps(self):
        return {"action": self.step(self.name)}


class AskingOrchestrator(GuessingOrchestrator):
    """With a mind that asks."""

    step = Asking


class NoOrchestrator:
    """Not one."""
'''


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user's module beside the configuration."""
    (tmp_path / "guessing_game.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("guessing_game", None)


def game(kind: str = "GuessingOrchestrator", **keys: object) -> dict[str, object]:
    """Changes to the shipped file that play the user's game before the auction."""
    entry = {"type": f"guessing_game:{kind}", "steps": ["action"], **keys}
    return {
        "num_agents": 8,
        "environment_order": ["game", "auction"],
        "environment_configs.game": entry,
        "max_abstention_share": 1.0,
    }


def actions(url: str, run_id: str, number: int = 1) -> dict[str, Row]:
    """What agents did in the game in a round."""
    rows = [
        row
        for row in table(url, "actions", run_id)
        if row["environment"] == "game" and row["round"] == number
    ]
    assert len({row["agent_id"] for row in rows}) == len(rows), "one act each"
    return {row["agent_id"]: row for row in rows}


def test_a_third_environment_runs_beside_the_shipped_ones(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, game())
    assert result.status == "completed"
    done = actions(sqlite_url, result.run_id)
    assert len(done) == 8
    for agent in ("agent_1", "agent_2", "agent_7", "agent_8"):
        assert done[agent]["verdict"] == "accepted"
        assert json.loads(done[agent]["content"]) == {"guess": int(agent[-1])}
    assert table(sqlite_url, "trades", result.run_id)


def test_a_step_that_fails_stops_nobody_else(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, game())
    for number in (1, 2):
        done = actions(sqlite_url, result.run_id, number)
        assert (done["agent_3"]["verdict"], done["agent_3"]["action"]) == ("failed", "none")
        assert "ZeroDivisionError: a mistake of mine" in done["agent_3"]["reason"]
        assert done["agent_4"]["verdict"] == "rejected"
        assert "from 0 to 100" in done["agent_4"]["reason"]
        assert done["agent_6"]["verdict"] == "passed"


def test_a_step_that_has_stepped_is_not_stepped_again(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, game())
    done = actions(sqlite_url, result.run_id)["agent_5"]
    assert done["verdict"] == "accepted"
    assert json.loads(done["content"]) == {"guess": 5}


def test_the_users_own_keys_are_checked(tmp_path: Path, sqlite_url: str) -> None:
    result = play(tmp_path, sqlite_url, game(highest=7))
    assert actions(sqlite_url, result.run_id)["agent_8"]["verdict"] == "rejected"
    for wrong in ({"highest": 0}, {"lowest": 3}, {"highest": "many"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            play(tmp_path, sqlite_url, game(**wrong))


def test_a_class_that_is_no_orchestrator_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    with pytest.raises(ConfigError, match="no subclass of BaseOrchestrator"):
        play(tmp_path, sqlite_url, game("NoOrchestrator"))
    with pytest.raises(ConfigError, match="Missing"):
        play(tmp_path, sqlite_url, game("Missing"))


def test_the_users_own_calls_are_journalled_and_resumed(
    tmp_path: Path, sqlite_url: str, fake_model: FakeModel
) -> None:
    changes = {**game("AskingOrchestrator"), "llm_configs": asked(fake_model)}
    result = play(tmp_path, sqlite_url, changes, start=Start(run_id="one"))
    requests = [row for row in table(sqlite_url, "llm_requests", "one") if row["environment"] == "game"]
    assert len(requests) == 8 * 2 * 2
    keys = {row["request_key"] for row in requests}
    assert "r1/0.game/s1/agent_1/action/2" in keys
    for row in actions(sqlite_url, "one").values():
        assert row["request_key"].endswith("/action/2")
    before, seen = fingerprint(sqlite_url, "one"), len(fake_model.ledger())
    assert seen == result.model_calls

    change(sqlite_url, "UPDATE runs SET status = 'interrupted'")
    change(sqlite_url, "DELETE FROM llm_requests WHERE request_key = 'r2/0.game/s1/agent_4/action/1'")
    again = play(tmp_path, sqlite_url, changes, start=Start(run_id="one", resume=True))
    assert again.replayed == again.asks - 1
    assert len(fake_model.ledger()) == seen + 1
    assert fingerprint(sqlite_url, "one") == before

    play(tmp_path, sqlite_url, changes, start=Start(run_id="one", replay=True))
    assert len(fake_model.ledger()) == seen + 1
