"""How an agent answers the tasks that reveal its preferences, and how the offline stand-in does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

from market_agents.agents.cognitive_steps import ActionStep, chat_prompt
from market_agents.agents.market_agent import MarketAgent
from market_agents.agents.schemas import Answer, DictatorSplit, LotteryChoices, MenuChoices, PaymentChoices
from market_agents.economics.menus import lottery_choices, payment_choices
from market_agents.inference import Decision
from market_agents.personas import Persona

NOISE = {"risk_aversion": 0.15, "patience": 0.03, "fairness": 0.05}
"""By trait, the half-width of the even noise by which the stand-in misses its own number, in the trait's unit."""

WITHOUT_PERSONA = {"risk_aversion": 0.3, "patience": 0.9, "fairness": 0.25}
"""What the stand-in goes by where a persona is text alone."""


class ElicitationStep(ActionStep):
    """Asks the agent's mind for its answer to the current task."""

    async def execute(self, agent: MarketAgent) -> Decision[Answer]:
        """Ask and answer."""
        state = self.observe(agent)
        schema, rule, menu = _TASKS[state["task"]]
        messages = chat_prompt(
            agent.prompts.render("elicitation_system", agent_id=agent.id, persona=agent.persona),
            agent.prompts.render(
                f"elicitation_{state['task']}", observation="\n".join(map(menu, state["menu"]))
            ),
        )
        decision = await agent.llm_orchestrator.decide(messages, schema, partial(rule, agent))
        answer = decision.value
        agent.environments[self.environment_name].step(
            {"choices": answer.choices}
            if isinstance(answer, MenuChoices)
            else answer.model_dump(include={"share"})
        )
        return decision


def _stand_in_lotteries(agent: MarketAgent, rng: Random) -> Answer:
    choices = lottery_choices(_felt(agent, "risk_aversion", rng))
    why = f"The safe one {choices.count('A')} times; beyond that the other is worth its risk."
    return LotteryChoices.model_validate({"reasoning": why, **_by_row(choices)})


def _stand_in_payments(agent: MarketAgent, rng: Random) -> Answer:
    choices = payment_choices(_felt(agent, "patience", rng))
    why = f"I would wait in {choices.count('later')} of the rows."
    return PaymentChoices.model_validate({"reasoning": why, **_by_row(choices)})


def _by_row(choices: Sequence[str]) -> dict[str, str]:
    return {f"row_{row}": choice for row, choice in enumerate(choices, 1)}


def _stand_in_split(agent: MarketAgent, rng: Random) -> Answer:
    share = min(max(_felt(agent, "fairness", rng), 0.0), 1.0)
    return DictatorSplit(reasoning="That seems right to me.", share=round(share, 2))


def _felt(agent: MarketAgent, trait: str, rng: Random) -> float:
    """The agent's own number, missed by a little."""
    assigned = getattr(agent.persona, trait) if isinstance(agent.persona, Persona) else WITHOUT_PERSONA[trait]
    return float(assigned) + rng.uniform(-NOISE[trait], NOISE[trait])


def _lottery_row(row: Mapping[str, Any]) -> str:
    chance = f"{row['chance']:.0%}"
    rest = f"{1 - row['chance']:.0%}"
    lotteries = (
        f"{name}: {row[name][0]:.2f} with {chance}, {row[name][1]:.2f} with {rest}" for name in ("A", "B")
    )
    return f"Row {row['row']} | {' | '.join(lotteries)}"


def _payment_row(row: Mapping[str, Any]) -> str:
    return f"Row {row['row']} | sooner: {row['sooner']:.2f} today | later: {row['later']:.2f} in one month"


def _pie(row: Mapping[str, Any]) -> str:
    return f"The amount is {row['pie']:.2f}."


_TASKS: Mapping[
    str,
    tuple[type[Answer], Callable[[MarketAgent, Random], Answer], Callable[[Mapping[str, Any]], str]],
] = {
    "risk": (LotteryChoices, _stand_in_lotteries, _lottery_row),
    "giving": (DictatorSplit, _stand_in_split, _pie),
    "patience": (PaymentChoices, _stand_in_payments, _payment_row),
}
