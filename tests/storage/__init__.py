"""Tests of the door to databases, over SQLite and PostgreSQL."""
