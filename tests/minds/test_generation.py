from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from market_agents.agents.generation import generate_agents, minds
from market_agents.agents.market_agent import Endowment
from market_agents.agents.protocols import ACLMessage
from market_agents.config import AgentConfig, LLMConfig, MemoryConfig, PersonaConfig
from market_agents.errors import ConfigError, UserError
from market_agents.memory import MemoryEntry, MemoryKind
from tests.minds.builders import GOOD, config, likeness, population

THREE_MINDS = tuple(
    LLMConfig(name=name, client="offline", weight=weight)
    for name, weight in (("often", 3.0), ("seldom", 1.0), ("never", 0.0))
)
PERSONA = """\
name: {name}
age: 40
occupation: baker
trader_type: patient trader
experience: 5
risk_aversion: 0.5
loss_aversion: 2.0
patience: 0.9
honesty: 0.8
fairness: 0.2
confidence: 0.5
talkativeness: 0.5
values: fair dealing
habits: weighs every offer
"""


def varied(**keys: Any) -> AgentConfig:
    return AgentConfig(num_units=4, base_value_spread=0.3, noise_factor=0.2, **keys)


def folder_of_personas(folder: Path, *names: str) -> PersonaConfig:
    for place, name in enumerate(names):
        (folder / f"{place}.yaml").write_text(PERSONA.format(name=name), "utf-8")
    return PersonaConfig(folder=str(folder))


def test_agents_are_numbered_from_one() -> None:
    assert [(agent.id, agent.index) for agent in population(3)] == [
        ("agent_1", 1),
        ("agent_2", 2),
        ("agent_3", 3),
    ]


def test_roles_alternate_and_the_first_agent_buys() -> None:
    assert [agent.role for agent in population(5)] == ["buyer", "seller", "buyer", "seller", "buyer"]


@pytest.mark.parametrize(("share", "buyers"), [(0.0, 0), (0.25, 5), (0.3, 6), (0.7, 14), (1.0, 20)])
def test_the_share_of_buyers_is_as_configured(share: float, buyers: int) -> None:
    roles = Counter(agent.role for agent in population(20, agent_config=AgentConfig(buyer_share=share)))
    assert (roles["buyer"], roles["seller"]) == (buyers, 20 - buyers)


def test_a_role_is_the_one_that_the_configuration_tells() -> None:
    settings = AgentConfig(buyer_share=0.3)
    agents = population(30, agent_config=settings)
    assert [agent.role for agent in agents] == [settings.role_of(agent.index) for agent in agents]


def test_one_more_agent_leaves_the_others_as_they_were() -> None:
    few, many = (population(n, agent_config=varied(), llm_configs=THREE_MINDS) for n in (7, 8))
    assert list(map(likeness, few)) == list(map(likeness, many))[:7]


def test_the_same_seed_gives_the_same_agents() -> None:
    first, second = (population(6, agent_config=varied(), llm_configs=THREE_MINDS) for _ in range(2))
    assert list(map(likeness, first)) == list(map(likeness, second))


def test_another_seed_gives_others() -> None:
    first, second = (population(6, seed=seed, agent_config=varied()) for seed in (1, 2))
    assert all(one.units != other.units for one, other in zip(first, second, strict=True))
    assert [str(agent.persona) for agent in first] != [str(agent.persona) for agent in second]


def test_without_a_seed_each_population_is_drawn_anew() -> None:
    first, second = (population(4, seed=None, agent_config=varied()) for _ in range(2))
    assert [agent.units for agent in first] != [agent.units for agent in second]


def test_minds_are_drawn_by_weight() -> None:
    names = Counter(agent.llm_config.name for agent in population(400, llm_configs=THREE_MINDS))
    assert names["never"] == 0
    assert 260 <= names["often"] <= 340
    assert names["often"] + names["seldom"] == 400


def test_a_mind_is_drawn_apart_from_the_rest() -> None:
    alone, mixed = (
        population(6, agent_config=varied()),
        population(6, agent_config=varied(), llm_configs=THREE_MINDS),
    )
    assert [likeness(agent)[:-1] for agent in alone] == [likeness(agent)[:-1] for agent in mixed]


@pytest.mark.parametrize(
    ("own", "of_the_run", "expected"),
    [
        (None, False, False),
        (None, True, True),
        (True, False, True),
        (False, True, False),
    ],
)
def test_an_entry_s_own_tool_mode_wins_over_the_run_s(
    own: bool | None, of_the_run: bool, expected: bool
) -> None:
    entry = LLMConfig(name="one", client="offline", tool_mode=own)
    (agent,) = population(1, llm_configs=(entry,), tool_mode=of_the_run)
    assert agent.llm_orchestrator.tool_mode is expected


def test_asks_per_decision_are_the_run_s() -> None:
    assert population(1, max_asks=5)[0].llm_orchestrator.max_asks == 5


def test_values_fall_and_costs_rise() -> None:
    for agent in population(10, agent_config=varied()):
        ordered = sorted(agent.units_of(GOOD), reverse=agent.role == "buyer")
        assert list(agent.units_of(GOOD)) == ordered
        assert len(agent.units_of(GOOD)) == 4
        assert min(agent.units_of(GOOD)) > 0


def test_without_spread_the_first_unit_is_worth_the_base_value() -> None:
    buyer, seller = population(2, agent_config=AgentConfig(buyer_base_value=130.5, seller_base_value=70))
    assert (buyer.units_of(GOOD)[0], seller.units_of(GOOD)[0]) == (13_050, 7_000)


def test_a_seller_s_costs_end_where_its_goods_do() -> None:
    few = AgentConfig(num_units=5, seller_initial_goods=2, buyer_initial_goods=0)
    buyer, seller = population(2, agent_config=few)
    assert (len(buyer.units_of(GOOD)), len(seller.units_of(GOOD))) == (5, 2)
    full = population(2, agent_config=few.model_copy(update={"seller_initial_goods": 9}))[1]
    assert full.units_of(GOOD)[:2] == seller.units_of(GOOD)
    assert len(full.units_of(GOOD)) == 5


def test_endowments_are_in_ticks() -> None:
    settings = AgentConfig(
        buyer_initial_cash=12.34, seller_initial_cash=1, buyer_initial_goods=3, seller_initial_goods=4
    )
    buyer, seller = population(2, agent_config=settings)
    assert buyer.endowment == Endowment(1_234, {GOOD: 3})
    assert seller.endowment == Endowment(100, {GOOD: 4})


def test_personas_of_a_folder_are_taken_in_turn(tmp_path: Path) -> None:
    agents = population(5, personas=folder_of_personas(tmp_path, "Ada", "Ben"))
    assert [getattr(agent.persona, "name", "") for agent in agents] == ["Ada", "Ben", "Ada", "Ben", "Ada"]


def test_a_mistake_in_a_folder_names_the_file(tmp_path: Path) -> None:
    personas = folder_of_personas(tmp_path, "Ada", "Ben\n  and more: x")
    with pytest.raises(ConfigError, match=r"1\.yaml"):
        population(2, personas=personas)


def test_an_unknown_strategy_is_the_user_s_mistake() -> None:
    with pytest.raises(UserError, match=r"agent_config\.strategy: 'psychic' is unknown; known are .*zi_c"):
        population(1, agent_config=AgentConfig(use_llm=False, strategy="psychic"))


def test_agents_without_models_have_a_strategy_each() -> None:
    one, other = population(2, agent_config=AgentConfig(use_llm=False))
    assert one.strategy is not None
    assert one.strategy is not other.strategy
    assert (one.strategy_name, one.llm_config.client) == ("zi_c", "offline")


def test_agents_with_models_have_none() -> None:
    (agent,) = population(1)
    assert (agent.strategy, agent.strategy_name) == (None, None)


def test_without_models_no_entry_is_asked() -> None:
    entries = (LLMConfig(name="dear", model="dear", base_url="http://127.0.0.1:1/v1"),)
    silent = config(1, llm_configs=entries, agent_config=AgentConfig(use_llm=False))
    assert [mind.client for mind in minds(silent)] == ["offline"]
    assert [mind.name for mind in minds(config(1, llm_configs=entries))] == ["dear"]


def test_a_missing_key_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="STRAWBERRY_KEY"):
        population(1, llm_configs=(LLMConfig(name="paid", model="m", api_key_env="STRAWBERRY_KEY"),))


def test_memories_are_as_configured_and_not_shared() -> None:
    one, other = population(2, memory=MemoryConfig(window=1))
    for number in (1, 2):
        one.memory.remember(MemoryEntry(number, "auction", MemoryKind.REFLECTION, f"round {number}"))
    assert [entry.content for entry in one.memory.reflections()] == ["round 2"]
    assert other.memory.reflections() == []


async def test_agents_made_together_can_write_to_each_other() -> None:
    one, other = population(2)
    await one.send_message(ACLMessage(sender=one.id, receiver=other.id, content="hello"))
    assert [message.content for message in await other.receive_messages()] == ["hello"]


async def test_agents_share_one_door() -> None:
    one, other = generate_agents(config(2))
    assert one.llm_orchestrator.door is other.llm_orchestrator.door
