"""Runs the tasks that reveal preferences, so that revealed traits can be held against those of the personas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, Strict

from market_agents.agents.cognitive_steps import CognitiveStep
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.steps.elicitation import ElicitationStep
from market_agents.base_orchestrator import BaseOrchestrator, RunContext
from market_agents.config import EnvironmentConfig
from market_agents.environments import Act
from market_agents.environments.mechanisms.elicitation import (
    TASKS,
    Elicitation,
    ElicitationEnvironment,
    Task,
)
from market_agents.personas import Persona

TRAITS: Mapping[Task, str] = {"risk": "risk_aversion", "giving": "fairness", "patience": "patience"}
"""The persona's trait that each task is held against."""


def _each_once(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    if len(set(tasks)) < len(tasks):
        raise ValueError("expected each task once; sub_rounds repeats them")
    return tasks


class ElicitationConfig(EnvironmentConfig):
    """The elicitation's keys."""

    max_rounds: int | None = Field(
        1, ge=1, le=100_000, description="Rounds it takes part in, 1 to 100,000; null for all."
    )
    sub_rounds: int = Field(
        1, ge=1, le=1000, description="Times that each task is asked in a round, 1 to 1,000."
    )
    steps: Annotated[tuple[Literal["action"], ...], Strict(False), Field(min_length=1, max_length=1)] = Field(
        ("action",), description="Agents only answer here: action alone, one model call for each task."
    )
    tasks: Annotated[tuple[Task, ...], Strict(False), Field(min_length=1), AfterValidator(_each_once)] = (
        Field(
            TASKS,
            description="Tasks in their order: risk (lotteries), giving (a split), patience (payments).",
        )
    )
    stakes: float = Field(
        1.0, ge=0.01, le=1e6, description="What the amounts of all tasks are multiplied with, 0.01 to 1e6."
    )


def _with_turns(config: ElicitationConfig) -> ElicitationConfig:
    """The configuration with a sub-round for each task and repetition."""
    return config.model_copy(update={"sub_rounds": config.sub_rounds * len(config.tasks)})


class ElicitationOrchestrator(BaseOrchestrator[ElicitationConfig]):
    """One sub-round for each task; the round itself is the base class's."""

    config_model: ClassVar[type[EnvironmentConfig]] = ElicitationConfig

    def __init__(self, name: str, position: int, config: ElicitationConfig, context: RunContext) -> None:
        super().__init__(name, position, _with_turns(config), context)
        self._assigned = {agent.id: agent.persona for agent in self.agents}

    def go_on_under(self, position: int, config: ElicitationConfig) -> None:
        """Turn to other tasks, or other stakes, from the next round on."""
        super().go_on_under(position, _with_turns(config))

    def make_environment(self) -> ElicitationEnvironment:
        """The tasks."""
        self.mechanism = Elicitation(self.config.tasks, self.config.stakes)
        return ElicitationEnvironment(self.name, self.mechanism)

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        """The built-in minds' only step."""
        return {"action": ElicitationStep(self.name)}

    def has_mind(self, agent: MarketAgent) -> bool:  # noqa: ARG002  (a strategy has no persona; its stand-in has)
        """Everybody answers through a model or its stand-in."""
        return True

    async def recollect(self, round_number: int) -> None:
        """Nothing comes to mind: a preference is revealed whatever has happened before."""

    def act_in_words(self, action: Mapping[str, Any], reason: object) -> str:  # noqa: ARG002  (as above)
        """Nothing: what was answered here is no part of an agent's past."""
        return ""

    def name_of(self, action: Mapping[str, object]) -> str:  # noqa: ARG002  (the task says more than the answer)
        """The task."""
        return self.mechanism.task

    def told(self, act: Act) -> dict[str, Any]:
        """The verdict and, where an answer was taken, what it reveals beside what was assigned."""
        revealed = self.mechanism.revealed.get(act.agent_id)
        if revealed is None:
            return dict(act.told)
        trait = TRAITS[self.mechanism.task]
        persona = self._assigned[act.agent_id]
        found = asdict(revealed)
        return {
            **act.told,
            "trait": trait,
            "assigned": getattr(persona, trait) if isinstance(persona, Persona) else None,
            "revealed": found.pop("value"),
            **found,
        }
