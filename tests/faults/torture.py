"""Kills the program at many moments and holds what came of it against what was never interrupted.

``scripts/torture`` runs it. Half the kills strike at a random time, half at a random passage of a named moment. Every
digest must be that of the calm run, no key may be there twice, and the model server may have been paid for no more than
was in flight at each kill; in batches for nothing twice. A backup, a restore and a migration that were killed must
leave what was there, and succeed when they are typed again.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

from tests.faults.killed_copies import KilledCopies, KilledMigrations
from tests.faults.killed_runs import IN_FLIGHT, KilledRuns
from tests.faults.killer import Killer, Tally
from tests.rig.fake_model_client import FakeModel
from tests.rig.nursery import Nursery
from tests.rig.postgres import PostgresServer

KINDS = ("sqlite", "postgresql", "batch", "backup", "migration")


@dataclass(frozen=True)
class Rack:
    """What the torture of one kind works with."""

    killer: Killer
    model: FakeModel
    server: PostgresServer

    def databases(self, kind: str) -> Iterator[str]:
        """Addresses of databases that are empty, one after another: of one kind, or of both in turn."""
        for number in count(1):
            on_server = kind == "postgresql" if kind in {"sqlite", "postgresql"} else number % 2 == 0
            if on_server:
                yield self.server.create_database(f"{kind}{number}")
            else:
                yield f"sqlite:///{self.killer.folder / f'{kind}{number}.db'}"


def victims(kind: str, rack: Rack) -> Iterator[Callable[[Tally], None]]:
    """Whatever is killed, one after another."""
    databases = rack.databases("sqlite" if kind == "migration" else kind)
    if kind == "migration":
        migrations = KilledMigrations(rack.killer, next(databases))
        yield from (partial(migrations.torture, url) for url in databases)
    elif kind == "backup":
        copies = [KilledCopies(rack.killer, next(databases)) for _ in range(2)]
        yield from (partial(copies[place // 2 % 2].torture, url) for place, url in enumerate(databases))
    else:
        runs = KilledRuns(rack.killer, rack.model, in_batches=kind == "batch")
        calm = runs.calm(next(databases))
        yield from (partial(runs.torture, url, calm) for url in databases)


def main() -> int:
    """Torture whatever can be killed and say what came of it."""
    parser = argparse.ArgumentParser(
        prog="scripts/torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=50, help="killed of each kind; default 50")
    parser.add_argument("--kind", choices=KINDS, help="only this; default all, one after another")
    parser.add_argument("--seed", type=int, default=1, help="decides the moments; default 1")
    parser.add_argument(
        "--seconds", type=float, default=3000, help="begin nothing after so long; default 3000"
    )
    given = parser.parse_args()
    deadline, failed = time.monotonic() + given.seconds, False
    for kind in [given.kind] if given.kind else KINDS:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            killer = Killer(stack.enter_context(Nursery()), folder, Random(given.seed))
            model, server = stack.enter_context(FakeModel()), stack.enter_context(PostgresServer())
            tally = Tally()
            for torture in victims(kind, Rack(killer, model, server)):
                if tally.runs == given.moments or time.monotonic() > deadline:
                    break
                torture(tally)
        failed = failed or bool(tally.wrong) or tally.runs < given.moments
        sys.stdout.write(f"{kind}: {told(kind, tally)}\n")
        sys.stdout.writelines(f"  {line}\n" for line in tally.wrong)
        sys.stdout.flush()
    sys.stdout.write(f"seed {given.seed}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    return int(failed)


def told(kind: str, tally: Tally) -> str:
    """What came of the kills, on one line."""
    text = f"{tally.runs - tally.failed} of {tally.runs} as if nothing had been, {tally.kills} kills"
    if kind in {"backup", "migration"}:
        return text
    most = 0 if kind == "batch" else IN_FLIGHT
    return f"{text}, {tally.repaid} calls paid for again (at most {most} a kill)"


if __name__ == "__main__":
    sys.exit(main())
