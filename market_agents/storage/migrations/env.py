"""Runs the revisions on the connection, and inside the transaction, of whoever asks for them."""

from __future__ import annotations

from alembic import context

from market_agents.storage.answers import shared_metadata
from market_agents.storage.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[metadata, shared_metadata],
    version_table=VERSION_TABLE,
)
context.run_migrations()
