from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from market_agents import config as room
from market_agents.config import (
    AgentConfig,
    DatabaseConfig,
    EnvironmentConfig,
    LLMConfig,
    RequestLimits,
    SimulationConfig,
)
from tests.config.stand_ins import load_mapping, plain


def models() -> Iterator[type[BaseModel]]:
    for name in room.__all__:
        thing = getattr(room, name)
        if isinstance(thing, type) and issubclass(thing, BaseModel):
            yield thing


def test_the_door_shows_what_may_be_used() -> None:
    assert set(room.__all__) == {
        "NOT_DECISIVE",
        "AgentConfig",
        "BudgetConfig",
        "Caps",
        "DatabaseConfig",
        "EarlierRounds",
        "EnvironmentConfig",
        "EnvironmentModel",
        "JudgeConfig",
        "Finding",
        "LLMConfig",
        "LoadedConfig",
        "MarketConfig",
        "MemoryConfig",
        "NegotiatingConfig",
        "NegotiationConfig",
        "PersonaConfig",
        "Renewal",
        "RequestLimits",
        "ScheduleConfig",
        "ShockConfig",
        "SimulationConfig",
        "StrictModel",
        "TradedGood",
        "api_key",
        "base_url",
        "config_difference",
        "config_from_mapping",
        "config_hash",
        "config_of_round",
        "config_to_mapping",
        "database_url",
        "listing",
        "markets_of",
        "negotiating",
        "parse_override",
        "read_config",
        "read_environment",
        "refused_overrides",
        "suggestion",
        "traded_goods",
    }
    assert all(hasattr(room, name) for name in room.__all__)


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_key_is_described_and_every_model_strict(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"]
    assert model.model_config["strict"]
    assert not model.model_config["allow_inf_nan"]
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_number_has_both_bounds(model: type[BaseModel]) -> None:
    for name, schema in model.model_json_schema().get("properties", {}).items():
        for variant in schema.get("anyOf", [schema]):
            if variant.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & set(variant), name
                assert "maximum" in variant, name


def test_a_configuration_cannot_be_changed() -> None:
    config = load_mapping(plain()).config
    with pytest.raises(ValidationError):
        config.num_agents = 3


def test_python_users_meet_the_same_checks() -> None:
    with pytest.raises(ValidationError, match="unknown environment 'auction'"):
        SimulationConfig(num_agents=2, max_rounds=1, environment_order=("auction",))
    with pytest.raises(ValidationError, match="client openai needs the provider's name of a model"):
        LLMConfig(name="a", client="openai")
    with pytest.raises(ValidationError, match="expected action among the steps"):
        EnvironmentConfig(steps=("perception",))


def test_a_validation_error_shows_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        DatabaseConfig.model_validate({"db_port": "canary", "db_password": 3})
    assert "canary" not in str(caught.value)


def test_roles_alternate_from_a_buyer() -> None:
    agents = AgentConfig()
    assert [agents.role_of(index) for index in range(1, 5)] == ["buyer", "seller", "buyer", "seller"]


@given(st.floats(0, 1), st.integers(1, 300))
def test_shares_hold_and_one_more_agent_changes_no_role(share: float, count: int) -> None:
    agents = AgentConfig(buyer_share=share)
    roles = [agents.role_of(index) for index in range(1, count + 1)]
    assert roles.count("buyer") == agents.buyers_among(count)
    assert abs(roles.count("buyer") - share * count) < 1.000001


def test_a_share_means_the_decimal_that_was_written() -> None:
    assert AgentConfig(buyer_share=0.1).buyers_among(10) == 1
    assert AgentConfig(buyer_share=0.7).buyers_among(10) == 7


def test_the_tick_is_exact() -> None:
    assert load_mapping(plain(tick_size=0.1)).config.tick == Decimal("0.1")
    assert load_mapping(plain(tick_size=1e-6)).config.tick == Decimal("0.000001")


def test_limits_go_by_name_then_client_then_default() -> None:
    models: list[object] = [
        {"name": "a", "model": "m"},
        {"name": "b", "model": "m"},
        {"name": "c", "client": "vllm", "model": "m", "base_url": "http://h/v1"},
        {"name": "d", "client": "offline"},
    ]
    limits = {"a": {"max_in_flight": 1}, "openai": {"max_in_flight": 2}, "vllm": {"max_in_flight": 3}}
    config = load_mapping(plain(llm_configs=models, request_limits=limits)).config
    assert [config.limits_of(entry).max_in_flight for entry in config.llm_configs] == [1, 2, 3, 64]
    assert config.limits_of(config.llm_configs[3]) == RequestLimits()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, False),
        ({"db_name": "x"}, False),
        ({"db_host": "h"}, True),
        ({"db_user": "u"}, True),
        ({"db_type": "postgres"}, True),
        ({"db_type": "postgresql"}, True),
        ({"db_type": "sqlite", "db_host": "h"}, False),
    ],
)
def test_which_keys_mean_postgresql(keys: dict[str, object], expected: bool) -> None:
    assert DatabaseConfig.model_validate(keys).is_postgres is expected


@pytest.mark.parametrize("port", [5433, "5433"])
def test_a_port_is_a_number_or_its_digits(port: object) -> None:
    assert DatabaseConfig.model_validate({"db_port": port}).db_port == 5433


@pytest.mark.parametrize("port", ["x", "", "99999", 0, -1, 1.5, True, "5433 "])
def test_other_ports_are_refused(port: object) -> None:
    with pytest.raises(ValidationError):
        DatabaseConfig.model_validate({"db_port": port})
