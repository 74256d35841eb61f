"""What the torture shares: moments to kill at, by the clock and by name, and a tally of what came of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from market_agents.errors import UserError
from market_agents.failpoints import VARIABLE
from market_agents.storage import digest, list_runs, open_database
from tests.rig.nursery import Nursery

NAMED = 0.5
"""Share of the kills that strike at a named moment, which the clock would seldom hit."""


@dataclass
class Tally:
    """What the kills came to."""

    kills: int = 0
    runs: int = 0
    repaid: int = 0
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, wrong: Sequence[str]) -> None:
        """One more that was killed, and what was found wrong with it afterwards."""
        self.runs += 1
        self.failed += bool(wrong)
        self.wrong += wrong


class Killer:
    """Starts the program and kills it, or comes too late.

    Args:
        nursery: starts the program.
        folder: where it works.
        chance: decides when it is killed.
    """

    def __init__(self, nursery: Nursery, folder: Path, chance: Random) -> None:
        self.nursery = nursery
        self.folder = folder
        self.chance = chance

    def strike(self, words: Sequence[str], seconds: float, points: Mapping[str, int], tally: Tally) -> bool:
        """Whether the program died of it.

        Args:
            words: for the program.
            seconds: how long it would take.
            points: named moments that it comes to, and about how often.
            tally: where the kill is counted.
        """
        if self.chance.random() < NAMED:
            point = self.chance.choice(sorted(points))
            passage = self.chance.randint(1, points[point])
            code = self.nursery.run(self.folder, *words, **{VARIABLE: f"{point}:{passage}"}).code
        else:
            self.nursery.start(self.folder, *words)
            time.sleep(self.chance.uniform(0, seconds))
            with suppress(ProcessLookupError):
                os.kill(self.nursery.pid, signal.SIGKILL)
            code = self.nursery.end().code
        killed = code == -signal.SIGKILL
        tally.kills += killed
        return killed


def digest_of(url: str, run_id: str = "one") -> str:
    """The digest of a run."""
    with open_database(url, create=False) as database:
        return digest(database, run_id)


def has_run(url: str) -> bool:
    """Whether there is a database with a run."""
    with suppress(UserError), open_database(url, create=False) as database:
        return bool(list_runs(database))
    return False  # it was killed before there was a database
