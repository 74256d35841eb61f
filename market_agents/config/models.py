"""The configuration of a run as a whole, and of the environments in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SerializeAsAny, Strict, model_validator

from market_agents.config.budget import BudgetConfig
from market_agents.config.checks import cross_mistakes
from market_agents.config.fields import MAX_AGENTS, MAX_ROUNDS, EnvironmentName, StrictModel, Text
from market_agents.config.findings import raise_findings
from market_agents.config.sections import (
    AgentConfig,
    BatchConfig,
    DatabaseConfig,
    JudgeConfig,
    LLMConfig,
    MemoryConfig,
    PersonaConfig,
    RequestLimits,
)
from market_agents.rng import MAX_SEED

Step = Literal["perception", "action", "reflection"]


def _usable_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if "action" not in steps:
        raise ValueError("expected action among the steps")
    if len(set(steps)) < len(steps):
        raise ValueError("expected each step once")
    return steps


class EnvironmentConfig(StrictModel):
    """The keys that every environment knows; each environment adds its own."""

    type: Text | None = Field(
        default=None, description="Registered environment, or module:Class; null means the entry's own key."
    )
    name: Text | None = Field(
        default=None, description="A label of old files; the entry's key is the name that counts."
    )
    address: Text | None = Field(default=None, description="A label, kept and not used.")
    max_rounds: int | None = Field(
        default=None,
        ge=1,
        le=MAX_ROUNDS,
        description="Rounds it takes part in, 1 to 100,000; null for all.",
    )
    sub_rounds: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Turns of each agent in a round, 1 to 1,000.",
    )
    steps: Annotated[tuple[Step, ...], Strict(False), AfterValidator(_usable_steps)] = Field(
        default=("perception", "action", "reflection"),
        description="Cognitive steps of an agent, each a model call; action is always among them.",
    )
    execution: Literal["live", "batch"] | None = Field(
        default=None,
        description="live or batch, as the run's key of this name, which null means; what says live anywhere is live.",
    )

    @property
    def sequential(self) -> str | None:
        """The setting by which agents ask one after another here, so that no two asks go together; None without one."""
        return None


class SimulationConfig(StrictModel):
    """A whole run."""

    num_agents: int = Field(ge=1, le=MAX_AGENTS, description="Number of agents, 1 to 1,000,000.")
    max_rounds: int = Field(ge=1, le=MAX_ROUNDS, description="Length of the run, in rounds, 1 to 100,000.")
    environment_order: Annotated[tuple[EnvironmentName, ...], Strict(False), Field(min_length=1)] = Field(
        description="Environments of each round, in this order, by their keys in environment_configs."
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=MAX_SEED,
        description="Source of all chance, 0 to 2^63 - 1; null draws and prints one.",
    )
    tick_size: float = Field(
        default=0.01,
        ge=1e-6,
        le=1e6,
        description="Smallest step of a price, in currency, 0.000001 to 1,000,000.",
    )
    tool_mode: bool = Field(
        default=False,
        description="Ask models for tool calls instead of a response format.",
    )
    protocol: Literal["acl_message"] = Field(
        default="acl_message", description="Protocol of messages between agents."
    )
    execution: Literal["live", "batch"] = Field(
        default="live",
        description="live: each ask is a call; batch: what is asked at the same time goes through the provider's batch "
        "endpoint, cheaper and later.",
    )
    batch: BatchConfig = Field(
        default_factory=BatchConfig, description="How batches are made and waited for."
    )
    max_asks: int = Field(
        default=2,
        ge=1,
        le=10,
        description="Asks for one decision, repeats after an unusable answer included, 1 to 10.",
    )
    max_abstention_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of a round's asks without a usable answer that fails the run, 0 to 1.",
    )
    agent_config: AgentConfig = Field(default_factory=AgentConfig, description="Endowments and values.")
    llm_configs: Annotated[tuple[LLMConfig, ...], Strict(False), Field(min_length=1, max_length=1000)] = (
        Field(
            default_factory=lambda: (LLMConfig(name="offline", client="offline"),),
            description="Models, drawn for agents by weight; the rule-based stand-in unless given.",
        )
    )
    environment_configs: dict[EnvironmentName, SerializeAsAny[EnvironmentConfig]] = Field(
        default_factory=dict, description="Settings of environments, each under its name."
    )
    database_config: DatabaseConfig = Field(default_factory=DatabaseConfig, description="Where results go.")
    request_limits: dict[Text, RequestLimits] = Field(
        default_factory=dict, description="Limits under the name of an llm_configs entry or of a client."
    )
    budget: BudgetConfig = Field(default_factory=BudgetConfig, description="What may be spent.")
    memory: MemoryConfig = Field(default_factory=MemoryConfig, description="What agents remember.")
    personas: PersonaConfig = Field(default_factory=PersonaConfig, description="Where personas come from.")
    judge: JudgeConfig | None = Field(
        default=None, description="A model that scores what is said or thought in each round; null for none."
    )
    prompts: dict[Text, Text] = Field(
        default_factory=dict,
        description="Files in place of built-in prompts: by a prompt's name, or `folder` for a folder of them.",
    )

    @property
    def tick(self) -> Decimal:
        """``tick_size`` as the exact decimal that was written."""
        return Decimal(repr(self.tick_size))

    def environment_type(self, name: str) -> str:
        """The registered name or ``module:Class`` behind an environment of this configuration."""
        return self.environment_configs[name].type or name

    def limits_of(self, llm_config: LLMConfig) -> RequestLimits:
        """The limits of an entry: those under its name, else under its client, else the defaults."""
        keys = (llm_config.name, llm_config.client, llm_config.provider)
        return next((self.request_limits[key] for key in keys if key in self.request_limits), RequestLimits())

    def is_batched(self, llm_config: LLMConfig, environment: str) -> bool:
        """Whether the asks of an entry in an environment go in batches."""
        settings = self.environment_configs.get(environment)
        said = {llm_config.execution, settings.execution if settings is not None else None} - {None}
        return "live" not in said and ("batch" in said or self.execution == "batch")

    @model_validator(mode="after")
    def _check(self) -> SimulationConfig:
        raise_findings(cross_mistakes(self.model_dump()))
        return self
