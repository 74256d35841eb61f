"""What a run and each of its agents may spend."""

from __future__ import annotations

from pydantic import Field

from market_agents.config.fields import StrictModel


class Caps(StrictModel):
    """Bounds of what is spent; a bound that is not set does not count."""

    max_cost: float | None = Field(
        default=None, gt=0, le=1e9, description="US dollars, above 0 to 1e9; null for no cap."
    )
    max_calls: int | None = Field(
        default=None, ge=1, le=1_000_000_000_000, description="Calls, 1 to 1e12; null for no cap."
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000_000_000,
        description="Tokens in and out, 1 to 1e15; null for no cap.",
    )

    @property
    def any_set(self) -> bool:
        """Whether there is any bound at all."""
        return not (self.max_cost is None and self.max_calls is None and self.max_tokens is None)


class BudgetConfig(Caps):
    """Caps of the whole run, which stop it before they are passed, and of each agent, which then abstains."""

    agent: Caps = Field(default_factory=Caps, description="Caps of each single agent; calls are its asks.")
