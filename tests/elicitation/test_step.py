"""What a mind is asked in each task, and how the stand-in answers from its persona."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import DictatorSplit, LotteryChoices, PaymentChoices
from market_agents.agents.steps.elicitation import NOISE, WITHOUT_PERSONA, ElicitationStep
from market_agents.environments.mechanisms.elicitation import Elicitation, ElicitationEnvironment, Task
from market_agents.inference.structured import read_answer, wire_schema
from market_agents.personas import Persona
from tests.personas.people import amara, crowd

TASKS: tuple[Task, ...] = ("risk", "giving", "patience")


class Listening:
    """Stands where an agent's model is: keeps what is asked, and lets the stand-in answer."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = Random(seed)
        self.asked: list[list[dict[str, str]]] = []

    async def decide(self, messages: Any, schema: Any, stand_in: Any) -> Any:
        self.asked.append(list(messages))
        answer = stand_in(self.rng)
        assert isinstance(answer, schema)

        class Decided:
            value = read_answer(answer.model_dump_json(), schema)

        return Decided()


def before(task: Task, agent: MarketAgent, stakes: float = 1.0) -> Elicitation:
    """An agent before one task."""
    mechanism = Elicitation([task], stakes)
    ElicitationEnvironment(mechanism=mechanism).join([agent])
    mechanism.begin_round(1, Random(1))
    mechanism.begin_sub_round(1)
    return mechanism


def somebody(persona: Persona | str, role: str = "buyer", seed: int = 1) -> tuple[MarketAgent, Listening]:
    agent, mind = MarketAgent("agent_1", role, persona), Listening(seed)
    agent.llm_orchestrator = mind  # type: ignore[assignment]
    return agent, mind


async def revealed(task: Task, persona: Persona | str, seed: int = 1) -> float:
    agent, _ = somebody(persona, seed=seed)
    mechanism = before(task, agent)
    await agent.run_step(ElicitationStep("elicitation"), "elicitation")
    return mechanism.revealed["agent_1"].value


@pytest.mark.parametrize(
    ("task", "trait", "width"),
    [("risk", "risk_aversion", 0.3), ("giving", "fairness", 0.0), ("patience", "patience", 0.05)],
)
async def test_the_stand_in_misses_its_trait_by_no_more_than_noise_and_the_menus_steps(
    task: Task, trait: str, width: float
) -> None:
    for seed, persona in enumerate(crowd()[:60]):
        assigned = getattr(persona, trait)
        if task == "patience" and assigned < 0.5:
            continue
        found = await revealed(task, persona, seed)
        assert abs(found - assigned) <= NOISE[trait] + width + 0.051


@pytest.mark.parametrize("task", TASKS)
async def test_the_same_draws_give_the_same_answer(task: Task) -> None:
    assert await revealed(task, amara(), 5) == await revealed(task, amara(), 5)


async def test_the_ends_of_the_scale_stay_on_it() -> None:
    for seed in range(20):
        assert 0 <= await revealed("giving", amara(fairness=0.0), seed) <= NOISE["fairness"]
        assert await revealed("patience", amara(patience=0.0), seed) == pytest.approx(0.2)
        assert await revealed("patience", amara(patience=1.0), seed) >= 0.975


async def test_a_persona_in_words_alone_is_answered_for_from_usual_numbers() -> None:
    assert (
        abs(await revealed("giving", "a cheerful baker") - WITHOUT_PERSONA["fairness"]) <= NOISE["fairness"]
    )


@pytest.mark.parametrize("task", TASKS)
async def test_rules_and_persona_come_first_and_the_menu_last(task: Task) -> None:
    agent, mind = somebody(amara())
    before(task, agent, stakes=3.0)
    await agent.run_step(ElicitationStep("elicitation"), "elicitation")
    [[system, user]] = mind.asked
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"].endswith(str(amara()))
    assert system["content"].startswith("You take part in a study")
    amounts = {"risk": "11.55 with", "giving": "The amount is 30.00.", "patience": "300.00 in one month"}
    assert amounts[task] in user["content"].splitlines()[-1]


async def test_the_system_prompt_is_the_same_for_every_task_and_role() -> None:
    seen = set()
    for role in ("buyer", "seller"):
        for task in TASKS:
            agent, mind = somebody(amara(), role)
            before(task, agent)
            await agent.run_step(ElicitationStep("elicitation"), "elicitation")
            seen.add(mind.asked[0][0]["content"])
    assert len(seen) == 1


async def test_no_figure_of_a_trait_is_told() -> None:
    persona = amara(risk_aversion=0.4321, fairness=0.2345, patience=0.8765)
    for task in TASKS:
        agent, mind = somebody(persona)
        before(task, agent)
        await agent.run_step(ElicitationStep("elicitation"), "elicitation")
        assert not any(number in json.dumps(mind.asked) for number in ("0.4321", "0.2345", "0.8765"))


async def test_every_row_of_a_menu_is_shown() -> None:
    for task in ("risk", "patience"):
        agent, mind = somebody(amara())
        before(task, agent)
        await agent.run_step(ElicitationStep("elicitation"), "elicitation")
        rows = [line for line in mind.asked[0][1]["content"].splitlines() if line.startswith("Row ")]
        assert [line.split(" | ")[0] for line in rows] == [f"Row {row}" for row in range(1, 11)]


def test_the_wire_asks_for_each_row_by_name() -> None:
    for schema in (LotteryChoices, PaymentChoices):
        wire = wire_schema(schema)
        assert wire["required"] == ["reasoning", *(f"row_{row}" for row in range(1, 11))]
        assert wire["additionalProperties"] is False


def test_choices_are_read_in_the_order_of_rows() -> None:
    given = {f"row_{row}": "B" if row in {2, 10} else "A" for row in range(10, 0, -1)}
    answer = LotteryChoices.model_validate({"reasoning": "", **given})
    assert answer.choices == ["A", "B", "A", "A", "A", "A", "A", "A", "A", "B"]


@pytest.mark.parametrize("share", [-0.1, 1.1, "0.5", True, None])
def test_a_share_off_the_scale_is_no_answer(share: object) -> None:
    with pytest.raises(ValueError, match="share"):
        DictatorSplit.model_validate({"reasoning": "", "share": share})
