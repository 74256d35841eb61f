"""Named moments at which the program can be made to die, so that tests can tell what survives.

``MARKET_AGENTS_FAILPOINT=journal.commit.before:3`` in the environment ends the process, as a power cut would, when it
comes to that moment for the third time. The variable is read once; without it nothing happens anywhere.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable, Mapping

from market_agents.errors import UserError

VARIABLE = "MARKET_AGENTS_FAILPOINT"

POINTS = frozenset(
    {
        "backup.written",  # a copy, or what is restored from one, is whole, and has not its name yet
        "migration.copied",  # an older SQLite file has been copied, and nothing is changed
        "migration.commit.before",  # tables are made or changed, and not yet committed
        "run.owned",  # the run is entered, or taken over by a resume; nothing has been done yet
        "step.insert",  # one table's rows of a step are in, inside its transaction; the population's is the first step
        "step.commit.before",
        "step.commit.after",
        "intent.kept",  # what an attempt may cost is kept, and the attempt is not yet sent
        "batch.kept",  # what goes into a batch is kept, and nothing of it is sent
        "batch.uploaded",  # the provider has the requests, and nobody has made a batch of them
        "batch.created",  # the batch is made, and its id is not kept
        "batch.stored",  # its id is kept, and it is waited for
        "batch.fetched",  # its answers are here, and none of them is kept
        "journal.commit.before",  # outcomes are paid for, and inside the transaction that keeps them
        "journal.commit.after",  # they are kept, and nobody has acted on them
        "status.before",  # everything is done, and the run does not say so yet
    }
)


def _nothing(point: str) -> None:
    """No moment is fatal."""


def armed(environment: Mapping[str, str]) -> Callable[[str], None]:
    """What to call at each moment.

    Raises:
        UserError: the variable names no moment, or no passage of one.
    """
    wanted = environment.get(VARIABLE, "")
    if not wanted:
        return _nothing
    point, _, count = wanted.partition(":")
    if point not in POINTS or re.fullmatch("0*[1-9][0-9]{0,8}", count or "1") is None:
        raise UserError(
            f"{VARIABLE}: {wanted[:80]!r} is not POINT[:COUNT]; unset it, or name one of {', '.join(sorted(POINTS))}"
        )
    fatal, passages = int(count or 1), itertools.count(1)

    def reach(reached: str) -> None:
        if reached == point and next(passages) == fatal:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    return reach


reach = armed(os.environ)
"""To be called with the name of the moment."""
