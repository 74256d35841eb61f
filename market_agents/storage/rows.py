"""Rows on their way into a table: checked, made canonical once, then written, hashed or compared as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Table

from market_agents.errors import MarketAgentsError
from market_agents.storage.columns import Stored

Row = Mapping[str, object]
"""A row as the rest of the program gives it: values by column, ``run_id`` apart, absent meaning NULL."""

Values = tuple[object, ...]
"""A row in canonical form: one value for each column of its table, in the table's order."""

_UNFIT = (ValueError, TypeError, RecursionError)


class Codec:
    """Knows the columns of one table.

    Args:
        table: a table whose columns all are of this room's types.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.names: tuple[str, ...] = tuple(column.name for column in table.columns)
        self.types: tuple[Stored[Any, Any], ...] = tuple(_stored(column) for column in table.columns)
        self.key: tuple[str, ...] = tuple(column.name for column in table.primary_key)
        self._given = tuple(
            (column.name, stored.canonical, bool(column.nullable))
            for column, stored in zip(table.columns, self.types, strict=True)
            if column.name != "run_id"
        )
        self._known = frozenset(name for name, _, _ in self._given)

    def encode(self, run_id: str, row: Row) -> Values:
        """The canonical values of a whole row.

        Raises:
            MarketAgentsError: an unknown column, a missing value, or a value that its column cannot hold.
        """
        values: list[object] = [run_id]
        name = "run_id"
        try:
            for name, canonical, nullable in self._given:
                value = row.get(name)
                if value is None and not nullable:
                    raise ValueError("a value is missing")
                values.append(None if value is None else canonical(value))
        except _UNFIT as error:
            raise self._refusal(name, error) from error
        if not row.keys() <= self._known:
            raise self._unknown(row)
        return tuple(values)

    def encode_part(self, run_id: str, row: Row) -> dict[str, object]:
        """The canonical values of the columns that the row names; the key must be among them.

        Raises:
            MarketAgentsError: as `encode`, or a part of the key is missing.
        """
        if not row.keys() <= self._known:
            raise self._unknown(row)
        values: dict[str, object] = {"run_id": run_id}
        name = "run_id"
        try:
            for name, canonical, nullable in self._given:
                if name not in row:
                    if name in self.key:
                        raise ValueError("the key of the row to update lacks it")
                    continue
                value = row[name]
                if value is None and not nullable:
                    raise ValueError("a value is missing")
                values[name] = None if value is None else canonical(value)
        except _UNFIT as error:
            raise self._refusal(name, error) from error
        return values

    def _refusal(self, column: str, error: Exception) -> MarketAgentsError:
        return MarketAgentsError(f"{self.table.name}.{column}: {error}")

    def _unknown(self, row: Row) -> MarketAgentsError:
        unknown = ", ".join(sorted(str(name) for name in row.keys() - self._known))
        return MarketAgentsError(f"{self.table.name}: no such column: {unknown}")

    def texts(self, values: Values) -> list[str | None]:
        """Each value as text, None for NULL."""
        return [
            None if value is None else stored.text(value)
            for stored, value in zip(self.types, values, strict=True)
        ]

    def sqlite(self, values: Values) -> Values:
        """The values as the sqlite3 driver takes them."""
        return tuple(
            [
                None if value is None else stored.sqlite(value)
                for stored, value in zip(self.types, values, strict=True)
            ]
        )

    def line(self, values: Values, leave_out: frozenset[str] = frozenset()) -> str:
        """The row as one line that no other row of the table shares; NULLs are left out.

        Since absent columns leave no trace, a column added by a later version changes no old line.
        """
        return "\t".join(
            [
                f"{name}={escape(stored.text(value))}"
                for name, stored, value in zip(self.names, self.types, values, strict=True)
                if value is not None and name not in leave_out
            ]
        )


def _stored(column: Column[Any]) -> Stored[Any, Any]:
    if not isinstance(column.type, Stored):
        raise TypeError(f"{column} has a type that this room does not know")
    return column.type


@cache
def codec(table: Table) -> Codec:
    """The codec of a table, made once."""
    return Codec(table)


def escape(text: str) -> str:
    """The text on one line without tabs, as PostgreSQL's COPY wants it and nothing else is confused by."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    return text.replace("\r", "\\r") if "\r" in text else text


def content_hash(inserts: Mapping[Table, Sequence[Values]], updates: Mapping[Table, Iterable[Row]]) -> str:
    """SHA-256 (hex) over what a step writes, whatever the order of its rows and of their columns."""
    sha = hashlib.sha256()
    for table, rows in sorted(inserts.items(), key=lambda item: item[0].name):
        lines = sorted(codec(table).line(values, frozenset({"run_id"})) for values in rows)
        sha.update("\n".join([f"+{table.name}", *lines, ""]).encode())
    for table, parts in sorted(updates.items(), key=lambda item: item[0].name):
        lines = sorted(_part_line(codec(table), part) for part in parts)
        sha.update("\n".join([f"~{table.name}", *lines, ""]).encode())
    return sha.hexdigest()


def _part_line(table_codec: Codec, part: Row) -> str:
    # NULLs stay in: to set a column to NULL is not to leave it alone.
    return "\t".join(
        name if part[name] is None else f"{name}={escape(stored.text(part[name]))}"
        for name, stored in zip(table_codec.names, table_codec.types, strict=True)
        if name in part and name != "run_id"
    )
