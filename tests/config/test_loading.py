from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from market_agents.base_orchestrator import ENVIRONMENTS, environment_model
from market_agents.config import (
    EnvironmentConfig,
    LoadedConfig,
    ScheduleConfig,
    ShockConfig,
    config_from_mapping,
    parse_override,
    read_config,
)
from market_agents.errors import ConfigError, UserError
from tests.config.stand_ins import BASE, AuctionConfig, ChatConfig, load_mapping, load_text, plain

OLD_FILE = """\
num_agents: 20
max_rounds: 2
environment_order:
  - group_chat
  - auction
tool_mode: false
agent_config:
  num_units: 1
  buyer_base_value: 120.0
  seller_base_value: 80.0
  use_llm: true
  buyer_initial_cash: 1000.0
  buyer_initial_goods: 0
  seller_initial_cash: 0.0
  seller_initial_goods: 10
  good_name: "strawberry"
  noise_factor: 0.05
  max_relative_spread: 0.2
llm_configs:
  - name: "gpt-4o-mini"
    client: "openai"
    model: "gpt-4o-mini"
    temperature: 0.5
    max_tokens: 4096
    use_cache: true
  - name: "llama"
    client: "litellm"
    model: "llama-3.1-8b"
    base_url: "http://localhost:4000"
    temperature: 1
    max_tokens: 2048
    use_cache: false
environment_configs:
  auction:
    name: "Auction"
    address: "auction_environment_1"
    max_rounds: 1
    good_name: "apple"
  group_chat:
    name: "group_chat"
    address: "group_chat_environment_1"
    max_rounds: 1
    initial_topic: "Market Trends"
    sub_rounds: 2
    group_size: 100
    form_cohorts: false
protocol: "acl_message"
database_config:
  db_type: "postgres"
  db_name: "market_simulation"
  db_user: "db_user"
  db_password: "db_pwd@123"
  db_host: "localhost"
  db_port: "5433"
"""

ROOT = Path(__file__).parents[2]


def overrides(*texts: str) -> list[tuple[str, object]]:
    return [parse_override(text) for text in texts]


def test_three_keys_make_a_run_with_the_stand_in(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, BASE)
    assert loaded.warnings == ()
    assert loaded.path == tmp_path / "config.yaml"
    config = loaded.config
    assert (config.num_agents, config.max_rounds) == (10, 2)
    assert config.environment_order == ("group_chat", "auction")
    assert [entry.provider for entry in config.llm_configs] == ["offline"]
    assert config.agent_config.good_name == "strawberry"
    assert config.seed is None


def test_environments_without_an_entry_get_their_own_defaults(tmp_path: Path) -> None:
    config = load_text(tmp_path, BASE + "environment_configs:\n  auction:\n").config
    chat, auction = config.environment_configs["group_chat"], config.environment_configs["auction"]
    assert isinstance(chat, ChatConfig)
    assert chat.group_size == 4
    assert isinstance(auction, AuctionConfig)


def test_one_kind_runs_twice_under_two_names(tmp_path: Path) -> None:
    text = """\
num_agents: 4
max_rounds: 1
environment_order: [morning, evening]
environment_configs:
  morning: {type: auction, institution: lob}
  evening: {type: auction}
"""
    config = load_text(tmp_path, text).config
    assert config.environment_type("morning") == config.environment_type("evening") == "auction"
    morning = config.environment_configs["morning"]
    assert isinstance(morning, AuctionConfig)
    assert morning.institution == "lob"


def test_environments_that_the_order_leaves_out_stay_configured(tmp_path: Path) -> None:
    text = (
        "num_agents: 4\nmax_rounds: 1\nenvironment_order: [auction]\nenvironment_configs: {group_chat: {}}\n"
    )
    assert set(load_text(tmp_path, text).config.environment_configs) == {"auction", "group_chat"}


def test_empty_sections_mean_defaults(tmp_path: Path) -> None:
    text = (
        BASE
        + "agent_config:\nllm_configs:\nenvironment_configs:\nmemory:\nrequest_limits:\ndatabase_config:\n"
    )
    assert load_text(tmp_path, text).config == load_text(tmp_path, BASE).config


def test_a_file_of_an_earlier_version_loads_with_warnings(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, OLD_FILE)
    config = loaded.config
    assert config.llm_configs[1].provider == "openai"
    assert config.llm_configs[1].temperature == 1.0
    assert config.database_config.db_port == 5433
    assert config.environment_configs["auction"].max_rounds == 1
    place = str(tmp_path / "config.yaml")
    assert loaded.warnings == (
        f"{place}:27: llm_configs[1].client: litellm is an old name; write openai, the base_url stays",
        f"{place}:35: environment_configs.auction.name: differs from the key auction; the key counts",
        f"{place}:38: environment_configs.auction.good_name: differs from agent_config.good_name; "
        "the agents' good 'strawberry' is traded",
        f"{place}:52: database_config.db_password: a password in the file can be read by all who see it; "
        "move it into .env as DB_PASSWORD",
    )
    assert "db_pwd" not in repr(loaded)


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"agent_config": {"num_units": 11}}, "agent_config.seller_initial_goods", "10 goods do not cover"),
        (
            {"agent_config": {"num_units": 9}},
            "agent_config.buyer_initial_cash",
            "cash of 1000 does not cover",
        ),
        ({"agent_config": {"buyer_base_value": 70.0}}, "agent_config.buyer_base_value", "no trade can gain"),
        ({"agent_config": {"buyer_share": 0.0}}, "agent_config.buyer_share", "every agent is a seller"),
        ({"agent_config": {"buyer_share": 1.0}}, "agent_config.buyer_share", "every agent is a buyer"),
        ({"num_agents": 1}, "num_agents", "one agent has nobody to talk or trade with"),
    ],
)
def test_what_is_suspicious_warns(changes: dict[str, object], path: str, words: str) -> None:
    warnings = load_mapping(plain(**changes)).warnings
    assert any(f"{path}: " in warning and words in warning for warning in warnings)


def test_a_spread_that_lets_some_trade_does_not_warn() -> None:
    agents = {"buyer_base_value": 80.0, "seller_base_value": 90.0, "base_value_spread": 0.1}
    assert load_mapping(plain(agent_config=agents)).warnings == ()


def test_a_mapping_loads_as_the_file_does(tmp_path: Path) -> None:
    assert load_mapping(plain()).config == load_text(tmp_path, BASE).config


def test_a_mapping_is_left_as_it_was() -> None:
    data = plain(agent_config={"num_units": 1})
    load_mapping(data, overrides("agent_config.num_units=4", "seed=3"))
    assert data == plain(agent_config={"num_units": 1})


def test_mistakes_in_a_mapping_name_the_path_alone() -> None:
    with pytest.raises(ConfigError) as caught:
        load_mapping(plain(num_agents=0))
    assert str(caught.value) == "configuration: num_agents: expected an integer from 1 to 1,000,000, got 0"


def _ring() -> dict[str, object]:
    ring: dict[str, object] = {}
    ring["memory"] = ring
    return ring


def _well(depth: int) -> object:
    well: object = 1
    for _ in range(depth):
        well = [well]
    return well


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_ring(), "nested deeper than 50 levels"),
        (plain(memory=_well(100_000)), "nested deeper than 50 levels"),
        (plain(**{"a\0b": 1}), "a key must be plain text"),
        (plain(agent_config={"good_name": "straw\0berry"}), "the character U+0000 is not allowed"),
        (plain(agent_config={"good_name": "\ud800"}), "the character U+D800 is not allowed"),
        (plain(agent_config={3: "a"}), "agent_config: a key must be plain text, got 3"),
        (
            plain(num_agents=10**5000),
            "num_agents: expected an integer from 1 to 1,000,000, got a number of more",
        ),
        (plain(num_agents=object()), "num_agents: expected an integer from 1 to 1,000,000, got <object"),
        (plain(environment_order={"auction"}, llm_configs=3), "llm_configs: expected a list"),
    ],
)
def test_what_no_yaml_could_say_is_refused(data: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_mapping(data)
    assert words in str(caught.value)


def test_an_environment_that_cannot_be_imported_is_told_beside_the_rest() -> None:
    data = plain(environment_configs={"auction": {"type": "nowhere:Nothing"}}, seed=-1)
    with pytest.raises(ConfigError) as caught:
        load_mapping(data)
    assert [mistake.path for mistake in caught.value.mistakes] == ["environment_configs.auction.type", "seed"]


def shipped(name: str) -> LoadedConfig:
    """A shipped file, with the environments' own models."""
    return read_config(
        ROOT / name, environment_model=environment_model, known_environments=tuple(ENVIRONMENTS)
    )


@pytest.mark.parametrize(
    "name", ["orchestrator_config.yaml", "configs/development.yaml", "configs/production.yaml"]
)
def test_shipped_files_load_without_warnings(name: str) -> None:
    assert shipped(name).warnings == ()


def test_the_shipped_file_writes_out_every_key_and_its_default_where_it_says_so() -> None:
    config = shipped("orchestrator_config.yaml").config
    assert set(type(config).model_fields) == config.model_fields_set
    written = (config.agent_config, config.memory, config.personas, *config.llm_configs)
    for section in written:
        assert set(type(section).model_fields) == section.model_fields_set
    for environment in config.environment_configs.values():
        assert set(type(environment).model_fields) == environment.model_fields_set


@pytest.mark.parametrize(
    ("texts", "path", "expected"),
    [
        (["num_agents=4"], "num_agents", 4),
        (["num_agents=4", "num_agents=5"], "num_agents", 5),
        (["agent_config.num_units=4"], "agent_config.num_units", 4),
        (["agent_config.good_name='12'"], "agent_config.good_name", "12"),
        (["agent_config.good_name=a: b"], "agent_config.good_name", "a: b"),
        (["agent_config.good_name=a=b"], "agent_config.good_name", "a=b"),
        (["agent_config.use_llm=false"], "agent_config.use_llm", False),
        (["environment_order=[auction]"], "environment_order", ("auction",)),
        (["memory={window: 7}"], "memory.window", 7),
        (["seed="], "seed", None),
        (["environment_configs.auction.institution=lob"], "environment_configs.auction.institution", "lob"),
    ],
)
def test_overrides_change_single_keys(tmp_path: Path, texts: list[str], path: str, expected: object) -> None:
    value: object = load_text(tmp_path, BASE, overrides(*texts)).config
    for key in path.split("."):
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    assert value == expected


@pytest.mark.parametrize("model", [ScheduleConfig, ShockConfig])
def test_the_shipped_file_tells_of_every_key_of_a_schedule(model: type[BaseModel]) -> None:
    words = (ROOT / "orchestrator_config.yaml").read_text("utf-8")
    assert all(f"{key}: " in words or f"{key}:  " in words for key in model.model_fields)


def test_an_override_reaches_into_a_list(tmp_path: Path) -> None:
    config = load_text(
        tmp_path, OLD_FILE, overrides("llm_configs[1].weight=3", "llm_configs[0].client=offline")
    ).config
    assert [entry.weight for entry in config.llm_configs] == [1.0, 3.0]
    assert config.llm_configs[0].provider == "offline"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agent_config.num_unit=3", "--set agent_config.num_unit: unknown key; did you mean 'num_units'?"),
        ("max_round=3", "--set max_round: unknown key; did you mean 'max_rounds'?"),
        ("num_agents=few", "--set num_agents: expected an integer from 1 to 1,000,000, got 'few'"),
        ("num_agents.x=3", "--set num_agents.x: a single value stands here, without keys below it"),
        (
            "llm_configs.name=a",
            "--set llm_configs.name: a list stands here; name an item by its number in brackets",
        ),
        (
            "llm_configs[2].name=a",
            "--set llm_configs[2].name: a list stands here; name an item of 2, counted from 0",
        ),
        ("agent_config[0]=a", "--set agent_config[0]: a mapping stands here; name one of its keys"),
        (
            "request_limits[0]=a",
            "--set request_limits[0]: request_limits is not set, so there is no item of it to change",
        ),
        ("memory={windw: 7}", "--set memory.windw: unknown key; did you mean 'window'?"),
    ],
)
def test_a_bad_override_is_told_without_a_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, OLD_FILE, overrides(text))
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "num_agents", "=3", "a b=3", "a..b=3", "a[x]=3", ".a=3", "[0]=3"])
def test_an_override_without_path_or_value_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"expected key\.path=value"):
        parse_override(text)


@pytest.mark.parametrize("text", ["a=[1, 2", "a={b: 1, b: 2}", "a=[*x]", "a='x"])
def test_an_override_that_yaml_refuses_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set a: "):
        parse_override(text)


def test_users_may_bring_a_model_that_has_no_json_schema() -> None:
    class Thing:
        """Something that JSON cannot describe."""

    class Odd(EnvironmentConfig):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: Thing = Field(default_factory=Thing)
        depth: int = Field(default=1, ge=1, le=9)

    data = plain(environment_order=["odd"], environment_configs={"odd": {"thing": 3, "depth": 0}})
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(data, environment_model=lambda _name: Odd, known_environments=("odd",))
    told = {mistake.path: mistake.message for mistake in caught.value.mistakes}
    assert told["environment_configs.odd.thing"].endswith("got 3")
    assert told["environment_configs.odd.depth"] == "Input should be greater than or equal to 1, got 0"
