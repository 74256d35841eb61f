"""What a run took of its machine: samples kept while it runs, and their sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from market_agents.storage import bulk
from market_agents.storage.database import Database
from market_agents.storage.leases import Lease
from market_agents.storage.rows import Row, codec
from market_agents.storage.schema import resource_samples


@dataclass(frozen=True)
class ResourceUse:
    """What a run took, all its processes together.

    Attributes:
        wall_seconds: while it ran; interruptions apart.
        cpu_seconds: of the processes, not of models or databases elsewhere.
        memory_bytes: the most that was seen; None where the system does not tell.
        loop_lag_ms: the longest that the event loop was held up.
        in_flight: the most model calls awaited at the same time.
    """

    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int | None
    loop_lag_ms: float
    in_flight: int


def record_sample(lease: Lease, sample: Row) -> None:
    """Keep a sample; samples are no part of what a run decided.

    Args:
        lease: the right to write the run.
        sample: columns of ``resource_samples``; time is counted since the sample before.

    Raises:
        WriteConflict: the run is not ours any more.
        DatabaseAway: the database stayed away.
    """
    row = {**sample, "created_at": datetime.now(UTC)}
    place: list[int] = []
    seq = resource_samples.c.seq
    mine = resource_samples.c.run_id == lease.run_id

    def work(connection: Connection) -> None:
        lease.fence(connection)
        if not place:
            place.append((connection.scalar(select(func.max(seq)).where(mine)) or 0) + 1)
        # The place is kept over retries, so that a lost acknowledgement leaves one sample and not two.
        if connection.scalar(select(seq).where(mine, seq == place[0])) is None:
            values = codec(resource_samples).encode(lease.run_id, {**row, "seq": place[0]})
            bulk.insert(connection, resource_samples, [values])

    lease.database.write(work)


def resource_use(database: Database, run_id: str) -> ResourceUse | None:
    """The sum of a run's samples; None where there are none."""
    columns = resource_samples.c
    query = select(
        func.sum(columns.wall_seconds),
        func.sum(columns.cpu_seconds),
        func.max(columns.memory_bytes),
        func.max(columns.loop_lag_ms),
        func.max(columns.in_flight),
    ).where(columns.run_id == run_id)
    row = database.query(lambda connection: connection.execute(query).one())
    if row[0] is None:
        return None
    return ResourceUse(float(row[0]), float(row[1]), row[2], float(row[3]), int(row[4]))
