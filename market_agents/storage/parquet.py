"""A table as a Parquet file: typed, exact, and with the meaning of each column inside. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_agents.errors import UserError
from market_agents.extras import install_command
from market_agents.storage.columns import Instant, Json, Money, Real, Stored, Whole
from market_agents.storage.dictionary import ROWS, dictionary
from market_agents.storage.rows import Codec, Values

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 20_000
"""Rows that are in memory together."""


def write_parquet(path: Path, codec: Codec, rows: Iterator[Values]) -> None:
    """Write the rows of one table.

    Args:
        path: the file, replaced if it is there.
        codec: knows the table's columns.
        rows: as they come out of the database.

    Raises:
        UserError: pyarrow is not installed.
    """
    arrow, parquet = _libraries()
    schema = _schema(arrow, codec)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(rows, BATCH)):
            columns = zip(*batch, strict=True)
            arrays = [
                arrow.array([_value(stored, value) for value in column], type=field.type)
                for column, stored, field in zip(columns, codec.types, schema, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _libraries() -> tuple[Any, Any]:
    # Fifty megabytes that only this format needs: an extra, imported when it is wanted.
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UserError(f"Parquet needs pyarrow: {install_command('analysis')}") from error
    return pa, parquet


def _schema(arrow: Any, codec: Codec) -> pa.Schema:  # noqa: ANN401  (the module, imported late)
    entries = {entry.column: entry for entry in dictionary() if entry.table == codec.table.name}
    fields = [
        arrow.field(
            name,
            _type(arrow, stored),
            nullable=entries[name].is_optional,
            metadata={"description": entries[name].meaning},
        )
        for name, stored in zip(codec.names, codec.types, strict=True)
    ]
    return arrow.schema(fields, metadata={"row": ROWS.get(codec.table.name, "")})


def _type(arrow: Any, stored: Stored[Any, Any]) -> pa.DataType:  # noqa: ANN401  (as above)
    match stored:
        case Money():
            return arrow.decimal128(stored.precision, stored.scale)
        case Whole():
            return arrow.int64() if stored.big else arrow.int32()
        case Real():
            return arrow.float64()
        case Instant():
            return arrow.timestamp("us", tz="UTC")
    return arrow.string()


def _value(stored: Stored[Any, Any], value: object) -> object:
    return stored.canonical(value) if isinstance(stored, Json) and value is not None else value
