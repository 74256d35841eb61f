from __future__ import annotations

from typing import Any

import pytest

from market_agents.config import LLMConfig, RequestLimits
from market_agents.errors import UserError
from market_agents.inference import MemoryJournal, ModelDoor, Outcome, build_endpoints
from market_agents.inference.endpoints import Endpoint
from market_agents.inference.providers.offline import OfflineProvider
from tests.inference.doors import request
from tests.rig.fake_model_client import FakeModel

ADDRESS = "http://127.0.0.1:8000/v1"


def entry(name: str, **changes: Any) -> LLMConfig:
    return LLMConfig(**{"name": name, "model": "m", "base_url": ADDRESS, **changes})


def build(*entries: LLMConfig, **changes: Any) -> dict[str, Endpoint]:
    told: dict[str, Any] = {"environment": {}, "request_limits": {}, "seed": 1}
    return build_endpoints(entries, **{**told, **changes})


def test_entries_of_one_server_share_limits_and_health() -> None:
    built = build(entry("a"), entry("b", model="n", temperature=1.0))
    assert built["a"] is built["b"]


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://127.0.0.1:9000/v1"},
        {"api_key_env": "OTHER_KEY"},
        {"timeout": 5.0},
        {"total_timeout": 700.0},
        {"client": "offline", "base_url": None},
    ],
)
def test_entries_that_differ_where_it_counts_do_not(changes: dict[str, Any]) -> None:
    built = build(entry("a"), entry("b", **changes), environment={"OTHER_KEY": "sk-other"})
    assert built["a"] is not built["b"]


async def test_limits_go_by_entry_and_then_by_client() -> None:
    limits = {"a": RequestLimits(max_in_flight=1), "openai": RequestLimits(max_in_flight=2)}
    built = build(entry("a"), entry("b"), entry("c", client="offline", base_url=None), request_limits=limits)
    most = {name: endpoint.limits.max_in_flight for name, endpoint in built.items()}
    assert most == {"a": 1, "b": 2, "c": RequestLimits().max_in_flight}


async def test_entries_of_one_server_and_key_share_their_limits() -> None:
    built = build(entry("a"), entry("b", timeout=5.0), entry("c", base_url="http://127.0.0.1:9000/v1"))
    assert built["a"].limits is built["b"].limits
    assert built["a"].limits is not built["c"].limits


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        build(entry("a", base_url=None))
    with pytest.raises(UserError, match="MY_KEY"):
        build(entry("a", api_key_env="MY_KEY"))


def test_offline_needs_neither_key_nor_server() -> None:
    (endpoint,) = build(LLMConfig(name="offline", client="offline")).values()
    assert isinstance(endpoint.provider, OfflineProvider)


async def _asked(fake: FakeModel, environment: dict[str, str], **changes: Any) -> Outcome:
    config = LLMConfig(**{"name": "a", "model": "gpt-4o-mini", **changes})
    door = ModelDoor(build(config, environment=environment), MemoryJournal())
    outcome = await door.ask(request(model="gpt-4o-mini"), config)
    assert len(fake.ledger()) == 1
    return outcome


async def test_the_address_of_the_environment_is_the_one_asked_and_priced(fake_model: FakeModel) -> None:
    environment = {"OPENAI_BASE_URL": fake_model.base_url, "OPENAI_API_KEY": "sk-real"}
    outcome = await _asked(fake_model, environment)
    assert outcome.returned_model == "gpt-4o-mini"
    assert outcome.cost is None


async def test_openais_key_goes_nowhere_else(fake_model: FakeModel) -> None:
    await _asked(fake_model, {"OPENAI_API_KEY": "sk-real"}, base_url=fake_model.base_url)
    (without,) = fake_model.ledger()
    fake_model.reset()
    environment = {"OPENAI_API_KEY": "sk-real", "OPENAI_BASE_URL": fake_model.base_url}
    await _asked(fake_model, environment)
    (with_key,) = fake_model.ledger()
    assert without["authorization"] != with_key["authorization"]


def test_a_second_pair_of_variables_in_the_process_changes_nothing(
    fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    (endpoint,) = build(entry("a", base_url=None), environment={"OPENAI_API_KEY": "sk-real"}).values()
    assert endpoint.provider.base_url is None
