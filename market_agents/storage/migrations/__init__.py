"""Alembic revisions: a change of the schema takes a new file in ``versions`` and the next ``SCHEMA_VERSION``.

Revisions are numbered ``0001``, ``0002``, …; they never import the schema, which goes on changing after them.
"""
