"""The keys of binding negotiation within a group chat."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator

from market_agents.config.fields import MAX_MONEY, Renewal, StrictModel
from market_agents.config.models import EnvironmentConfig, SimulationConfig


class NegotiationConfig(StrictModel):
    """Whether agents may trade with each other while they talk, and on which terms."""

    binding: bool = Field(
        default=False, description="Whether a proposal that its counterpart accepts is a trade."
    )
    proposal_lifetime: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Turns for which a proposal stays open after its own, 1 to 1,000; null for the rest of the round.",
    )
    max_price: float | None = Field(
        default=None,
        gt=0,
        le=MAX_MONEY,
        description="Highest price admitted, in currency, to 1e9; null for none.",
    )
    renewal: Renewal | None = Field(
        default=None,
        description="What a round starts with where the run has no auction: endowment, units or none, as in an "
        "auction; null for endowment. With an auction, the auction's renewal counts.",
    )


class NegotiatingConfig(EnvironmentConfig):
    """The key of every environment whose members may trade with each other."""

    negotiation: NegotiationConfig = Field(
        default_factory=NegotiationConfig,
        description="Whether members may trade with each other, and on which terms.",
    )

    @model_validator(mode="after")
    def _can_agree(self) -> NegotiatingConfig:
        if self.negotiation.binding:
            for finding in self._why_nobody_can_agree():
                raise ValueError(finding)
        return self

    def _why_nobody_can_agree(self) -> Iterator[str]:
        at_once = getattr(self, "turns", "simultaneous") == "simultaneous"
        if at_once and self.sub_rounds < 2:
            yield (
                "negotiation.binding needs sub_rounds of 2 or more where all act at once: "
                "what is proposed in one turn is answered in the next"
            )
        if getattr(self, "participants", "all") != "all" or getattr(self, "cohorts", "chance") == "role":
            yield (
                "negotiation.binding needs buyers and sellers in one cohort: "
                "set participants to all and cohorts to chance"
            )


def negotiating(config: SimulationConfig) -> dict[str, NegotiatingConfig]:
    """The run's environments in which members may trade with each other, under their names, in order."""
    entries = ((name, config.environment_configs[name]) for name in config.environment_order)
    return {
        name: entry
        for name, entry in entries
        if isinstance(entry, NegotiatingConfig) and entry.negotiation.binding
    }
