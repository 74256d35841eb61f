"""Sums over asks are taken from an index, which holds whatever they need."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the wider index in the place of the one by round."""
    op.drop_index(op.f("ix_llm_requests_run_id_round"), table_name="llm_requests")
    op.create_index(
        "ix_llm_requests_sums",
        "llm_requests",
        [
            "run_id",
            "round",
            "client",
            "status",
            "attempts",
            "prompt_tokens",
            "completion_tokens",
            "cached_tokens",
            "cost",
        ],
    )
