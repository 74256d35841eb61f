"""The tables of what was asked and answered, and of how a run went."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from market_agents.storage.columns import Instant, Money
from market_agents.storage.schema_parts import (
    identifier,
    json,
    metadata,
    name,
    number,
    real,
    run,
    text,
    whole,
)

llm_requests = Table(
    "llm_requests",
    metadata,
    run(),
    name("request_key"),
    text("request_hash"),
    identifier("agent_id"),
    identifier("environment"),
    whole("round"),
    whole("sub_round"),
    text("step"),
    whole("ordinal", nullable=True),
    text("llm_config", nullable=True),
    text("client", nullable=True),
    text("requested_model"),
    text("returned_model", nullable=True),
    json("messages", nullable=False),
    text("schema_name", nullable=True),
    text("response"),
    text("response_raw", nullable=True),
    text("finish_reason", nullable=True),
    text("status"),
    text("reason", nullable=True),
    whole("prompt_tokens", big=True),
    whole("completion_tokens", big=True),
    whole("cached_tokens", big=True),
    Column("cost", Money(20, 10), nullable=True),
    whole("attempts"),
    whole("unconfirmed_attempts"),
    whole("unconfirmed_tokens", big=True),
    Column("unconfirmed_cost", Money(20, 10), nullable=True),
    whole("from_cache"),
    real("latency_ms"),
    identifier("source_run_id", nullable=True),
    Column("created_at", Instant(), nullable=False),
    # Sums over asks are taken from the index alone: prompts and answers make this table the widest of all. The reason
    # is not in it, for it may be longer than an index entry can be.
    Index(
        "ix_llm_requests_sums",
        "run_id",
        "round",
        "client",
        "status",
        "attempts",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cost",
    ),
)

llm_intents = Table(
    "llm_intents",
    metadata,
    run(),
    name("request_key"),
    text("request_hash"),
    whole("batch", nullable=True),
    whole("attempts"),
    whole("unconfirmed_attempts"),
    whole("unconfirmed_tokens", big=True),
    Column("unconfirmed_cost", Money(20, 10), nullable=False),
    whole("reserved_calls"),
    whole("reserved_tokens", big=True),
    Column("reserved_cost", Money(20, 10), nullable=False),
    Column("created_at", Instant(), nullable=False),
)

llm_batches = Table(
    "llm_batches",
    metadata,
    run(),
    number("batch"),
    text("token"),
    text("llm_config"),
    text("requested_model"),
    text("base_url", nullable=True),
    whole("requests"),
    text("batch_id", nullable=True),
    text("status"),
    whole("completed"),
    whole("failed"),
    text("reason", nullable=True),
    Column("created_at", Instant(), nullable=False),
    Column("finished_at", Instant(), nullable=True),
)

run_events = Table(
    "run_events",
    metadata,
    run(),
    number("seq", big=True),
    text("level"),
    text("kind"),
    text("message"),
    json("data"),
    Column("created_at", Instant(), nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    run(),
    name("name"),
    text("source"),
    text("sha256"),
    text("content"),
)

resource_samples = Table(
    "resource_samples",
    metadata,
    run(),
    number("seq"),
    whole("round"),
    real("wall_seconds"),
    real("cpu_seconds"),
    whole("memory_bytes", nullable=True, big=True),
    real("loop_lag_ms"),
    whole("in_flight"),
    Column("created_at", Instant(), nullable=False),
)

steps = Table(
    "steps",
    metadata,
    run(),
    name("step_key"),
    text("content_hash"),
    Column("committed_at", Instant(), nullable=False),
)
