"""Bad files: each mistake is told with its line and key path, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.errors import ConfigError, ExitCode
from tests.config.stand_ins import BASE, load_mapping, load_text, plain


class Bad(NamedTuple):
    text: str
    line: int
    path: str
    words: str


ONE = "num_agents: 10\nmax_rounds: 2\nenvironment_order: [auction]\n"
AGENTS = BASE + "agent_config:\n"
MODELS = BASE + "llm_configs:\n"
WORLDS = BASE + "environment_configs:\n"
CUT = "max_rounds: 2\nenvironment_order: [auction]\n"

BAD = [
    # Types
    Bad("num_agents: ten\n" + CUT, 1, "num_agents", "expected an integer from 1 to 1,000,000, got 'ten'"),
    Bad("num_agents: '10'\n" + CUT, 1, "num_agents", "got '10'; write 10, without quotes"),
    Bad("num_agents: 1_000\n" + CUT, 1, "num_agents", "got '1_000'; write 1000, without quotes"),
    Bad("num_agents: 1,000\n" + CUT, 1, "num_agents", "got '1,000'; write 1000, without quotes"),
    Bad("num_agents: 1,5\n" + CUT, 1, "num_agents", "expected an integer from 1 to 1,000,000, got '1,5'"),
    Bad(
        AGENTS + "  buyer_base_value: 120,5\n",
        5,
        "agent_config.buyer_base_value",
        "write 120.5, without quotes",
    ),
    Bad("num_agents: 10.0\n" + CUT, 1, "num_agents", "got 10.0; write 10"),
    Bad("num_agents: 1.5\n" + CUT, 1, "num_agents", "expected an integer from 1 to 1,000,000, got 1.5"),
    Bad("num_agents: true\n" + CUT, 1, "num_agents", "got true"),
    Bad("num_agents:\n" + CUT, 1, "num_agents", "expected an integer from 1 to 1,000,000, got nothing"),
    Bad("num_agents: [10]\n" + CUT, 1, "num_agents", "got a list"),
    Bad("num_agents: {a: 1}\n" + CUT, 1, "num_agents", "got a mapping"),
    Bad("num_agents: 12:30:00\n" + CUT, 1, "num_agents", "got '12:30:00'"),
    Bad("num_agents: 0o17\n" + CUT, 1, "num_agents", "got '0o17'"),
    Bad(
        AGENTS + "  use_llm: NO\n", 5, "agent_config.use_llm", "expected true or false, got 'NO'; write false"
    ),
    Bad(AGENTS + "  use_llm: on\n", 5, "agent_config.use_llm", "got 'on'; write true"),
    Bad(AGENTS + "  use_llm: 1\n", 5, "agent_config.use_llm", "expected true or false, got 1"),
    Bad(AGENTS + "  good_name: 12\n", 5, "agent_config.good_name", 'got 12; write it in quotes: "12"'),
    Bad(AGENTS + "  good_name: ''\n", 5, "agent_config.good_name", "expected text of 1 to 200 characters"),
    Bad(AGENTS + "  - num_units: 1\n", 4, "agent_config", "expected a mapping of keys to values, got a list"),
    Bad(BASE + "memory: 3\n", 4, "memory", "expected a mapping of keys to values, got 3"),
    Bad(BASE + "tool_mode: 'true'\n", 4, "tool_mode", "got 'true'; write true"),
    Bad(BASE + "protocol: kqml\n", 4, "protocol", "expected 'acl_message', got 'kqml'"),
    Bad(
        BASE + "seed: abc\n", 4, "seed", "expected an integer from 0 to 9,223,372,036,854,775,807, got 'abc'"
    ),
    # Ranges
    Bad("num_agents: 0\n" + CUT, 1, "num_agents", "expected an integer from 1 to 1,000,000, got 0"),
    Bad("num_agents: -3\n" + CUT, 1, "num_agents", "got -3"),
    Bad("num_agents: " + "9" * 5000 + "\n" + CUT, 1, "num_agents", "got inf"),
    Bad("num_agents: 2000000\n" + CUT, 1, "num_agents", "got 2000000"),
    Bad(
        "max_rounds: 0\nnum_agents: 4\nenvironment_order: [auction]\n",
        1,
        "max_rounds",
        "from 1 to 100,000, got 0",
    ),
    Bad(
        AGENTS + "  buyer_base_value: .nan\n", 5, "agent_config.buyer_base_value", "expected a number above 0"
    ),
    Bad(AGENTS + "  buyer_initial_cash: .inf\n", 5, "agent_config.buyer_initial_cash", "got inf"),
    Bad(AGENTS + "  buyer_initial_cash: 1e400\n", 5, "agent_config.buyer_initial_cash", "got inf"),
    Bad(AGENTS + "  seller_base_value: 0\n", 5, "agent_config.seller_base_value", "above 0 and at most"),
    Bad(
        AGENTS + "  seller_base_value: 0.001\n",
        5,
        "agent_config.seller_base_value",
        "at least one tick (0.01)",
    ),
    Bad(AGENTS + "  seller_initial_goods: 1.5\n", 5, "agent_config.seller_initial_goods", "got 1.5"),
    Bad(
        AGENTS + "  noise_factor: 1\n",
        5,
        "agent_config.noise_factor",
        "expected a number from 0 to 0.9, got 1",
    ),
    Bad(AGENTS + "  buyer_share: 2\n", 5, "agent_config.buyer_share", "expected a number from 0 to 1, got 2"),
    Bad(BASE + "tick_size: 0.0000015\n", 4, "tick_size", "at most six digits after the point"),
    Bad(BASE + "seed: 9223372036854775808\n", 4, "seed", "got 9223372036854775808"),
    # Keys
    Bad(BASE + "max_round: 2\n", 4, "max_round", "unknown key; did you mean 'max_rounds'?"),
    Bad(BASE + "Seed: 2\n", 4, "Seed", "unknown key; did you mean 'seed'?"),
    Bad(BASE + "num_units: 2\n", 4, "num_units", "unknown key; it belongs into agent_config"),
    Bad(BASE + "num_sellers: 12\n", 4, "num_sellers", "set num_agents and agent_config.buyer_share"),
    Bad(BASE + "zzz: 2\n", 4, "zzz", "unknown key; known: agent_config, batch, budget, database_config"),
    Bad(AGENTS + "  num_unit: 2\n", 5, "agent_config.num_unit", "unknown key; did you mean 'num_units'?"),
    Bad(CUT, 1, "num_agents", "missing; expected an integer from 1 to 1,000,000"),
    Bad("num_agents: 4\nmax_rounds: 1\n", 1, "environment_order", "missing; expected a list of at least 1"),
    Bad(ONE + "num_agents: 4\n", 4, "num_agents", "duplicate key, first given in line 1"),
    Bad(AGENTS + "  num_units: 1\n  num_units: 2\n", 6, "agent_config.num_units", "first given in line 5"),
    Bad(BASE + "1: a\n", 4, "", 'a key must be text, got 1; write it in quotes: "1"'),
    # Environments
    Bad("num_agents: 4\nmax_rounds: 1\nenvironment_order: []\n", 3, "environment_order", "got an empty list"),
    Bad(
        "num_agents: 4\nmax_rounds: 1\nenvironment_order: auction\n",
        3,
        "environment_order",
        "got 'auction'; write it as a list: [auction]",
    ),
    Bad(
        "num_agents: 4\nmax_rounds: 1\nenvironment_order:\n  - group_chat\n  - auctoin\n",
        5,
        "environment_order[1]",
        "unknown environment 'auctoin'; did you mean 'auction'?; known: auction, group_chat",
    ),
    Bad(
        "num_agents: 4\nmax_rounds: 1\nenvironment_order:\n  - auction\n  - auction\n",
        5,
        "environment_order[1]",
        "another key in environment_configs, with type: auction",
    ),
    Bad(
        "num_agents: 4\nmax_rounds: 1\nenvironment_order: [3]\n",
        3,
        "environment_order[0]",
        "expected text, got 3",
    ),
    Bad(
        WORLDS + "  auctoin: {}\n",
        5,
        "environment_configs.auctoin",
        "did you mean 'auction'?; known: auction",
    ),
    Bad(
        WORLDS + "  market: {}\n",
        5,
        "environment_configs.market",
        "an entry with a name of its own says its type",
    ),
    Bad(WORLDS + "  b:\n    type: chat\n", 6, "environment_configs.b.type", "did you mean 'group_chat'?"),
    Bad(
        WORLDS + "  b:\n    type: nowhere:Nothing\n",
        6,
        "environment_configs.b.type",
        "cannot be imported: no module",
    ),
    Bad(
        WORLDS + "  a b: {type: auction}\n",
        5,
        "environment_configs.a b",
        "expected a name of letters, digits",
    ),
    Bad(
        WORLDS + "  auction: 3\n",
        5,
        "environment_configs.auction",
        "expected a mapping of keys to values, got 3",
    ),
    Bad(
        WORLDS + "  auction:\n    god_name: x\n",
        6,
        "environment_configs.auction.god_name",
        "unknown key; did you mean 'good_name'?",
    ),
    Bad(
        WORLDS + "  auction:\n    institution: lop\n",
        6,
        "environment_configs.auction.institution",
        "expected one of midpoint, lob, got 'lop'; did you mean 'lob'?",
    ),
    Bad(
        WORLDS + "  auction:\n    steps: [reflection]\n",
        6,
        "environment_configs.auction.steps",
        "expected action",
    ),
    Bad(
        WORLDS + "  auction:\n    steps: [action, action]\n",
        6,
        "environment_configs.auction.steps",
        "each step once",
    ),
    Bad(
        WORLDS + "  auction:\n    steps: [acton]\n",
        6,
        "environment_configs.auction.steps[0]",
        "did you mean 'action'?",
    ),
    Bad(WORLDS + "  auction:\n    max_price: -1\n", 6, "environment_configs.auction.max_price", "above 0"),
    # Models
    Bad(MODELS + "  []\n", 4, "llm_configs", "expected a list of at least 1"),
    Bad(MODELS + "  name: a\n", 4, "llm_configs", "got a mapping"),
    Bad(MODELS + "  - client: offline\n", 5, "llm_configs[0].name", "missing; expected text"),
    Bad(
        MODELS + "  - {name: a}\n",
        5,
        "llm_configs[0].model",
        "missing; client openai needs the provider's name",
    ),
    Bad(MODELS + "  - name: a\n    client: opnai\n", 6, "llm_configs[0].client", "did you mean 'openai'?"),
    Bad(
        MODELS + "  - {name: a, model: m, client: vllm}\n",
        5,
        "llm_configs[0].base_url",
        "means openai with a base_url",
    ),
    Bad(
        MODELS + "  - name: a\n    model: m\n    temperature: 3\n",
        7,
        "llm_configs[0].temperature",
        "from 0 to 2, got 3",
    ),
    Bad(
        MODELS + "  - name: a\n    model: m\n    timeout: 600\n",
        5,
        "llm_configs[0].total_timeout",
        "at least timeout (600)",
    ),
    Bad(
        MODELS + "  - name: a\n    model: m\n    base_url: ftp://x\n",
        7,
        "llm_configs[0].base_url",
        "begins with http",
    ),
    Bad(
        MODELS + "  - name: a\n    model: m\n    base_url: http://a..b/v1\n",
        7,
        "llm_configs[0].base_url",
        "1 to 63 characters between its dots",
    ),
    Bad(
        MODELS + "  - {name: a, client: offline}\n  - name: a\n    client: offline\n",
        6,
        "llm_configs[1].name",
        "'a' is taken by another entry",
    ),
    Bad(MODELS + "  - {name: a, client: offline, weight: 0}\n", 4, "llm_configs", "every weight is 0"),
    Bad(
        BASE + "request_limits:\n  opnai: {max_in_flight: 3}\n",
        5,
        "request_limits.opnai",
        "neither a client nor the name of an llm_configs entry; did you mean 'openai'?",
    ),
    Bad(
        BASE + "request_limits:\n  openai:\n    max_in_flight: 0\n",
        6,
        "request_limits.openai.max_in_flight",
        "from 1 to 10,000, got 0",
    ),
    # Database
    Bad(
        BASE + "database_config:\n  db_port: 99999\n",
        5,
        "database_config.db_port",
        "from 1 to 65,535, got 99999",
    ),
    Bad(
        BASE + "database_config:\n  db_type: postgre\n",
        5,
        "database_config.db_type",
        "did you mean 'postgres'?",
    ),
    # The file
    Bad("", 1, "", "the file is empty"),
    Bad("# nothing\n", 1, "", "the file is empty"),
    Bad("---\n", 1, "", "expected keys with values, such as num_agents: 10, got nothing"),
    Bad("- num_agents: 10\n", 1, "", "expected keys with values, such as num_agents: 10, got a list"),
    Bad("num_agents\n", 1, "", "got 'num_agents'"),
    Bad("agent_config:\n\tnum_units: 1\n", 2, "", "a tab in the indentation; write spaces"),
    Bad("num_agents: 10\n max_rounds: 2\n", 2, "", "not YAML"),
    Bad("num_agents: &n 10\n" + CUT, 1, "num_agents", "an anchor is not allowed"),
    Bad("num_agents: !!int 10\n" + CUT, 1, "num_agents", "a tag is not allowed"),
    Bad(ONE + "---\nseed: 1\n", 4, "", "a second document begins here"),
    Bad(ONE + "<<: {seed: 1}\n", 4, "", "the merge key << is not allowed"),
]


def found_in(folder: Path, text: str) -> Sequence[tuple[str, int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text)
    assert caught.value.exit_code is ExitCode.USER_MISTAKE
    assert all(mistake.file == str(folder / "config.yaml") for mistake in caught.value.mistakes)
    return [(mistake.path, mistake.line, mistake.message) for mistake in caught.value.mistakes]


def test_the_table_is_long_enough() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.path or 'file'}: {bad.text[-24:]!r}"[:60])
def test_a_mistake_is_told_once_with_line_path_and_remedy(tmp_path: Path, bad: Bad) -> None:
    found = found_in(tmp_path, bad.text)
    assert [(path, line) for path, line, _ in found] == [(bad.path, bad.line)]
    assert bad.words in found[0][2]
    assert "\n" not in found[0][2]


def test_all_mistakes_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
num_agents: NO
max_round: 2
environment_order: [auction, nowhere]
agent_config: {use_llm: yes, num_unit: 3}
seed: 1
seed: 2
llm_configs:
  - {client: opnai, temperature: 3}
  - {name: a, client: vllm}
request_limits: {gpt: {max_in_flight: 0}}
environment_configs:
  auction: {god_name: x, max_price: 0, steps: [perception]}
memory: {window: *all}
"""
    found = found_in(tmp_path, text)
    assert sorted((line or 0, path) for path, line, _ in found) == [
        (1, "max_rounds"),
        (1, "num_agents"),
        (2, "max_round"),
        (3, "environment_order[1]"),
        (4, "agent_config.num_unit"),
        (4, "agent_config.use_llm"),
        (6, "seed"),
        (8, "llm_configs[0].client"),
        (8, "llm_configs[0].name"),
        (8, "llm_configs[0].temperature"),
        (9, "llm_configs[1].base_url"),
        (9, "llm_configs[1].model"),
        (10, "request_limits.gpt"),
        (10, "request_limits.gpt.max_in_flight"),
        (12, "environment_configs.auction.god_name"),
        (12, "environment_configs.auction.max_price"),
        (12, "environment_configs.auction.steps"),
        (13, "memory.window"),
    ]
    lines = [line or 0 for _, line, _ in found]
    assert lines == sorted(lines)


def test_a_mistake_reads_file_line_path_and_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, BASE + "agent_config: {num_unit: 3}\n")
    where = f"{tmp_path / 'config.yaml'}:4: agent_config.num_unit"
    assert str(caught.value) == f"{where}: unknown key; did you mean 'num_units'?"


@pytest.mark.parametrize(
    "text",
    [
        "llm_configs: [{name: a, model: m, api_key: sk-canary}]\n",
        "llm_configs: [{name: a, model: m, api_key_env: sk-canary}]\n",
        "llm_configs: [{name: a, model: m, base_url: 'https://me:sk-canary@host/v1'}]\n",
        "llm_configs: [{name: a, model: m, base_url: 'https://host/v1?key=sk-canary'}]\n",
        "llm_configs: [{name: a, model: m, base_url: 'sk-canary'}]\n",
        "database_config: 'postgresql://me:sk-canary@host/db'\n",
        "database_config: {db_password: [sk-canary]}\n",
        "database_config: {db_password: 'sk-canary', db_port: 0}\n",
        "database_config: {db_password: &sk-canary x}\n",
        "database_config: {password: sk-canary}\n",
        "OPENAI_API_KEY: sk-canary\n",
    ],
)
def test_no_message_repeats_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, BASE + text)
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_in_the_file_is_answered_by_where_keys_stand(tmp_path: Path) -> None:
    found = found_in(tmp_path, BASE + "llm_configs: [{name: a, model: m, api_key: sk-x}]\n")
    assert found[0][2] == "unknown key; keys stand in .env; name the variable with api_key_env"


def test_of_thousands_of_mistakes_a_hundred_are_shown(tmp_path: Path) -> None:
    found = found_in(tmp_path, BASE + "".join(f"k{number}: 1\n" for number in range(5000)))
    assert len(found) == 101
    assert found[-1][2] == "4900 more mistakes"


def told(data: Mapping[str, object]) -> list[str]:
    """What is said about a tree; whatever else it raises fails the test."""
    try:
        load_mapping(data)
    except ConfigError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


_KEYS = st.sampled_from(
    [
        "num_agents",
        "max_rounds",
        "environment_order",
        "seed",
        "agent_config",
        "num_units",
        "llm_configs",
        "name",
        "client",
        "model",
        "base_url",
        "environment_configs",
        "auction",
        "type",
        "steps",
        "request_limits",
        "openai",
        "database_config",
        "db_port",
        "memory",
        "<<",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=8))
def test_any_tree_loads_or_is_refused_in_single_lines(tree: dict[str, object]) -> None:
    assert all(line.startswith("configuration: ") and "\n" not in line for line in told(tree))


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_any_tree_below_good_keys_too(tree: dict[str, object]) -> None:
    lines = told({**tree, **plain()})
    assert not any(
        line.startswith(("configuration: num_agents", "configuration: max_rounds")) for line in lines
    )
