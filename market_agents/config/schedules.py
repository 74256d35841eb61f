"""How private values and costs come about: kinds of schedules, new draws, and shocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from market_agents.config.checks import listing
from market_agents.config.fields import MAX_MONEY, MAX_ROUNDS, Money, Price, StrictModel, Text
from market_agents.config.findings import Finding, raise_findings

ScheduleKind = Literal["base", "lists", "steps", "uniform", "reference"]
Amounts = Annotated[tuple[Money, ...], Strict(False), Field(max_length=1000)]
Lists = Annotated[tuple[Amounts, ...], Strict(False)]
Range = Annotated[tuple[Money, ...], Strict(False), Field(min_length=2, max_length=2)]
Change = Annotated[float, Field(ge=-MAX_MONEY, le=MAX_MONEY)]

_KEYS: dict[str, tuple[str, ...]] = {
    "base": (
        "num_units",
        "buyer_base_value",
        "seller_base_value",
        "base_value_spread",
        "noise_factor",
        "redraw",
    ),
    "lists": ("buyers", "sellers", "agents"),
    "steps": ("num_units", "first_value", "value_step", "first_cost", "cost_step", "unit_step"),
    "uniform": ("num_units", "value_range", "cost_range", "redraw"),
    "reference": ("market",),
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "steps": ("first_value", "first_cost"),
    "uniform": ("value_range", "cost_range"),
    "reference": ("market",),
}


class ShockConfig(StrictModel):
    """A change of all values or costs, from one round on."""

    round: int = Field(ge=2, le=MAX_ROUNDS, description="First round that feels it, 2 to 100,000.")
    value: Change = Field(
        default=0.0, description="Added to every value, in currency, -1e9 to 1e9; below 0 lowers them."
    )
    cost: Change = Field(
        default=0.0, description="Added to every cost, in currency, -1e9 to 1e9; below 0 lowers them."
    )

    @model_validator(mode="after")
    def _check(self) -> ShockConfig:
        if not (self.value or self.cost):
            raise_findings([((), "expected a value or a cost other than 0; this shock changes nothing")])
        return self


class ScheduleConfig(StrictModel):
    """What the units of a good are worth to buyers and cost sellers."""

    kind: ScheduleKind = Field(
        default="base",
        description="base: a base value with spread and noise; lists: as listed; steps: in equal steps from trader to "
        "trader; uniform: drawn for each unit; reference: a market of the literature.",
    )
    num_units: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Units of each agent (base, steps, uniform), 1 to 1,000; null means agent_config.num_units.",
    )
    buyer_base_value: Price | None = Field(
        default=None,
        description="As in agent_config, which null means (base); in currency, above 0 to 1e9.",
    )
    seller_base_value: Price | None = Field(
        default=None,
        description="As in agent_config, which null means (base); in currency, above 0 to 1e9.",
    )
    base_value_spread: float | None = Field(
        default=None, ge=0, le=0.95, description="As in agent_config, which null means (base); 0 to 0.95."
    )
    noise_factor: float | None = Field(
        default=None, ge=0, le=0.9, description="As in agent_config, which null means (base); 0 to 0.9."
    )
    buyers: Lists | None = Field(
        default=None,
        description="Each buyer's values in trading order (lists), in currency, one list for each.",
    )
    sellers: Lists | None = Field(
        default=None,
        description="Each seller's costs in trading order (lists), in currency, one list for each.",
    )
    agents: dict[Text, Amounts] | None = Field(
        default=None,
        description="Instead of buyers and sellers: values or costs by agent id (lists); who is not named has none.",
    )
    first_value: Money | None = Field(
        default=None, description="Value of the first buyer's first unit (steps), in currency, 0 to 1e9."
    )
    value_step: Money | None = Field(
        default=None,
        description="How much less a unit is worth to each further buyer (steps), in currency; null means 0.",
    )
    first_cost: Money | None = Field(
        default=None, description="Cost of the first seller's first unit (steps), in currency, 0 to 1e9."
    )
    cost_step: Money | None = Field(
        default=None,
        description="How much more a unit costs each further seller (steps), in currency; null means 0.",
    )
    unit_step: Money | None = Field(
        default=None,
        description="How much less each further unit is worth to the same buyer, or costs the same seller more "
        "(steps), in currency; null means 0.",
    )
    value_range: Range | None = Field(
        default=None, description="Lowest and highest value (uniform), in currency, both possible."
    )
    cost_range: Range | None = Field(
        default=None, description="Lowest and highest cost (uniform), in currency, both possible."
    )
    market: Text | None = Field(
        default=None, description="Name of the reference market (reference): A, B, C, D or GD."
    )
    redraw: bool = Field(
        default=False, description="Whether values and costs are drawn anew in each round (base, uniform)."
    )
    shocks: Annotated[tuple[ShockConfig, ...], Strict(False)] = Field(
        default=(), description="Changes of values or costs during the run; they add up."
    )

    @model_validator(mode="after")
    def _check(self) -> ScheduleConfig:
        raise_findings(_mistakes(self))
        return self


def _mistakes(schedule: ScheduleConfig) -> Iterator[Finding]:
    kind, known = schedule.kind, _KEYS[schedule.kind]
    values = {key: getattr(schedule, key) for keys in _KEYS.values() for key in keys}
    given = {key for key, value in values.items() if value is not None and value is not False}
    for key in sorted(given - set(known)):
        homes = " or ".join(name for name, keys in _KEYS.items() if key in keys)
        yield (key,), f"belongs to kind {homes}; kind {kind} knows {listing(known)}"
    for key in _NEEDED.get(kind, ()):
        if key not in given:
            yield (key,), f"missing; kind {kind} needs it"
    if kind == "lists":
        yield from _side_mistakes(given)
    for key in ("value_range", "cost_range"):
        bounds = getattr(schedule, key)
        if bounds is not None and bounds[0] > bounds[1]:
            yield (key,), f"expected the lowest first, got [{bounds[0]:g}, {bounds[1]:g}]"


def _side_mistakes(given: set[str]) -> Iterator[Finding]:
    sides = [key for key in ("buyers", "sellers") if key in given]
    if "agents" in given and sides:
        yield ("agents",), f"stands beside {' and '.join(sides)}; list agents by side or by id, not both"
    elif "agents" not in given:
        for key in ("buyers", "sellers"):
            if key not in given:
                yield (key,), "missing; kind lists needs buyers and sellers, or agents"
