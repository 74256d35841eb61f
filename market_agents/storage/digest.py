"""One SHA-256 over everything that a run decided, equal for SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from itertools import islice

from market_agents.storage.database import Database
from market_agents.storage.reading import require_run, stream
from market_agents.storage.rows import PAGE_ROWS, codec
from market_agents.storage.schema import DECIDED


def digest(database: Database, run_id: str) -> str:
    """The digest (hex) of a run.

    It covers every table that holds decisions, row by row in the order of the natural keys. Left out are
    ``run_id``, request keys and wall-clock columns, so that a resumed, replayed or renamed run with the
    same decisions has the same digest.

    Raises:
        RunRefused: no such run.
    """
    sha = hashlib.sha256()
    with database.read() as connection:
        require_run(connection, run_id)
        for table in DECIDED:
            table_codec = codec(table)
            left_out = frozenset(
                name
                for name in table_codec.names
                if name in {"run_id", "request_key"} or name.endswith("_at")
            )
            sha.update(f"{table.name}\n".encode())
            rows = stream(connection, table, run_id)
            while page := list(islice(rows, PAGE_ROWS)):
                lines = table_codec.lines(table_codec.canonical(page), left_out)
                sha.update("".join([f"{line}\n" for line in lines]).encode())
    return sha.hexdigest()
