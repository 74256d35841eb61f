"""What a stored row costs: a step with every guarantee beside the driver's bare bulk insert, in one run.

    python -m benchmarks.storage [--rows 60000] [--repeat 3] [--postgresql]

The same rows (orders, their events, movements, trades in the shares of a real round) go into the same tables: once
through `write_step`, which checks every value, makes it canonical, hashes the step's content and commits it with its
step; once as ready tuples through ``executemany`` (SQLite) or as ready text through COPY (PostgreSQL, a server of its
own). One line for all rows, and one for each kind. CPU time of this process, since disks differ; the ratio of wall
times stands beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path

from sqlalchemy import Connection

from market_agents.storage import Database, Lease, create_run, open_database, write_step
from market_agents.storage.rows import Values, codec
from market_agents.storage.schema import metadata

GOAL = 0.5
Step = dict[str, list[dict[str, object]]]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=60_000, help="of a step; default: 60000")
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs counts; default: 3")
    parser.add_argument("--postgresql", action="store_true", help="start a server and measure it too")
    arguments = parser.parse_args()
    print(
        f"{'database':<12} {'rows':<13} {'write_step':>13} {'bare insert':>13} {'ratio':>6} {'wall':>6}   goal {GOAL}"
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = [f"sqlite:///{folder / 'rows.db'}"]
        if arguments.postgresql:
            # Only this needs the tests' rig.
            from tests.rig.postgres import PostgresServer

            urls.append(stack.enter_context(PostgresServer()).create_database("rows"))
        for url in urls:
            database = stack.enter_context(open_database(url))
            step = market_rows(arguments.rows)
            measure(database, "all", step, arguments.repeat)
            for name, rows in step.items():
                measure(database, name, {name: rows}, arguments.repeat)


def measure(database: Database, name: str, step: Step, repeat: int) -> None:
    """One line of the table."""
    rows = sum(map(len, step.values()))
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for number in range(repeat):
        lease = _run(database, f"ours_{name}_{number}")
        ours.append(_timed(partial(write_step, lease, "r1", step)))
        lease.release()
        lease = _run(database, f"bare_{name}_{number}")
        work = (_executemany if database.dialect == "sqlite" else _copy)(lease.run_id, step)
        bare.append(_timed(partial(database.write, work)))
        lease.release()
    (cpu, wall), (bare_cpu, bare_wall) = min(ours), min(bare)
    print(
        f"{database.dialect:<12} {name:<13} {rows / cpu:>9,.0f}/s {rows / bare_cpu:>11,.0f}/s {bare_cpu / cpu:>6.2f} "
        f"{bare_wall / wall:>6.2f}"
    )


def market_rows(count: int) -> Step:
    """Rows of a round with so many of them, a tenth of them trades."""
    place = {"environment": "auction", "round": 1, "sub_round": 1}
    step: Step = {"orders": [], "order_events": [], "ledger": [], "trades": []}
    for number in range(1, count // 10 + 1):
        price = Decimal(9_000 + number % 2_000) / 100
        for side, order_id in (("bid", 2 * number - 1), ("ask", 2 * number)):
            agent = f"agent_{order_id}"
            step["orders"].append(
                {
                    **place, "order_id": order_id, "agent_id": agent, "good": "strawberry", "side": side,
                    "price": price, "quantity": 1, "filled_quantity": 1, "status": "filled", "reject_reason": None,
                    "request_key": f"r1/0.auction/s1/{agent}/action/1",
                }
            )  # fmt: skip
            step["order_events"] += [
                {
                    **place, "order_id": order_id, "seq": seq, "status": status, "price": price if seq == 1 else None,
                    "quantity": 1, "filled_quantity": seq - 1, "trade_id": number if seq == 2 else None, "reason": None,
                }
                for seq, status in ((1, "open"), (2, "filled"))
            ]  # fmt: skip
            step["ledger"].append(
                {
                    "seq": order_id, "environment": "auction", "round": 1, "agent_id": agent, "kind": "trade",
                    "good": "strawberry", "quantity": 1 if side == "bid" else -1,
                    "cash": -price if side == "bid" else price, "trade_id": number,
                }
            )  # fmt: skip
        step["trades"].append(
            {
                **place, "trade_id": number, "bid_order_id": 2 * number - 1, "ask_order_id": 2 * number,
                "buyer_id": f"agent_{2 * number - 1}", "seller_id": f"agent_{2 * number}", "good": "strawberry",
                "price": price, "quantity": 1, "buyer_value": price + 10, "seller_cost": price - 10,
                "buyer_surplus": Decimal(10), "seller_surplus": Decimal(10), "fee": 0,
            }
        )  # fmt: skip
    return step


def _run(database: Database, run_id: str) -> Lease:
    return create_run(database, run_id=run_id, seed=1, config={}, config_hash="", code_version="")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall time, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _encoded(run_id: str, step: Step) -> dict[str, list[Values]]:
    return {name: codec(metadata.tables[name]).encode_all(run_id, rows) for name, rows in step.items()}


def _executemany(run_id: str, step: Step) -> Callable[[Connection], None]:
    ready = {name: codec(metadata.tables[name]).sqlite(rows) for name, rows in _encoded(run_id, step).items()}

    def work(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        for name, rows in ready.items():
            marks = ", ".join("?" * len(rows[0]))
            driver.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    return work


def _copy(run_id: str, step: Step) -> Callable[[Connection], None]:
    ready = {
        name: "".join(codec(metadata.tables[name]).copied(rows))
        for name, rows in _encoded(run_id, step).items()
    }

    def work(connection: Connection) -> None:
        with closing(connection.connection.cursor()) as cursor:
            for name, lines in ready.items():
                cursor.copy_expert(f"COPY {name} FROM STDIN", StringIO(lines))

    return work


if __name__ == "__main__":
    main()
