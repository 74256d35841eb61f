"""What the door expects of a provider that answers in batches, beside one attempt at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from market_agents.inference.asks import Completion, Request
from market_agents.inference.retry import AttemptFailed, Verdict

LineReader = Callable[[str, Request], Completion]
"""Gives the completion that a line holds for a request, or raises AttemptFailed with a verdict on what to do next."""

FINAL = frozenset({"completed", "failed", "expired", "cancelled"})
"""The statuses after which nothing more will happen to a batch."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch as the provider sees it.

    Attributes:
        batch_id: the provider's name of it.
        status: one of `FINAL`, or another while it goes on.
        completed: requests answered so far.
        failed: requests that failed so far.
        files: names of the files that hold its answers and its errors.
        reason: why it failed as a whole; empty where it did not.
    """

    batch_id: str
    status: str
    completed: int = 0
    failed: int = 0
    files: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in FINAL


class BatchGone(AttemptFailed):
    """The provider knows a batch no more, or has not kept all of its answers.

    Args:
        reason: one line, without secrets.
        left: the lines that are there yet, by the names of their requests.
    """

    def __init__(self, reason: str, left: Mapping[str, str] | None = None) -> None:
        super().__init__(Verdict.RETRY, reason, maybe_paid=True)
        self.left: Mapping[str, str] = left or {}


@runtime_checkable
class BatchProvider(Protocol):
    """A provider that takes many requests at once and answers them within a day, at a lower price."""

    base_url: str | None

    def batch_line(self, request: Request, name: str) -> bytes:
        """A request as one line of a batch; ``name`` tells its answer from the others."""

    async def send_batch(self, lines: bytes, metadata: Mapping[str, str]) -> BatchState:
        """Hand the lines over and make a batch of them.

        Raises:
            AttemptFailed: with a verdict on what to do next.
        """

    async def find_batch(self, name: str, value: str) -> BatchState | None:
        """The batch whose metadata holds ``value`` under ``name``, or None.

        Raises:
            AttemptFailed: with a verdict on what to do next.
        """

    async def look_at_batch(self, batch_id: str) -> BatchState:
        """How far a batch is.

        Raises:
            BatchGone: it is not known, or not any more.
            AttemptFailed: with a verdict on what to do next.
        """

    async def batch_answers(self, state: BatchState) -> dict[str, str]:
        """The lines of a batch that has ended, by the names of their requests; what cannot be read is left out.

        Raises:
            BatchGone: some of them are not kept any more.
            AttemptFailed: with a verdict on what to do next.
        """

    def batch_reader(self, model: str) -> LineReader:
        """What reads the lines of a batch of requests to ``model`` that is sent now, whatever is learned meanwhile."""
