from __future__ import annotations

import json

import pytest

from market_agents.config import NOT_DECISIVE, config_difference, config_hash, config_to_mapping
from tests.config.stand_ins import load_mapping, plain

ENTRY = {"name": "a", "client": "openai", "model": "m", "base_url": "http://one/v1"}
FULL = plain(
    seed=7,
    llm_configs=[ENTRY],
    environment_configs={"auction": {"institution": "lob"}, "group_chat": {}},
    database_config={"db_type": "postgres", "db_password": "canary", "db_host": "h"},
)


def changed(**changes: object) -> dict[str, object]:
    return {**FULL, **changes}


FREE = [
    changed(database_config={"db_name": "other.db"}),
    changed(request_limits={"openai": {"max_in_flight": 3}}),
    changed(max_abstention_share=0.9),
    changed(llm_configs=[{**ENTRY, "timeout": 5.0}]),
    changed(llm_configs=[{**ENTRY, "total_timeout": 500.0}]),
    changed(llm_configs=[{**ENTRY, "use_cache": True}]),
    changed(llm_configs=[{**ENTRY, "base_url": "http://two/v1"}]),
    changed(llm_configs=[{**ENTRY, "api_key_env": "OTHER_KEY"}]),
    changed(environment_configs={**dict(FULL["environment_configs"]), "spare": {"type": "auction"}}),  # type: ignore[call-overload]
]

DECISIVE = [
    (changed(seed=8), ["seed: 7 -> 8"]),
    (changed(seed=None), ["seed: 7 -> nothing"]),
    (changed(num_agents=12), ["num_agents: 10 -> 12"]),
    (changed(max_rounds=3), ["max_rounds: 2 -> 3"]),
    (changed(agent_config={"num_units": 4}), ["agent_config.num_units: 1 -> 4"]),
    (changed(memory={"window": 1}), ["memory.window: 3 -> 1"]),
    (changed(llm_configs=[{**ENTRY, "model": "n"}]), ["llm_configs[0].model: 'm' -> 'n'"]),
    (changed(llm_configs=[{**ENTRY, "temperature": 0.5}]), ["llm_configs[0].temperature: nothing -> 0.5"]),
    (
        changed(environment_configs={"group_chat": {}}),
        ["environment_configs.auction.institution: 'lob' -> 'midpoint'"],
    ),
    (
        changed(environment_order=["auction", "group_chat"]),
        [
            "environment_order[0]: 'group_chat' -> 'auction'",
            "environment_order[1]: 'auction' -> 'group_chat'",
        ],
    ),
]


def of(data: dict[str, object]) -> tuple[str, dict[str, object]]:
    config = load_mapping(data).config
    return config_hash(config), config_to_mapping(config)


def test_equal_configurations_hash_equal_however_they_are_written() -> None:
    assert of(FULL)[0] == of(dict(reversed(FULL.items())))[0]
    assert of(changed(agent_config={}))[0] == of(changed(agent_config={"buyer_base_value": 120}))[0]
    assert len(of(FULL)[0]) == 64


@pytest.mark.parametrize("data", FREE)
def test_what_does_not_decide_results_may_differ(data: dict[str, object]) -> None:
    assert of(data)[0] == of(FULL)[0]
    assert config_difference(of(FULL)[1], of(data)[1]) == []


@pytest.mark.parametrize(("data", "difference"), DECISIVE)
def test_what_decides_results_is_told(data: dict[str, object], difference: list[str]) -> None:
    assert of(data)[0] != of(FULL)[0]
    assert config_difference(of(FULL)[1], of(data)[1]) == difference


def test_every_free_key_exists() -> None:
    tree = of(FULL)[1]
    for path in NOT_DECISIVE:
        place: object = tree
        for part in path:
            if part == "*":
                assert isinstance(place, list | dict)
                place = place[0] if isinstance(place, list) else next(iter(place.values()))
            else:
                assert isinstance(place, dict)
                assert part in place
                place = place[part]


def test_one_more_model_is_told_key_by_key() -> None:
    more = changed(llm_configs=[ENTRY, {"name": "b", "client": "offline"}])
    difference = config_difference(of(FULL)[1], of(more)[1])
    assert "llm_configs[1].name: not there -> 'b'" in difference


def test_the_mapping_is_json_without_the_password_and_loads_back() -> None:
    config = load_mapping(FULL).config
    tree = config_to_mapping(config)
    assert "canary" not in json.dumps(tree)
    again = load_mapping(json.loads(json.dumps(tree))).config
    assert config_to_mapping(again) == tree
    assert config_hash(again) == config_hash(config)
    assert again.environment_configs == config.environment_configs
