"""Rows on their way into a table: checked, made canonical once, then written, hashed or compared as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from types import NoneType
from typing import Any, TypeVar

from sqlalchemy import Column, Table

from market_agents.errors import MarketAgentsError
from market_agents.storage.columns import Cells, Stored, kinds_of

Row = Mapping[str, object]
"""A row as the rest of the program gives it: values by column, ``run_id`` apart, absent meaning NULL."""

Values = tuple[object, ...]
"""A row in canonical form: one value for each column of its table, in the table's order."""

PAGE_ROWS = 2_000

T = TypeVar("T")

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
            (column.name, stored, bool(column.nullable))
            for column, stored in zip(table.columns, self.types, strict=True)
            if column.name != "run_id"
        )
        self._known = frozenset(name for name, _, _ in self._given)
        self._take = itemgetter(*(name for name, _, _ in self._given))

    def encode(self, run_id: str, row: Row) -> Values:
        """The canonical values of a whole row.

        Raises:
            MarketAgentsError: an unknown column, a missing value, or a value that its column cannot hold.
        """
        return self.encode_all(run_id, [row])[0]

    def encode_all(self, run_id: str, rows: Sequence[Row]) -> list[Values]:
        """The canonical values of many whole rows, column by column.

        Raises:
            MarketAgentsError: as `encode`.
        """
        encoded: list[Values] = []
        for page in pages(rows):
            encoded += self._encode_page(run_id, page)
        return encoded

    def _encode_page(self, run_id: str, rows: Sequence[Row]) -> Iterator[Values]:
        columns: list[Cells] = [[run_id] * len(rows)]
        name = "run_id"
        try:
            for (name, stored, nullable), values in zip(  # noqa: B007  (the refusal names the column)
                self._given, self._columns(rows), strict=True
            ):
                kinds = kinds_of(values)
                if not nullable and NoneType in kinds:
                    raise ValueError("a value is missing")
                columns.append(stored.canonical_column(values, kinds))
        except _UNFIT as error:
            raise self._refusal(name, error) from error
        return zip(*columns, strict=True)

    def _columns(self, rows: Sequence[Row]) -> Iterable[Cells]:
        """What the rows give for each column but ``run_id``; at least two columns."""
        try:
            given: Iterable[Values] = list(map(self._take, rows))
            whole = max(map(len, rows)) == len(self._given)
        except KeyError:
            given = [tuple([row.get(name) for name, _, _ in self._given]) for row in rows]
            whole = False
        if not whole:
            for row in rows:
                if not self._known.issuperset(row):
                    raise self._unknown(row)
        return zip(*given, strict=True)

    def canonical(self, rows: Sequence[Values]) -> list[Values]:
        """The canonical values of rows as a database gives them, in the order of the table's columns."""
        columns = zip(self.types, zip(*rows, strict=True), strict=True)
        return list(
            zip(
                *(stored.canonical_column(values, kinds_of(values)) for stored, values in columns),
                strict=True,
            )
        )

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
            for name, stored, nullable in self._given:
                if name not in row:
                    if name in self.key:
                        raise ValueError("the key of the row to update lacks it")
                    continue
                value = row[name]
                if value is None and not nullable:
                    raise ValueError("a value is missing")
                values[name] = None if value is None else stored.canonical(value)
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

    def sqlite(self, rows: Sequence[Values]) -> list[Values]:
        """Rows as the sqlite3 driver takes them; at least one."""
        columns = zip(self.types, zip(*rows, strict=True), strict=True)
        return list(zip(*(stored.sqlite_column(values) for stored, values in columns), strict=True))

    def copied(self, rows: Sequence[Values]) -> list[str]:
        """Each row as a line of PostgreSQL's COPY, its end included; at least one."""
        columns = zip(self.types, zip(*rows, strict=True), strict=True)
        fields = (
            ["\\N" if text is None else text for text in _escaped(stored, values)]
            for stored, values in columns
        )
        return [f"{line}\n" for line in map("\t".join, zip(*fields, strict=True))]

    def lines(self, rows: Sequence[Values], leave_out: frozenset[str] = frozenset()) -> list[str]:
        """Each row as one line that no other row of the table shares; NULLs are left out.

        Since absent columns leave no trace, a column added by a later version changes no old line.
        """
        lines: list[str] = []
        for page in pages(rows):
            form, fields = "", []
            for name, stored, values in zip(self.names, self.types, zip(*page, strict=True), strict=True):
                if name in leave_out:
                    continue
                if values[0] == values[-1] and values.count(values[0]) == len(values):
                    # The same in all rows, as most of what tells place and kind is.
                    [text] = _escaped(stored, values[:1])
                    form += "" if text is None else f"{name}={text}\t".replace("%", "%%")
                    continue
                texts = _escaped(stored, values)
                if None not in texts:
                    form += f"{name}=%s\t"
                else:
                    form += "%s"
                    texts = ["" if text is None else f"{name}={text}\t" for text in texts]
                fields.append(texts)
            each = zip(*fields, strict=True) if fields else [()] * len(page)
            lines += [(form % texts)[:-1] for texts in each]
        return lines


def pages(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in parts that are worth a look at whole columns and small beside the rows themselves."""
    for first in range(0, len(rows), PAGE_ROWS):
        yield rows[first : first + PAGE_ROWS]


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


def escape_column(texts: Cells) -> Cells:
    """Each text as from `escape`; None stays None."""
    whole = "".join(texts if None not in texts else [text for text in texts if text is not None])
    if not any(mark in whole for mark in "\\\n\t\r"):
        return texts
    return [None if text is None else escape(text) for text in texts]


def _escaped(stored: Stored[Any, Any], values: Cells) -> Cells:
    texts = stored.text_column(values)
    return texts if stored.is_plain else escape_column(texts)


def content_hash(inserts: Mapping[Table, Sequence[Values]], updates: Mapping[Table, Iterable[Row]]) -> str:
    """SHA-256 (hex) over what a step writes, whatever the order of its rows and of their columns."""
    sha = hashlib.sha256()
    for table, rows in sorted(inserts.items(), key=lambda item: item[0].name):
        lines = sorted(codec(table).lines(rows, frozenset({"run_id"})))
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
