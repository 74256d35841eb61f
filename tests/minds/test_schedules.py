"""Values and costs of every kind: as listed, in steps, drawn, by reference; on ticks, and the same in larger runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_agents.agents.generation import generate_agents
from market_agents.agents.schedules import Schedules
from market_agents.config import AgentConfig, MarketConfig, SimulationConfig, traded_goods
from market_agents.economics.equilibrium import competitive_equilibrium
from market_agents.errors import ConfigError
from market_agents.meta_orchestrator import load_config
from market_agents.rng import RandomStreams

BASIS = {"num_agents": 4, "max_rounds": 3, "environment_order": ["auction"]}


def run(schedule: dict[str, Any], agents: int = 4, **changes: Any) -> SimulationConfig:
    settings = changes.pop("agent_config", {})
    return SimulationConfig.model_validate(
        BASIS
        | {
            "num_agents": agents,
            "seed": 3,
            "environment_configs": {"auction": MarketConfig()},
            "agent_config": AgentConfig.model_validate({"schedule": schedule, **settings}),
        }
        | changes
    )


def limits(config: SimulationConfig, role: str, good: str = "strawberry") -> list[tuple[int, ...]]:
    return [agent.units_of(good) for agent in generate_agents(config) if agent.role == role]


def test_lists_go_to_the_traders_in_their_order() -> None:
    config = run({"kind": "lists", "buyers": [[3.25, 0.07], [3]], "sellers": [[0.75], []]})
    assert limits(config, "buyer") == [(325, 7), (300,)]
    assert limits(config, "seller") == [(75,), ()]


def test_lists_by_id_leave_the_others_without_units() -> None:
    config = run({"kind": "lists", "agents": {"agent_3": [2.5], "agent_2": [1, 1.5]}})
    assert limits(config, "buyer") == [(), (250,)]
    assert limits(config, "seller") == [(100, 150), ()]


def test_steps_lead_from_trader_to_trader_and_from_unit_to_unit() -> None:
    steps = {
        "first_value": 3.25,
        "value_step": 0.25,
        "first_cost": 0.5,
        "cost_step": 0.1,
        "unit_step": 0.03,
    }
    config = run({"kind": "steps", "num_units": 2, **steps}, agents=5)
    assert limits(config, "buyer") == [(325, 322), (300, 297), (275, 272)]
    assert limits(config, "seller") == [(50, 53), (60, 63)]


@pytest.mark.parametrize(
    ("market", "agents", "share", "quantity", "price", "surplus"),
    [
        ("A", 22, 0.5, 6, 200, 750),
        ("B", 22, 0.5, 6, 200, 375),
        ("C", 17, 0.647058, 6, 200, 900),
        ("D", 17, 0.352941, 6, 200, 720),
        ("GD", 8, 0.5, 7, 235, 480),
    ],
)
def test_reference_markets_have_their_equilibrium(
    market: str, agents: int, share: float, quantity: int, price: int, surplus: int
) -> None:
    config = run({"kind": "reference", "market": market}, agents, agent_config={"buyer_share": share})
    found = competitive_equilibrium(limits(config, "buyer"), limits(config, "seller"))
    assert (found.quantity_max, found.price, found.surplus) == (quantity, price, surplus)


ticks = st.integers(0, 10_000)


@st.composite
def random_schedules(draw: st.DrawFn) -> dict[str, Any]:
    def amounts(count: int) -> list[float]:
        return [draw(ticks) / 100 for _ in range(count)]

    units = draw(st.integers(1, 5))
    match draw(st.sampled_from(["base", "uniform", "steps"])):
        case "base":
            return {"kind": "base", "num_units": units, "base_value_spread": 0.5, "noise_factor": 0.3}
        case "uniform":
            values, costs = sorted(amounts(2)), sorted(amounts(2))
            return {"kind": "uniform", "num_units": units, "value_range": values, "cost_range": costs}
        case _:
            down, first_cost, up, each = (draw(st.integers(0, 50)) / 100 for _ in range(4))
            return {
                "kind": "steps",
                "num_units": units,
                "first_value": 100.0,
                "value_step": down,
                "first_cost": first_cost,
                "cost_step": up,
                "unit_step": each,
            }


@settings(max_examples=60, deadline=None)
@given(random_schedules(), st.integers(1, 9), st.integers(0, 2**40))
def test_schedules_never_turn_and_one_more_agent_changes_nobody(
    schedule: dict[str, Any], agents: int, seed: int
) -> None:
    few, many = (
        generate_agents(run(schedule, count, seed=seed, agent_config={"seller_initial_goods": 5}))
        for count in (agents, agents + 1)
    )
    assert [agent.units for agent in few] == [agent.units for agent in many][:agents]
    for agent in many:
        units = agent.units_of("strawberry")
        assert len(units) == schedule["num_units"]
        assert list(units) == sorted(units, reverse=agent.role == "buyer")
        assert min(units) >= 0
        if schedule["kind"] == "uniform":
            bounds = schedule["value_range" if agent.role == "buyer" else "cost_range"]
            assert bounds[0] * 100 - 0.5 < min(units) <= max(units) < bounds[1] * 100 + 0.5


@pytest.mark.parametrize(
    "schedule",
    [
        {"kind": "base", "base_value_spread": 0.5, "redraw": True},
        {"kind": "uniform", "num_units": 2, "value_range": [0, 90], "cost_range": [0, 90], "redraw": True},
    ],
)
def test_each_round_s_new_draws_are_its_own(schedule: dict[str, Any]) -> None:
    config = run(schedule)
    schedules = Schedules(config, RandomStreams(3).below("agents"))
    (good,) = schedules.goods
    drawn = [schedules.units(good, 1, number) for number in range(1, 5)]
    assert len(set(drawn)) == 4
    assert schedules.units(good, 3) not in drawn, "a buyer's draws are its own"
    assert drawn[0] == generate_agents(config)[0].units_of("strawberry")
    assert drawn[2] == Schedules(config, RandomStreams(3).below("agents")).units(good, 1, 3)


def test_shocks_add_up_and_are_felt_from_their_round_on() -> None:
    shocks = [{"round": 3, "value": 0.5}, {"round": 5, "value": -0.2, "cost": 0.07}]
    schedules = Schedules(run({"shocks": shocks}), RandomStreams(3))
    (good,) = schedules.goods
    assert [schedules.shift(good, "buyer", number) for number in range(1, 7)] == [0, 0, 50, 50, 30, 30]
    assert [schedules.shift(good, "seller", number) for number in range(1, 7)] == [0, 0, 0, 0, 7, 7]


def test_an_own_schedule_makes_a_market_s_good_count() -> None:
    def good(**keys: Any) -> str:
        entry = MarketConfig.model_validate({"good_name": "plum", **keys})
        return traded_goods(run({}, environment_configs={"auction": entry}))[0].name

    assert good() == "strawberry"
    assert good(seller_initial_goods=3) == "strawberry"
    assert good(schedule={"kind": "base"}) == "plum"


def test_several_markets_trade_the_goods_that_they_name() -> None:
    entries = {
        "auction": MarketConfig(),
        "plums": MarketConfig.model_validate(
            {
                "good_name": "plum",
                "seller_initial_goods": 2,
                "schedule": {"seller_base_value": 20, "num_units": 4},
            }
        ),
    }
    config = run({}, environment_order=["plums", "auction"], environment_configs=entries)
    assert [good.name for good in traded_goods(config)] == ["plum", "strawberry"]
    buyer, seller = generate_agents(config)[:2]
    assert (len(buyer.units_of("plum")), len(buyer.units_of("strawberry"))) == (4, 1)
    assert (len(seller.units_of("plum")), seller.units_of("plum")[0]) == (2, 2_000)
    assert seller.endowment.goods == {"plum": 2, "strawberry": 10}
    alone = generate_agents(run({}))
    assert [agent.units_of("strawberry") for agent in alone[:2]] == [
        buyer.units_of("strawberry"),
        seller.units_of("strawberry"),
    ]


HEAD = "num_agents: 4\nmax_rounds: 2\nenvironment_order: [auction]\nagent_config:\n  schedule:\n"
LISTS = "    kind: lists\n    buyers: [[3], [2]]\n    sellers: [[1], [1]]\n"
STEPS = "    kind: steps\n    first_value: 3\n    first_cost: 1\n"
TWO = "num_agents: 4\nmax_rounds: 2\nenvironment_order: [one, two]\nenvironment_configs:\n"


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        ("    kind: listed\n", 6, "agent_config.schedule.kind", "did you mean 'lists'?"),
        (LISTS + "    num_units: 2\n", 9, "agent_config.schedule.num_units", "belongs to kind base or steps"),
        ("    kind: lists\n    buyers: [[3], [2]]\n", 5, "agent_config.schedule.sellers", "missing"),
        (
            LISTS + "    agents: {agent_1: [3]}\n",
            9,
            "agent_config.schedule.agents",
            "stands beside buyers and sellers",
        ),
        ("    kind: uniform\n", 5, "agent_config.schedule.value_range", "missing; kind uniform needs it"),
        (
            LISTS.replace("[3], ", ""),
            7,
            "agent_config.schedule.buyers",
            "expected 2 lists, one for each of the 2 buyers among 4 agents (buyer_share 0.5), got 1",
        ),
        (
            LISTS.replace("[1]]", "[1.005]]"),
            8,
            "agent_config.schedule.sellers[1][0]",
            "expected a multiple of tick_size (0.01), got 1.005",
        ),
        (
            LISTS.replace("[3]", "[-3]"),
            7,
            "agent_config.schedule.buyers[0][0]",
            "expected a number from 0 to 1,000,000,000, got -3",
        ),
        (
            LISTS.replace("[1]]", f"{[1] * 11}]"),
            8,
            "agent_config.schedule.sellers[1]",
            "expected at most 10 costs",
        ),
        (
            "    kind: lists\n    agents: {agent_5: [1]}\n",
            7,
            "agent_config.schedule.agents.agent_5",
            "no agent has this id; expected agent_1 to agent_4",
        ),
        (
            STEPS + "    value_step: 3.01\n",
            7,
            "agent_config.schedule.first_value",
            "the steps of 2 buyers lead down to -0.01; expected at least 3.01, got 3",
        ),
        (STEPS + "    cost_step: .333\n", 9, "agent_config.schedule.cost_step", "multiple of tick_size"),
        (
            "    kind: uniform\n    value_range: [2, 1]\n    cost_range: [1, 2]\n",
            7,
            "agent_config.schedule.value_range",
            "expected the lowest first, got [2, 1]",
        ),
        (
            "    kind: uniform\n    value_range: [2]\n    cost_range: [1, 2]\n",
            7,
            "agent_config.schedule.value_range",
            "expected a list of 2, each item a number",
        ),
        (
            "    kind: reference\n    market: E\n",
            7,
            "agent_config.schedule.market",
            "known are A, B, C, D, GD",
        ),
        (
            "    kind: reference\n    market: C\n",
            7,
            "agent_config.schedule.market",
            "market C has 11 buyers and 6 sellers, this run 2 and 2; set num_agents to 17 and "
            "agent_config.buyer_share to 0.647058",
        ),
        (
            "    shocks: [{round: 2}]\n",
            6,
            "agent_config.schedule.shocks[0]",
            "this shock changes nothing",
        ),
        (
            "    shocks: [{round: 1, value: 1}]\n",
            6,
            "agent_config.schedule.shocks[0].round",
            "expected an integer from 2 to 100,000, got 1",
        ),
        (
            "    shocks: [{round: 2, cost: -0.001}]\n",
            6,
            "agent_config.schedule.shocks[0].cost",
            "multiple of tick_size",
        ),
        (
            "    redraw: true\nenvironment_configs: {auction: {renewal: none}}\n",
            6,
            "agent_config.schedule.redraw",
            "renewal is none",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(
    tmp_path: Path, text: str, line: int, path: str, words: str
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(HEAD + text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    mistake = caught.value.mistakes[0]
    assert (mistake.line, mistake.path) == (line, path)
    assert words in mistake.message


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        (
            "  one: {type: auction}\n  two: {type: auction}\n",
            3,
            "environment_order",
            "one and two are both markets for strawberry; a run has one market for a good",
        ),
        (
            "  one: {type: auction}\n  two:\n    type: auction\n    good_name: plum\n    renewal: units\n",
            9,
            "environment_configs.two.renewal",
            "cash is one balance for all markets",
        ),
        (
            "  one: {type: auction}\n  two:\n    type: auction\n    good_name: plum\n    schedule: {kind: lists, "
            "buyers: [], sellers: []}\n",
            9,
            "environment_configs.two.schedule.buyers",
            "expected 2 lists",
        ),
    ],
)
def test_mistakes_between_markets_are_told_with_their_place(
    tmp_path: Path, text: str, line: int, path: str, words: str
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(TWO + text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    mistake = caught.value.mistakes[0]
    assert (mistake.line, mistake.path) == (line, path)
    assert words in mistake.message


def test_who_comes_from_python_meets_the_same_checks() -> None:
    config = run({"kind": "lists", "buyers": [[3]], "sellers": [[1], [1]]})
    with pytest.raises(ConfigError, match=r"agent_config\.schedule\.buyers: expected 2 lists"):
        generate_agents(config)
