"""A few moments of the torture: backups, restores and migrations that are killed at a named moment."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.killed_copies import KilledCopies, KilledMigrations
from tests.faults.killer import Killer, Tally
from tests.rig.nursery import Nursery


class AtAName(Random):
    """Chance that strikes at named moments only, at the last of them by name."""

    def random(self) -> float:
        """Below any share."""
        return 0.0

    def choice(self, seq: list[str]) -> str:  # type: ignore[override]
        """The last."""
        return seq[-1]


@pytest.fixture
def killer(nursery: Nursery, tmp_path: Path) -> Killer:
    return Killer(nursery, tmp_path, AtAName())


def test_P01_a_backup_and_its_restore_are_killed_and_typed_again(
    killer: Killer, postgres_url: str, sqlite_url: str
) -> None:
    tally, copies = Tally(), KilledCopies(killer, postgres_url)
    copies.torture(sqlite_url, tally)
    assert (tally.kills, tally.wrong) == (2, [])


def test_P01_a_migration_is_killed_after_its_copy_and_typed_again(killer: Killer, sqlite_url: str) -> None:
    tally, migrations = Tally(), KilledMigrations(killer, sqlite_url)
    migrations.torture(f"{sqlite_url}.old", tally)
    assert (tally.kills, tally.wrong) == (1, [])
