"""What the tables are made of: columns by their meaning, bounds, and names of constraints."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, MetaData

from market_agents.storage.columns import Json, Money, Name, Real, Whole, Words

MOST_MONEY: Final = 10**13
MOST_GOODS: Final = 10**15

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def within(column: str, low: int, high: int) -> CheckConstraint:
    """A check that a number is between two bounds."""
    # BETWEEN refuses NaN, which a mere "> 0" would let pass on PostgreSQL.
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=column)


def run() -> Column[str]:
    """The first part of every key: the run."""
    return Column("run_id", Name(), ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True)


def name(name: str) -> Column[str]:
    """A part of the key that is a name."""
    return Column(name, Name(), primary_key=True)


def number(name: str, *, big: bool = False) -> Column[int]:
    """A part of the key that is a number."""
    return Column(name, Whole(big=big), primary_key=True, autoincrement=False)


def text(name: str, *, nullable: bool = False) -> Column[str]:
    """Text of any length."""
    return Column(name, Words(), nullable=nullable)


def identifier(name: str, *, nullable: bool = False) -> Column[str]:
    """The name of something, ordered by code point."""
    return Column(name, Name(), nullable=nullable)


def whole(name: str, *, nullable: bool = False, big: bool = False) -> Column[int]:
    """A whole number, of 32 bits or of 64."""
    return Column(name, Whole(big=big), nullable=nullable)


def money(name: str, *, nullable: bool = False) -> Column[object]:
    """An amount in currency units."""
    return Column(name, Money(), nullable=nullable)


def real(name: str) -> Column[float]:
    """A number in double precision, which may be missing."""
    return Column(name, Real(), nullable=True)


def json(name: str, *, nullable: bool = True) -> Column[object]:
    """Any JSON value."""
    return Column(name, Json(), nullable=nullable)


def where_and_who() -> tuple[Column[str] | Column[int], ...]:
    """The key of what one agent does in a turn."""
    return (run(), name("environment"), number("round"), number("sub_round"), name("agent_id"))
