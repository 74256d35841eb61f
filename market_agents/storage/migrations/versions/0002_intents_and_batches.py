"""Asks that are under way, and the batches in which a provider is asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Add both tables, empty."""
    op.create_table(
        "llm_intents",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("request_key", NAME, nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("batch", sa.Integer()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("unconfirmed_attempts", sa.Integer(), nullable=False),
        sa.Column("unconfirmed_tokens", sa.BigInteger(), nullable=False),
        sa.Column("unconfirmed_cost", sa.Numeric(20, 10), nullable=False),
        sa.Column("reserved_calls", sa.Integer(), nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reserved_cost", sa.Numeric(20, 10), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_llm_intents_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "request_key", name=op.f("pk_llm_intents")),
    )
    op.create_table(
        "llm_batches",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("llm_config", sa.Text(), nullable=False),
        sa.Column("requested_model", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text()),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_llm_batches_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "batch", name=op.f("pk_llm_batches")),
    )
