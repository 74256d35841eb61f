"""An amount per minute: never passed in any minute, used up evenly, and corrected when the true amount is known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MINUTE = 60.0

_GUARD = 1.01
"""A minute is taken a little longer, so that calls which arrive unevenly at the server do not pass its limit."""

_CATCH_UP = 0.25
"""Seconds of lateness, as of a busy event loop, that are made up for."""


@dataclass(slots=True)
class Portion:
    """What was taken, and when."""

    moment: float
    amount: float


class Rate:
    """So much per minute, on a clock that the caller reads.

    Args:
        per_minute: the limit, above 0.
    """

    def __init__(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self._span = MINUTE * _GUARD
        self._taken: deque[Portion] = deque()
        self._sum = 0.0
        self._next = float("-inf")

    def wait(self, amount: float, now: float) -> float:
        """Seconds until an amount may be taken; one larger than a minute's waits for an empty minute.

        Args:
            amount: how much.
            now: seconds on the caller's clock.
        """
        self._forget(now)
        excess = self._sum + min(amount, self.per_minute) - self.per_minute
        longest = self._next - now
        if excess > 1e-9 * self.per_minute:
            for portion in self._taken:
                excess -= portion.amount
                if excess <= 1e-9 * self.per_minute:
                    longest = max(longest, portion.moment + self._span - now)
                    break
        return max(longest, 0.0)

    def take(self, amount: float, now: float, *, waited: bool) -> Portion:
        """Take an amount.

        Args:
            amount: how much.
            now: seconds on the caller's clock.
            waited: whether it was waited for, so that lateness is made up for.
        """
        portion = Portion(now, min(amount, self.per_minute))
        self._taken.append(portion)
        self._sum += portion.amount
        earliest = now - _CATCH_UP if waited else now
        self._next = max(self._next, earliest) + portion.amount * self._span / self.per_minute
        return portion

    def settle(self, portion: Portion, amount: float, now: float) -> None:
        """It was another amount than was taken."""
        change = amount - portion.amount
        self._next += change * self._span / self.per_minute
        self._forget(now)
        if portion.moment + self._span > now:
            portion.amount = amount
            self._sum += change

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0].moment + self._span <= now:
            self._sum -= self._taken.popleft().amount
        if not self._taken:
            self._sum = 0.0
