"""The group chat's keys: the plain discussion, and the treatments of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, model_validator

from market_agents.config.fields import MAX_ROUNDS, StrictModel, Text
from market_agents.config.negotiation import NegotiatingConfig

Turns = Literal["simultaneous", "round_robin", "random", "by_request", "sequential"]
MAX_PHRASES = 1_000


def _with_letters(phrases: tuple[str, ...]) -> tuple[str, ...]:
    for phrase in phrases:
        if not any(character.isalnum() for character in phrase):
            raise ValueError(f"expected a letter or figure in each phrase, got {phrase[:40]!r}")
    return phrases


class ModeratorConfig(StrictModel):
    """Who or what withholds messages."""

    block: Annotated[
        tuple[Text, ...], Strict(False), Field(max_length=MAX_PHRASES), AfterValidator(_with_letters)
    ] = Field(default=(), description="Words and phrases that are not let through, at most 1,000; none.")
    max_length: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Characters of the longest message, 1 to 1,000,000; null for no limit.",
    )
    model: Text | None = Field(
        default=None,
        description="Entry of llm_configs that judges each message that the rule lets through; null for none.",
    )
    instructions: str | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="What the model is to withhold; null for insults, threats and collusion.",
    )

    @model_validator(mode="after")
    def _does_something(self) -> ModeratorConfig:
        if not self.block and self.max_length is None and self.model is None:
            raise ValueError("expected block, max_length or model; without any of them nothing is withheld")
        if self.instructions is not None and self.model is None:
            raise ValueError("instructions are for a model; name an entry of llm_configs as model")
        return self


class AttendanceConfig(StrictModel):
    """In which rounds some agents talk."""

    agents: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)] = Field(
        description="Ids of agents, such as agent_3."
    )
    joins: int = Field(default=1, ge=1, le=MAX_ROUNDS, description="First round in which they talk.")
    leaves: int | None = Field(
        default=None,
        ge=2,
        le=MAX_ROUNDS,
        description="First round in which they talk no more, 2 to 100,000; null for never.",
    )

    @model_validator(mode="after")
    def _talks_at_all(self) -> AttendanceConfig:
        if self.leaves is not None and self.leaves <= self.joins:
            raise ValueError(f"expected leaves after joins ({self.joins}), got {self.leaves}")
        return self


def _named_once(entries: tuple[AttendanceConfig, ...]) -> tuple[AttendanceConfig, ...]:
    seen: set[str] = set()
    for entry in entries:
        for agent in entry.agents:
            if agent in seen:
                raise ValueError(f"expected each agent once, got {agent[:40]} twice")
            seen.add(agent)
    return entries


class GroupChatConfig(NegotiatingConfig):
    """The group chat's keys."""

    enabled: bool = Field(True, description="Whether there is a discussion; false asks nobody anything.")
    initial_topic: str = Field("Market conditions", min_length=1, description="The topic, or its frame.")
    topic: Literal["proposed", "fixed"] = Field(
        "proposed",
        description="Whether a member proposes each round's topic within the frame, or it is fixed.",
    )
    participants: Literal["all", "buyers", "sellers"] = Field(
        "all", description="Who talks: all, or one side alone, of which the other hears nothing."
    )
    form_cohorts: bool = Field(
        True, description="Whether agents talk in cohorts; false makes one cohort of all."
    )
    group_size: int = Field(4, ge=1, le=100_000, description="Largest cohort, 1 to 100,000.")
    cohorts: Literal["chance", "role"] = Field(
        "chance", description="How cohorts are formed: chance or role."
    )
    reshuffle: bool = Field(True, description="Whether each round forms new cohorts.")
    turns: Turns = Field(
        "simultaneous",
        description="Whether members speak at the same time, or one after another: in a fixed, a drawn or a "
        "requested order. sequential is the old name of random.",
    )
    delay: int = Field(
        0,
        ge=0,
        le=1000,
        description="Sub-rounds by which messages reach their recipients later, 0 to 1,000.",
    )
    scramble: bool = Field(False, description="Whether recipients see the words in a drawn order.")
    private_only: bool = Field(False, description="Whether only messages to one member are allowed.")
    moderator: ModeratorConfig | None = Field(None, description="Who withholds messages; null for nobody.")
    leaving: Literal["never", "round", "run"] = Field(
        "never", description="Whether members may leave, for the rest of the round or of the run."
    )
    attendance: Annotated[tuple[AttendanceConfig, ...], Strict(False), AfterValidator(_named_once)] = Field(
        default=(), description="Agents that join later or leave earlier than the run."
    )
    end_when_all_pass: bool = Field(
        False, description="Whether a discussion ends with the sub-round in which all pass."
    )
    message_window: int = Field(20, ge=1, le=1000, description="Messages that a prompt shows, 1 to 1,000.")

    @property
    def sequential(self) -> str | None:
        """But for simultaneous turns, members speak one after another."""
        return None if self.turns == "simultaneous" else f"turns: {self.turns}"
