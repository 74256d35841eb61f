"""The moderator as a mind: a model that passes or withholds what members of a discussion say."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from market_agents.agents.cognitive_steps import chat_prompt
from market_agents.agents.prompts import PromptSet
from market_agents.agents.schemas import ModeratorVerdict
from market_agents.errors import NoAnswer
from market_agents.inference import LLMOrchestrator

MODERATOR = "moderator"
"""Under this name the moderator's asks stand in the journal."""

DEFAULT_INSTRUCTIONS = (
    "Withhold insults and threats, and any agreement to fix prices or to share out the market. "
    "Pass everything else."
)


@dataclass(frozen=True, slots=True)
class Moderator:
    """A mind that judges one text at a time, each for itself.

    Attributes:
        mind: the way to its model.
        instructions: what it is to withhold.
        prompts: the templates that it is asked with.
    """

    mind: LLMOrchestrator
    instructions: str
    prompts: PromptSet

    async def objection(self, text: str, kind: str) -> str | None:
        """Why a ``message`` or a ``topic`` is withheld; None where it passes.

        A text that could not be judged is withheld: what nobody has checked must not reach anybody.
        """
        messages = chat_prompt(
            self.prompts.render("group_chat_moderator_system", instructions=self.instructions),
            # The whole text, on as many lines as it has: what is cut off could not be judged.
            self.prompts.render("group_chat_moderator", kind=kind, observation=text),
        )
        try:
            decision = await self.mind.decide(messages, ModeratorVerdict, _passes)
        except NoAnswer as error:
            return f"the moderator gave no verdict: {error}"
        verdict = decision.value
        return (verdict.reason.strip() or "no reason given") if verdict.verdict == "withhold" else None


def _passes(rng: Random) -> ModeratorVerdict:  # noqa: ARG001  (the stand-in has no opinion)
    return ModeratorVerdict(reason="", verdict="pass")
