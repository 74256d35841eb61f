"""Every table, described once for SQLite and PostgreSQL; natural keys, all beginning with ``run_id``.

The runs and their agents stand here, what happened in `schema_happened`, what was asked in `schema_asked`. A change in
any of them needs a revision in ``migrations/versions``, the next ``SCHEMA_VERSION``, and a line in `dictionary`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table

from market_agents.storage.columns import Instant, Name
from market_agents.storage.schema_asked import (
    llm_batches,
    llm_intents,
    llm_requests,
    prompts,
    resource_samples,
    run_events,
    steps,
)
from market_agents.storage.schema_happened import (
    acl_messages,
    actions,
    agent_memories,
    allocations,
    attendance,
    auction_rounds,
    cohorts,
    discussions,
    judgements,
    ledger,
    messages,
    observations,
    order_events,
    orders,
    perceptions,
    recollections,
    reflections,
    topics,
    trades,
    turns,
)
from market_agents.storage.schema_parts import json, metadata, money, name, number, run, text, whole

__all__ = [
    "BOOKKEEPING",
    "DECIDED",
    "INSERTABLE",
    "SCHEMA_VERSION",
    "VERSION_TABLE",
    "acl_messages",
    "actions",
    "agent_memories",
    "agents",
    "allocations",
    "attendance",
    "auction_rounds",
    "cohorts",
    "discussions",
    "judgements",
    "ledger",
    "llm_batches",
    "llm_intents",
    "llm_requests",
    "messages",
    "metadata",
    "observations",
    "order_events",
    "orders",
    "perceptions",
    "preference_schedules",
    "prompts",
    "recollections",
    "reflections",
    "resource_samples",
    "run_events",
    "runs",
    "steps",
    "topics",
    "trades",
    "turns",
]

SCHEMA_VERSION: Final = "0004"
VERSION_TABLE: Final = "market_agents_schema"

runs = Table(
    "runs",
    metadata,
    name("run_id"),
    text("status"),
    whole("seed", big=True),
    json("config", nullable=False),
    text("config_hash"),
    text("code_version"),
    Column("parent_run_id", Name(), ForeignKey("runs.run_id"), nullable=True),
    whole("fork_round", nullable=True),
    whole("epoch"),
    text("owner"),
    text("error", nullable=True),
    Column("started_at", Instant(), nullable=False),
    Column("finished_at", Instant(), nullable=True),
    CheckConstraint(
        "status IN ('running', 'completed', 'interrupted', 'failed', 'budget_exhausted')", name="status"
    ),
    Index(None, "parent_run_id"),
)

agents = Table(
    "agents",
    metadata,
    run(),
    name("agent_id"),
    whole("agent_index"),
    text("role"),
    text("name"),
    json("persona"),
    json("endowment"),
    text("llm_config", nullable=True),
    text("strategy", nullable=True),
)

preference_schedules = Table(
    "preference_schedules",
    metadata,
    run(),
    number("round"),
    name("agent_id"),
    name("good"),
    number("unit"),
    money("value", nullable=True),
    money("cost", nullable=True),
    CheckConstraint("(value IS NULL) <> (cost IS NULL)", name="value_or_cost"),
)

BOOKKEEPING: Final = frozenset(
    {
        "runs",
        "llm_requests",
        "llm_intents",
        "llm_batches",
        "prompts",
        "resource_samples",
        "run_events",
        "steps",
    }
)
"""Tables that tell how a run went, not what it decided; no digest covers them."""

DECIDED: Final = tuple(
    sorted((t for t in metadata.tables.values() if t.name not in BOOKKEEPING), key=lambda t: t.name)
)
"""Tables that hold what a run decided, by name."""

INSERTABLE: Final = {name: table for name, table in metadata.tables.items() if name not in {"runs", "steps"}}
"""Tables whose rows come from outside this room, by name."""
