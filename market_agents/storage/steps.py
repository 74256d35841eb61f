"""One step of a run written whole or not at all, once however often it is computed; and the run's events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection, Table, func, insert, select

from market_agents.errors import MarketAgentsError, WriteConflict
from market_agents.failpoints import reach
from market_agents.storage import bulk
from market_agents.storage.leases import Lease
from market_agents.storage.rows import Row, Values, codec, content_hash
from market_agents.storage.schema import INSERTABLE, run_events, steps


class EncodedStep(NamedTuple):
    """What a step writes, checked and canonical: new rows, and changes of rows."""

    inserts: Mapping[Table, list[Values]]
    updates: Mapping[Table, list[dict[str, object]]]


_NOTHING: Mapping[str, Sequence[Row]] = MappingProxyType({})


def write_step(
    lease: Lease,
    step_key: str,
    inserts: Mapping[str, Sequence[Row]],
    updates: Mapping[str, Sequence[Row]] = _NOTHING,
) -> bool:
    """Write everything that a step decided, in one transaction.

    Args:
        lease: the right to write the run.
        step_key: names the step within the run, the same whenever it is computed again.
        inserts: new rows by table, without ``run_id``.
        updates: by table, rows with their key and the columns to change.

    Returns:
        True if it was written, False if the same content was there already.

    Raises:
        WriteConflict: the step is there with other content, a key is taken, a row to update is missing, or
            the run is not ours any more.
        MarketAgentsError: an unknown table or column, or a value that its column cannot hold.
        DatabaseAway: the database stayed away.
    """
    return write_encoded(lease, step_key, encode_step(lease.run_id, inserts, updates))


def encode_step(
    run_id: str, inserts: Mapping[str, Sequence[Row]], updates: Mapping[str, Sequence[Row]] = _NOTHING
) -> EncodedStep:
    """The canonical rows of a step, much smaller than the rows given, which need not be kept.

    Raises:
        MarketAgentsError: as `write_step`.
    """
    return EncodedStep(
        {_table(name): _encoded(run_id, name, rows) for name, rows in inserts.items() if rows},
        {_table(name): _encoded_parts(run_id, name, rows) for name, rows in updates.items() if rows},
    )


def write_encoded(lease: Lease, step_key: str, step: EncodedStep) -> bool:
    """Write a step from `encode_step`; as `write_step`."""
    new, changed = step
    digest = content_hash(new, changed)

    def work(connection: Connection) -> bool:
        lease.fence(connection)
        known = connection.scalar(
            select(steps.c.content_hash).where(steps.c.run_id == lease.run_id, steps.c.step_key == step_key)
        )
        if known is not None:
            _require_same(known, digest, lease.run_id, step_key)
            return False
        for table, values in new.items():
            bulk.insert(connection, table, values)
            reach("step.insert")
        for table, parts in changed.items():
            bulk.update(connection, table, parts)
        connection.execute(
            insert(steps).values(
                run_id=lease.run_id, step_key=step_key, content_hash=digest, committed_at=datetime.now(UTC)
            )
        )
        reach("step.commit.before")
        return True

    written = lease.database.write(work)
    reach("step.commit.after")
    return written


def _table(name: str) -> Table:
    try:
        return INSERTABLE[name]
    except KeyError:
        raise MarketAgentsError(f"no rows can be written to {name!r}: there is no such table") from None


def _encoded(run_id: str, name: str, rows: Sequence[Row]) -> list[Values]:
    return codec(_table(name)).encode_all(run_id, rows)


def _encoded_parts(run_id: str, name: str, rows: Sequence[Row]) -> list[dict[str, object]]:
    encode = codec(_table(name)).encode_part
    return [encode(run_id, row) for row in rows]


def _require_same(known: str, computed: str, run_id: str, step_key: str) -> None:
    if known != computed:
        raise WriteConflict(
            f"run {run_id}: step {step_key} is stored with other content than was computed now: the "
            "configuration or the code has changed since, or an agent of your own draws on more than the seed"
        )


def record_event(
    lease: Lease, *, level: str, kind: str, message: str, data: Mapping[str, object] | None = None
) -> int:
    """Keep something worth knowing later; events are not part of what a run decided and never replayed.

    Args:
        lease: the right to write the run.
        level: ``info``, ``warning`` or ``error``.
        kind: one word for machines.
        message: one line for people.
        data: JSON-ready details.

    Returns:
        The event's place in the run, from 1.

    Raises:
        WriteConflict: the run is not ours any more.
    """
    event = {"level": level, "kind": kind, "message": message, "data": data, "created_at": datetime.now(UTC)}
    place: list[int] = []

    def work(connection: Connection) -> int:
        lease.fence(connection)
        if not place:
            last = connection.scalar(
                select(func.max(run_events.c.seq)).where(run_events.c.run_id == lease.run_id)
            )
            place.append((last or 0) + 1)
        mine = (run_events.c.run_id == lease.run_id, run_events.c.seq == place[0])
        # The place is kept over retries, so that a lost acknowledgement leaves one event and not two.
        if connection.scalar(select(run_events.c.seq).where(*mine)) is None:
            bulk.insert(
                connection, run_events, [codec(run_events).encode(lease.run_id, {**event, "seq": place[0]})]
            )
        return place[0]

    return lease.database.write(work)
