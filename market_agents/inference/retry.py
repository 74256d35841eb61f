"""What to do after a failed attempt: a value, decided in one place, obeyed in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Verdict(StrEnum):
    """What a failed attempt means for the next."""

    RETRY = "retry"  # this request may work in a moment
    GARBLED = "garbled"  # a reply came, and was perhaps paid for, but nobody can read it
    PAUSE = "pause"  # the whole endpoint asks for silence
    FALL_BACK = "fall_back"  # the endpoint does not know this response format
    KEY_REFUSED = "key_refused"  # no request of ours will work
    GIVE_UP = "give_up"  # this request will never work


class AttemptFailed(Exception):
    """One attempt failed.

    Args:
        verdict: what that means.
        reason: one line, without secrets.
        retry_after: seconds of silence that the provider asked for.
        reached: False where no connection was made at all.
        timed_out: whether time ran out.
        maybe_paid: whether the provider may have made, and charged, an answer that we did not get.
    """

    def __init__(
        self,
        verdict: Verdict,
        reason: str,
        *,
        retry_after: float | None = None,
        reached: bool = True,
        timed_out: bool = False,
        maybe_paid: bool = False,
    ) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.retry_after = retry_after
        self.reached = reached
        self.timed_out = timed_out
        self.maybe_paid = maybe_paid or timed_out or verdict is Verdict.GARBLED


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting with full jitter (Brooker 2015, "Exponential Backoff And Jitter").

    Attributes:
        base: seconds; the first wait is drawn from [base/2, base].
        longest: seconds; no wait exceeds it unless the provider asks for more.
    """

    base: float = 0.25
    longest: float = 20.0

    def wait(self, failures: int, rng: Random) -> float:
        """Seconds to wait after the given number of failures in a row (from 1)."""
        ceiling: float = min(self.base * 2 ** (failures - 1), self.longest)
        return rng.uniform(ceiling / 2, ceiling)
