"""How long a run may still take, by what was measured in it."""

from __future__ import annotations

from market_agents.inference import Tally

MINUTE = 60
HOUR = 3600


class Pace:
    """Asks that are left, at the rate at which models answered so far.

    What the journal answered says how many asks a round has, and nothing of how long they take.

    Args:
        now: the time at the start, in seconds of any clock that only goes forward.
    """

    def __init__(self, now: float) -> None:
        self._began = now
        self._rounds_done = 0
        self._asked_in_rounds = 0
        self._replayed = 0
        self._measured_from = (now, 0)

    def round_done(self, rounds_done: int, asked: int) -> None:
        """A round is over, and so many asks have ended in all."""
        self._rounds_done, self._asked_in_rounds = rounds_done, asked

    def seconds_left(self, now: float, rounds: int, tally: Tally) -> float | None:
        """The forecast; None before a round is done, and while the journal alone answers."""
        if tally.replayed > self._replayed:
            self._replayed = tally.replayed
            self._measured_from = (now, tally.asked)
        if not self._rounds_done:
            return None
        if not self._asked_in_rounds:
            return (rounds - self._rounds_done) * (now - self._began) / self._rounds_done
        since, before = self._measured_from
        if tally.asked <= before:
            return None
        per_round = self._asked_in_rounds / self._rounds_done
        asks_left = max(per_round * rounds - tally.asked, per_round * (rounds - self._rounds_done - 1), 0)
        return asks_left * (now - since) / (tally.asked - before)


def duration(seconds: float) -> str:
    """Seconds in words, ``43 s``, ``12 min``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    hours, rest = divmod(whole, HOUR)
    return f"{hours} h {rest // MINUTE} min"
