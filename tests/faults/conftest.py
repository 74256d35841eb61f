"""What the fault tests share: the program started quickly, and runs that nothing disturbed."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import calm, folder, nursery, postgres_runs, shelf, shell
from tests.end_to_end.stage import Changes, fingerprint, play

__all__ = ["calm", "folder", "nursery", "postgres_runs", "shelf", "shell"]

SMALL: Changes = {"num_agents": 4}


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the small run of the shipped file, with the stand-in for a model."""
    folder = tmp_path_factory.mktemp("undisturbed")
    url = f"sqlite:///{folder / 'market.db'}"
    return fingerprint(url, play(folder, url, SMALL).run_id)
