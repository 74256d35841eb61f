"""Mixed populations: who gets which mind, and what is refused where."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_agents.agents.generation import generate_agents, minds
from market_agents.config.traders import TraderConfig, assign_traders
from market_agents.errors import ConfigError
from market_agents.whole_config import load_config
from tests.end_to_end.stage import SHIPPED

MODELS = [
    {"name": "gpt", "model": "gpt", "base_url": "http://localhost:1/v1"},
    {"name": "offline", "client": "offline"},
]


class Patient:
    """A user's own strategy."""

    def act(self, observation: dict[str, Any], rng: Random) -> dict[str, Any]:
        return {"action": "hold"}


def minds_of(traders: list[dict[str, Any]], agents: int = 12, **changes: object) -> list[str]:
    config = load_config(
        SHIPPED,
        [
            ("agent_config.traders", traders),
            ("num_agents", agents),
            ("llm_configs", MODELS),
            *((f"agent_config.{key}", value) for key, value in changes.items()),
        ],
    )
    return [agent.strategy_name or agent.llm_config.name for agent in generate_agents(config)]


def test_shares_are_kept_among_buyers_as_among_sellers() -> None:
    got = minds_of([{"strategy": "zi_c", "share": 0.5}, {"model": "gpt", "share": 0.5}])
    assert Counter(got[0::2]) == Counter(got[1::2]) == {"zi_c": 3, "gpt": 3}


def test_lists_come_first_and_the_rest_is_as_use_llm_says() -> None:
    got = minds_of(
        [{"model": "gpt", "agents": ["agent_1", "agent_4"]}, {"strategy": "zip", "share": 0.4}], use_llm=False
    )
    assert (got[0], got[3]) == ("gpt", "gpt")
    assert Counter(got) == {"gpt": 2, "zip": 4, "zi_c": 6}


def test_a_share_may_count_among_one_role_only() -> None:
    got = minds_of(
        [
            {"strategy": "kaplan", "share": 1.0, "role": "seller"},
            {"model": "gpt", "share": 1.0, "role": "buyer"},
        ]
    )
    assert got == ["gpt", "kaplan"] * 6


def test_a_users_own_class_is_found() -> None:
    name = f"{__name__}:Patient"
    assert minds_of([{"strategy": name, "share": 1.0}], 2) == [name, name]


def test_only_models_that_are_needed_can_be_asked() -> None:
    def needed(traders: list[dict[str, Any]], use_llm: bool) -> list[str]:
        changes = [
            ("agent_config.traders", traders),
            ("agent_config.use_llm", use_llm),
            ("llm_configs", MODELS),
        ]
        return [entry.name for entry in minds(load_config(SHIPPED, changes))]

    assert needed([], False) == ["offline"]
    assert needed([{"strategy": "zi_c", "share": 0.5}], True) == ["gpt", "offline"]
    assert sorted(needed([{"model": "gpt", "share": 0.5}], False)) == ["gpt", "offline"]


shares = st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5]), max_size=3).filter(
    lambda found: sum(found) <= 1
)


@given(
    shares=shares, roles=st.lists(st.sampled_from(["buyer", "seller"]), max_size=60), more=st.integers(1, 5)
)
def test_one_more_agent_changes_no_other_and_every_start_keeps_the_shares(
    shares: list[float], roles: list[str], more: int
) -> None:
    entries = [TraderConfig(strategy=f"s{place}", share=share) for place, share in enumerate(shares)]
    got = assign_traders(entries, roles)
    assert assign_traders(entries, [*roles, *["buyer"] * more])[: len(roles)] == got
    for role in ("buyer", "seller"):
        own = [entry for entry, theirs in zip(got, roles, strict=True) if theirs == role]
        for entry in entries:
            assert abs(sum(chosen is entry for chosen in own) - (entry.share or 0) * len(own)) < 2


@pytest.mark.parametrize(
    ("traders", "place", "message"),
    [
        (
            "[{strategy: genius, share: 0.5}]",
            "traders[0].strategy",
            "unknown strategy 'genius'; known are zi_c",
        ),
        ("[{strategy: 'fixed:cheap', share: 1.0}]", "traders[0].strategy", "as in fixed:99.5"),
        ("[{strategy: 'fixed:nan', share: 1.0}]", "traders[0].strategy", "must be a finite number"),
        (
            "[{strategy: 'fixed:0.005', share: 1.0}]",
            "traders[0].strategy",
            "expected a multiple of tick_size",
        ),
        ("[{strategy: 'fixed:0', share: 1.0}]", "traders[0].strategy", "expected at least tick_size"),
        ("[{strategy: 'no_such:Class', share: 1.0}]", "traders[0].strategy", "ModuleNotFoundError"),
        ("[{strategy: 'pathlib:Path', share: 1.0}]", "traders[0].strategy", "it has no method act"),
        ("[{model: ofline, share: 0.5}, {model: offline, share: 0.5}]", "", ""),
        ("[{strategy: zi_c, share: 0.7}, {strategy: zip, share: 0.4}]", "traders", "add up to 1.1"),
        ("[{strategy: zi_c}]", "traders[0]", "expected either share or agents"),
        ("[{share: 0.5}]", "traders[0]", "expected either strategy or model"),
        ("[{strategy: zi_c, agents: [agent_11]}]", "traders[0].agents[0]", "they are agent_1 to agent_10"),
        ("[{strategy: zi_c, agents: [agent_1, agent_1]}]", "traders[0].agents[1]", "for the second time"),
        ("[{strategy: zi_c, agents: [agent_1], role: buyer}]", "traders[0].role", "counts for a share only"),
        ("[{strategy: zi_c, share: 0.5, sahre: 1}]", "traders[0].sahre", "unknown"),
    ],
)
def test_mistakes_are_told_with_line_and_place(
    tmp_path: Path, traders: str, place: str, message: str
) -> None:
    file = tmp_path / "mixed.yaml"
    file.write_text(
        f"num_agents: 10\nmax_rounds: 1\nenvironment_order: [auction]\nagent_config:\n  traders: {traders}\n"
    )
    if not place:
        assert len(load_config(file).agent_config.traders) == 2  # the stand-in alone answers for every model
        return
    with pytest.raises(ConfigError) as refused:
        load_config(file)
    told = str(refused.value)
    assert f"{file}:5: agent_config.{place}" in told
    assert message in told
