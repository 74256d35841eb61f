"""Runs that are killed, perhaps more than once, and resumed; held against one that nobody killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.stage import SHIPPED, Changes, Ended, asked, in_flight, query
from tests.faults.killer import Killer, Tally, digest_of, has_run
from tests.rig.fake_model_client import FakeModel

IN_FLIGHT = 8
AGENTS = 4
SLOW: list[dict[str, Any]] = [{"kind": "delay", "ms": 5, "jitter_ms": 15}]
LAZY: list[dict[str, Any]] = [
    {"kind": "batch_waits", "polls": 1},
    {"kind": "batch_slow", "polls": 2},
    {"kind": "batch_shuffled"},
]
AGAIN = 0.3
"""Share of the resumed runs that are killed once more while they resume."""

CALLS = {
    "run.owned": 1,
    "step.insert": 65,
    "step.commit.before": 18,
    "step.commit.after": 18,
    "journal.commit.before": 30,
    "journal.commit.after": 30,
    "status.before": 1,
}
BATCHES = {
    **{f"batch.{point}": 18 for point in ("kept", "uploaded", "created", "stored", "fetched")},
    "journal.commit.before": 18,
    "journal.commit.after": 18,
    "step.commit.before": 18,
}


@dataclass(frozen=True)
class Calm:
    """A run that nobody killed.

    Attributes:
        digest: of what it decided.
        asked: requests that the model server saw, those within batches included.
        seconds: that it took.
    """

    digest: str
    asked: int
    seconds: float


class KilledRuns:
    """Runs before one model server, with calls or in batches.

    Args:
        killer: starts and kills them.
        model: answers them.
        in_batches: whether the provider is asked in batches; then nothing at all may be paid for twice.
    """

    def __init__(self, killer: Killer, model: FakeModel, *, in_batches: bool = False) -> None:
        self._killer = killer
        self._model = model
        self._in_batches = in_batches
        self._points = BATCHES if in_batches else CALLS

    def calm(self, url: str) -> Calm:
        """The run that nobody kills."""
        self._prepare()
        started = time.monotonic()
        done = self._killer.nursery.run(self._killer.folder, *self._words(url))
        if done.code != 0:
            raise RuntimeError(done.err)
        return Calm(digest_of(url), self._asked(), time.monotonic() - started)

    def torture(self, url: str, calm: Calm, tally: Tally) -> None:
        """One run in a fresh database, killed at a random moment, perhaps again and again, and resumed to its end."""
        self._prepare()
        kills, words = tally.kills, self._words(url)
        while True:
            killed = self._killer.strike(words, calm.seconds, self._points, tally)
            if has_run(url):
                words = ("resume", "one", "--quiet", "--database", url)
            if not killed or self._killer.chance.random() > AGAIN:
                break
        done = self._killer.nursery.run(self._killer.folder, *words)
        repaid = self._asked() - calm.asked
        wrong = list(_findings(url, done, calm))
        most = 0 if self._in_batches else IN_FLIGHT * (tally.kills - kills)
        if not 0 <= repaid <= most:
            wrong.append(f"{repaid} calls were paid for again after {tally.kills - kills} kills")
        tally.repaid += repaid
        tally.count(wrong)

    def _prepare(self) -> None:
        self._model.reset()
        self._model.set_faults(LAZY if self._in_batches else SLOW)

    def _asked(self) -> int:
        return len(self._model.ledger())

    def _words(self, url: str) -> tuple[str, ...]:
        changes: Changes = {
            "num_agents": AGENTS,
            "llm_configs": asked(self._model),
            "request_limits": in_flight(IN_FLIGHT),
            **(_IN_BATCHES if self._in_batches else {}),
        }
        flags = [word for key, value in changes.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        return ("run", str(SHIPPED), *flags, "--run-id", "one", "--quiet", "--database", url)


_IN_BATCHES: Mapping[str, object] = {"execution": "batch", "batch": {"poll_interval": 0.02}}


def _findings(url: str, done: Ended, calm: Calm) -> Iterator[str]:
    """What is wrong with a run that was resumed to its end."""
    if done.code != 0:
        yield f"exit {done.code}: {done.err[-300:]}"
        return
    keys = [row["request_key"] for row in query(url, "SELECT request_key FROM llm_requests")]
    if digest_of(url) != calm.digest:
        yield "another digest"
    if len(keys) != len(set(keys)) or len(keys) != calm.asked:
        yield f"{len(keys)} asks in the journal, {calm.asked} in the calm run"
    if query(url, "SELECT request_key FROM llm_intents"):
        yield "asks are still noted as under way"
