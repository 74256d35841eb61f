"""Both ends of a run: how it begins, and what it came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        database: where its rows are, without a password.
        rounds: rounds completed.
        cached_tokens: tokens of the prompts that the provider had in its cache.
        cost: US dollars of the asks whose price is known.
        unpriced: models whose price is unknown.
    """

    run_id: str
    status: str
    database: str
    seed: int
    rounds: int
    asks: int = 0
    model_calls: int = 0
    replayed: int = 0
    from_cache: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return {**asdict(self), "cost": float(self.cost), "unpriced": list(self.unpriced)}


@dataclass(frozen=True)
class Start:
    """How a run begins: afresh, or on top of what its journal holds.

    Attributes:
        resume: go on with ``run_id``; what the journal holds is not asked again.
        replay: run from the journal alone; the first request that it does not hold is an error.
        force: go on although program or prompts have changed since.
        parent_run_id: for a new fork, the run whose first rounds it shares.
        fork_round: for a new fork, the first round of its own.
    """

    run_id: str | None = None
    resume: bool = False
    replay: bool = False
    force: bool = False
    parent_run_id: str | None = None
    fork_round: int | None = None
