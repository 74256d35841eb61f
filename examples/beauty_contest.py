"""A third environment, complete: the p-beauty contest (Nagel 1995, American Economic Review 85(5)).

Everybody names a number from 0 to 100 at the same time; whoever is nearest to two thirds of the mean wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import ClassVar

from pydantic import Field

from market_agents.agents.cognitive_steps import ActionStep, CognitiveStep, chat_prompt
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import Answer
from market_agents.base_orchestrator import BaseOrchestrator
from market_agents.config import EnvironmentConfig
from market_agents.environments import Environment, Mechanism, Observation
from market_agents.errors import IllegalAction
from market_agents.inference import Decision


class BeautyContest(Mechanism[float]):
    """The rules, which know nothing of who plays."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self._named: dict[str, float] = {}
        self._last_target: float | None = None

    def join(self, agent_id: str, role: str) -> None:
        """Everybody may play."""

    def check(self, agent_id: str, action: Mapping[str, object]) -> float:
        """Read ``{"number": 0 … 100}``."""
        number = action.get("number")
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 100:
            raise IllegalAction("number is a number from 0 to 100")
        return float(number)

    def apply(self, agent_id: str, action: float) -> Observation:
        """Take the number."""
        self._named[agent_id] = action
        return {"status": "accepted", **self.observe(agent_id)}

    def end_turn(self) -> None:
        """All have named a number: two thirds of their mean is the target."""
        if self._named:
            self._last_target = self.share * sum(self._named.values()) / len(self._named)
            self._named = {}

    def observe(self, agent_id: str) -> Observation:
        """What a player sees: the last round's target."""
        return {"round": self.round, "last_target": self._last_target}

    def global_state(self) -> Observation:
        """What the experimenter sees."""
        return {"round": self.round, "last_target": self._last_target, "named": dict(self._named)}


class Guess(Answer):
    """What a mind is asked for."""

    number: float = Field(ge=0, le=100, description="Your number, from 0 to 100.")


class GuessStep(ActionStep):
    """Asks the agent's mind for a number and takes it to the contest."""

    async def execute(self, agent: MarketAgent) -> Decision[Guess]:
        """Ask and act."""
        seen = self.observe(agent)
        messages = chat_prompt(
            f"You are {agent.id}. Name a number from 0 to 100. Nearest to 2/3 of the mean wins.\n{agent.persona}",
            f"Round {seen['round']}; the last target was {seen['last_target']}.",
        )

        def rule(rng: Random) -> Guess:
            return Guess(number=round((seen["last_target"] or 50.0) * rng.uniform(0.6, 1.0), 2))

        decision = await agent.llm_orchestrator.decide(messages, Guess, rule)
        agent.environments[self.environment_name].step({"number": decision.value.number})
        return decision


class BeautyContestConfig(EnvironmentConfig):
    """The contest's keys in the YAML, beside those that all environments have."""

    share: float = Field(default=2 / 3, gt=0, lt=1, description="The target as a share of the mean.")


class BeautyContestOrchestrator(BaseOrchestrator[BeautyContestConfig]):
    """Runs the contest; the round itself is the base class's."""

    config_model: ClassVar[type[EnvironmentConfig]] = BeautyContestConfig

    def make_environment(self) -> Environment[float]:
        """The environment before anybody has joined."""
        return Environment(self.name, BeautyContest(self.config.share))

    def make_steps(self) -> Mapping[str, CognitiveStep]:
        """Players only act; they neither perceive nor reflect."""
        return {"action": GuessStep(self.name)}
