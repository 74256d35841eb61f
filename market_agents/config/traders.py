"""Who decides for which agents: mixed populations of models and strategies, by share or by list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from market_agents.config.checks import listing, suggestion
from market_agents.config.fields import StrictModel, Text
from market_agents.config.findings import Finding, raise_findings

Role = Literal["buyer", "seller"]


class TraderConfig(StrictModel):
    """One kind of mind, and whose it is."""

    strategy: Text | None = Field(
        default=None,
        description="A trading strategy, by its name, as fixed:PRICE or module:Class; instead of model.",
    )
    model: Text | None = Field(
        default=None, description="A model, by the name of its entry in llm_configs; instead of strategy."
    )
    share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the agents that no list names, above 0 to 1; the rest is as use_llm says.",
    )
    agents: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1)] | None = Field(
        default=None, description="The agents' ids, instead of a share."
    )
    role: Role | None = Field(
        default=None, description="Counts the share among buyers or sellers only; null for both."
    )

    @model_validator(mode="after")
    def _check(self) -> TraderConfig:
        raise_findings(self._mistakes())
        return self

    def _mistakes(self) -> Iterator[Finding]:
        if (self.strategy is None) == (self.model is None):
            yield (), "expected either strategy or model"
        if (self.share is None) == (self.agents is None):
            yield (), "expected either share or agents"
        if self.role is not None and self.agents is not None:
            yield ("role",), "counts for a share only; an agent's role is its own"


def trader_mistakes(traders: Sequence[TraderConfig]) -> Iterator[Finding]:
    """Mistakes between the entries of ``traders``."""
    named: set[str] = set()
    for index, entry in enumerate(traders):
        for place, agent_id in enumerate(entry.agents or ()):
            if agent_id in named:
                yield (index, "agents", place), f"{agent_id} stands here for the second time"
            named.add(agent_id)
    for role in ("buyer", "seller"):
        total = sum(_share(entry) for entry in traders if entry.role in (None, role))
        if total > 1:
            yield (), f"the shares of {role}s add up to {float(total):g}; expected at most 1"
            return


def unknown_traders(
    traders: Sequence[TraderConfig], num_agents: int, models: Mapping[str, str]
) -> Iterator[Finding]:
    """Agents and models of ``traders`` that the run does not have; ``models`` gives each entry's provider by name.

    Where only the stand-in is there to answer, it answers for every model.
    """
    only_stand_in = set(models.values()) <= {"offline"}
    for index, entry in enumerate(traders):
        if entry.strategy is not None and models.get("offline", "offline") != "offline":
            message = (
                "the stand-in that speaks for strategies is called offline; rename that entry of llm_configs"
            )
            yield (index, "strategy"), message
        if entry.model is not None and entry.model not in models and not only_stand_in:
            hint = suggestion(entry.model, models)
            message = f"no entry of llm_configs has the name {entry.model!r}{hint}; known: {listing(models)}"
            yield (index, "model"), message
        for place, agent_id in enumerate(entry.agents or ()):
            number = agent_id.removeprefix("agent_")
            known = number.isdecimal() and number.isascii() and 1 <= int(number) <= num_agents
            if not known or agent_id != f"agent_{int(number)}":
                message = f"no agent is called {agent_id!r}; they are agent_1 to agent_{num_agents}"
                yield (index, "agents", place), message


def assign_traders(traders: Sequence[TraderConfig], roles: Sequence[str]) -> list[TraderConfig | None]:
    """The entry behind each agent; None where ``use_llm`` and ``strategy`` decide. One more agent changes no other's.

    Agents of a role that no list names go, one after another, to the entry that is furthest behind its share, so
    that shares are kept among buyers as among sellers and among the first agents as among all.

    Args:
        traders: the entries.
        roles: each agent's, agent_1 first.
    """
    listed = {agent_id: entry for entry in traders for agent_id in entry.agents or ()}
    queues = {
        role: _Shares([entry for entry in traders if entry.role in (None, role)]) for role in set(roles)
    }
    return [
        listed[f"agent_{index}"] if f"agent_{index}" in listed else queues[role].next()
        for index, role in enumerate(roles, 1)
    ]


class _Shares:
    """Deals entries out in proportion to their shares; what they leave of the whole belongs to None."""

    def __init__(self, entries: Sequence[TraderConfig]) -> None:
        sharing = [entry for entry in entries if entry.share is not None]
        rest = 1 - sum(map(_share, sharing), Fraction(0))
        self._entries: list[TraderConfig | None] = [*sharing, None]
        self._shares = [*map(_share, sharing), rest]
        self._behind = [Fraction(0)] * len(self._entries)

    def next(self) -> TraderConfig | None:
        """The entry that is furthest behind; of equal ones the first."""
        if len(self._entries) == 1:
            return None
        self._behind = [behind + share for behind, share in zip(self._behind, self._shares, strict=True)]
        chosen = max(range(len(self._entries)), key=self._behind.__getitem__)
        self._behind[chosen] -= 1
        return self._entries[chosen]


def _share(entry: TraderConfig) -> Fraction:
    return Fraction(0) if entry.share is None else Fraction(repr(entry.share))
